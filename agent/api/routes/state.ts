/** /v1/status, /v1/users, /v1/configuration, /v1/lock, /v1/purpose-key and /v1/events: what needs no ceremony. */
import { createRoute, z } from '@hono/zod-openapi';
import { encodeEvent } from '../event-stream.ts';
import type { AgentService, AuditEvent } from '../ports.ts';
import { EVENT_STREAM_HEADERS, RAW_HEADERS, type Router, refusalAnswer } from '../router.ts';
import {
  auditEventSchema,
  configRowSchema,
  contextSchema,
  purposeSchema,
  statusSchema,
  userLineSchema,
} from '../schemas.ts';

/** The newest lines that one request may ask for. */
const MAX_LAST = 10_000;

const status = createRoute({
  method: 'get',
  path: '/v1/status',
  summary: 'The TPM and the own container',
  responses: {
    200: { description: 'Status', content: { 'application/json': { schema: statusSchema } } },
    ...refusalAnswer,
  },
});

const users = createRoute({
  method: 'get',
  path: '/v1/users',
  summary: 'Who is enrolled; root only',
  responses: {
    200: { description: 'Users', content: { 'application/json': { schema: z.array(userLineSchema) } } },
    ...refusalAnswer,
  },
});

const configuration = createRoute({
  method: 'get',
  path: '/v1/configuration',
  summary: 'The configuration that the daemon was started with; root only',
  responses: {
    200: { description: 'Settings', content: { 'application/json': { schema: z.array(configRowSchema) } } },
    ...refusalAnswer,
  },
});

const lock = createRoute({
  method: 'post',
  path: '/v1/lock',
  summary: 'Forget the keys of the own container',
  responses: {
    200: {
      description: 'Locked',
      content: { 'application/json': { schema: z.object({ wasUnlocked: z.boolean() }) } },
    },
    ...refusalAnswer,
  },
});

const purposeKey = createRoute({
  method: 'post',
  path: '/v1/purpose-key',
  summary: 'A purpose key of the own container, while that is unlocked',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({ purpose: purposeSchema, context: contextSchema.exactOptional() }),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'The raw key',
      content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
    },
    ...refusalAnswer,
  },
});

const events = createRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'The audit log: own events, for root all',
  request: {
    query: z.object({
      last: z.coerce.number().int().min(0).max(MAX_LAST).default(100),
      follow: z.enum(['true', 'false']).default('false'),
    }),
  },
  responses: {
    200: {
      description: 'Server-sent events; the data of each is an AuditEvent. Ends unless `follow` is true',
      content: { 'text/event-stream': { schema: auditEventSchema } },
    },
    ...refusalAnswer,
  },
});

async function* auditTexts(log: AsyncIterable<AuditEvent>): AsyncGenerator<string> {
  for await (const event of log) yield encodeEvent(event.seq, 'audit', event);
}

export function addStateRoutes(router: Router, service: AgentService): void {
  router.openapi(status, async (c) => c.json(await service.status(c.env.peer, { signal: c.env.gone }), 200));
  router.openapi(users, async (c) => c.json([...(await service.users(c.env.peer))], 200));
  router.openapi(configuration, async (c) => c.json([...(await service.configuration(c.env.peer))], 200));
  router.openapi(lock, async (c) => c.json(await service.lock(c.env.peer), 200));
  router.openapi(purposeKey, async (c) => {
    const { purpose, context } = c.req.valid('json');
    c.env.secret = await service.purposeKey(c.env.peer, purpose, context);
    return c.body(null, 200, RAW_HEADERS);
  });
  router.openapi(events, (c) => {
    const { last, follow } = c.req.valid('query');
    const log = service.audit(c.env.peer, { last, follow: follow === 'true', signal: c.env.gone });
    c.env.stream = auditTexts(log);
    return c.body(null, 200, EVENT_STREAM_HEADERS);
  });
}
