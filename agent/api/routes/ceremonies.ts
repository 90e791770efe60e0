/**
 * /v1/ceremonies: begin, listen, give and take secrets, cancel. Secrets are the only bodies that are not JSON; they
 * travel raw so that they never become a string.
 */
import { createRoute, z } from '@hono/zod-openapi';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { CeremonyWatch } from '../ceremony-watch.ts';
import { encodeEvent } from '../event-stream.ts';
import type { ApiLimits } from '../limits.ts';
import { type AgentService, type Ceremony, SECRET_SLOTS_IN, SECRET_SLOTS_OUT } from '../ports.ts';
import { EVENT_STREAM_HEADERS, RAW_HEADERS, type Router, refusalAnswer } from '../router.ts';
import { ceremonyEventSchema, ceremonyIdSchema, ceremonyRequestSchema } from '../schemas.ts';
import { readSecretBody } from '../secret-body.ts';

const byId = z.object({ id: ceremonyIdSchema });
const bySlotIn = byId.extend({ slot: z.enum(SECRET_SLOTS_IN) });
const rawBody = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } };

const begin = createRoute({
  method: 'post',
  path: '/v1/ceremonies',
  summary: 'Begin a ceremony: everything that needs a factor, a touch or a secret',
  request: { body: { required: true, content: { 'application/json': { schema: ceremonyRequestSchema } } } },
  responses: {
    201: {
      description:
        'Begun; Location names it. It is cancelled when nobody listens to its events for 10 seconds. Whoever accepts ' +
        'text/event-stream gets the events at once, as from /v1/ceremonies/{id}/events',
      headers: z.object({ location: z.string().openapi({ description: '/v1/ceremonies/{id}' }) }),
      content: {
        'application/json': { schema: z.object({ id: ceremonyIdSchema }) },
        'text/event-stream': { schema: ceremonyEventSchema },
      },
    },
    ...refusalAnswer,
  },
});

const events = createRoute({
  method: 'get',
  path: '/v1/ceremonies/{id}/events',
  summary: 'All events of a ceremony from the first (or after Last-Event-ID), until it ends',
  request: {
    params: byId,
    headers: z.object({
      'last-event-id': z
        .string()
        .regex(/^\d{1,9}$/)
        .optional(),
    }),
  },
  responses: {
    200: {
      description: 'Server-sent events; the data of each is a CeremonyEvent',
      content: { 'text/event-stream': { schema: ceremonyEventSchema } },
    },
    ...refusalAnswer,
  },
});

const supply = createRoute({
  method: 'put',
  path: '/v1/ceremonies/{id}/secrets/{slot}',
  summary: 'Give the ceremony the secret that it prompted for: UTF-8, no line break, at most 1024 bytes',
  request: {
    params: bySlotIn,
    body: { required: true, content: rawBody },
  },
  responses: { 204: { description: 'Taken' }, ...refusalAnswer },
});

const take = createRoute({
  method: 'get',
  path: '/v1/ceremonies/{id}/secrets/{slot}',
  summary: 'Take a secret that the ceremony handed out, once',
  request: { params: byId.extend({ slot: z.enum(SECRET_SLOTS_OUT) }) },
  responses: { 200: { description: 'The raw bytes', content: rawBody }, ...refusalAnswer },
});

const cancel = createRoute({
  method: 'delete',
  path: '/v1/ceremonies/{id}',
  summary: 'Cancel a ceremony, on the wire to the security key too; harmless when it ended',
  request: { params: byId },
  responses: { 204: { description: 'Cancelled or ended before' }, ...refusalAnswer },
});

/** Numbers the events from 1 and leaves out those up to `after`. */
async function* eventTexts(ceremony: Ceremony, after: number, signal: AbortSignal): AsyncGenerator<string> {
  let id = 0;
  for await (const event of ceremony.events({ signal })) {
    id++;
    if (id > after) yield encodeEvent(id, event.type, event);
    if (event.type === 'done' || event.type === 'failed') return;
  }
}

/** Counts a listener for as long as its stream is read, and not a moment longer than its connection lasts. */
async function* heard(
  watch: CeremonyWatch,
  id: string,
  texts: AsyncIterable<string>,
  gone: AbortSignal,
): AsyncGenerator<string> {
  if (gone.aborted) return;
  const leave = watch.listen(id);
  gone.addEventListener('abort', leave, { once: true });
  try {
    yield* texts;
  } finally {
    leave();
  }
}

export function addCeremonyRoutes(
  router: Router,
  options: { service: AgentService; watch: CeremonyWatch; limits: ApiLimits },
): void {
  const { service, watch, limits } = options;

  router.openapi(begin, async (c) => {
    const { peer } = c.env;
    const request = c.req.valid('json');
    const ceremony = await watch.begin(peer.uid, () => service.begin(peer, request));
    const location = `/v1/ceremonies/${ceremony.id}`;
    if (!/\btext\/event-stream\b/i.test(c.req.header('accept') ?? ''))
      return c.json({ id: ceremony.id }, 201, { location });
    c.env.stream = heard(watch, ceremony.id, eventTexts(ceremony, 0, c.env.gone), c.env.gone);
    return c.body(null, 201, { ...EVENT_STREAM_HEADERS, location });
  });

  router.openapi(events, (c) => {
    const { id } = c.req.valid('param');
    const ceremony = service.ceremony(c.env.peer, id);
    const after = Number(c.req.valid('header')['last-event-id'] ?? 0);
    c.env.stream = heard(watch, id, eventTexts(ceremony, after, c.env.gone), c.env.gone);
    return c.body(null, 200, EVENT_STREAM_HEADERS);
  });

  // The body is not declared to the validator: it would read it as text.
  router.openAPIRegistry.registerPath(supply);
  router.put('/v1/ceremonies/:id/secrets/:slot', async (c) => {
    const params = bySlotIn.safeParse(c.req.param());
    if (!params.success) throw new UnlockdError('ERR_API_REQUEST_INVALID', 'no such slot for a secret to the daemon');
    if (!/^application\/octet-stream$/i.test(c.req.header('content-type') ?? '')) {
      throw new UnlockdError('ERR_API_REQUEST_INVALID', 'a secret is sent as application/octet-stream');
    }
    const ceremony = service.ceremony(c.env.peer, params.data.id);
    const secret = await readSecretBody(c.env.incoming, limits.secretBytes);
    ceremony.supply(params.data.slot, secret);
    return c.body(null, 204);
  });

  router.openapi(take, (c) => {
    const { id, slot } = c.req.valid('param');
    c.env.secret = service.ceremony(c.env.peer, id).take(slot);
    return c.body(null, 200, RAW_HEADERS);
  });

  router.openapi(cancel, (c) => {
    service.ceremony(c.env.peer, c.req.valid('param').id).cancel();
    return c.body(null, 204);
  });
}
