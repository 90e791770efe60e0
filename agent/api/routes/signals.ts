/** /v1/signals and /v1/policy/explain: what is around the machine, and what the policy says of it for the caller. */
import { createRoute, z } from '@hono/zod-openapi';
import { encodeEvent } from '../event-stream.ts';
import type { AgentService, SignalChange } from '../ports.ts';
import { EVENT_STREAM_HEADERS, type Router, refusalAnswer } from '../router.ts';
import { contextSchema, policyExplanationSchema, signalChangeSchema, signalsViewSchema } from '../schemas.ts';

const signals = createRoute({
  method: 'get',
  path: '/v1/signals',
  summary: 'What the machine senses around it; of phones the own ones',
  responses: {
    200: {
      description:
        'The freshest signal of each kind. Whoever accepts text/event-stream gets them as events, and then every change',
      content: {
        'application/json': { schema: signalsViewSchema },
        'text/event-stream': { schema: signalChangeSchema },
      },
    },
    ...refusalAnswer,
  },
});

const explain = createRoute({
  method: 'get',
  path: '/v1/policy/explain',
  summary: 'The unlock policy held against what is around the machine now, before anything is presented',
  request: { query: z.object({ context: contextSchema.default('unlock') }) },
  responses: {
    200: { description: 'The verdict', content: { 'application/json': { schema: policyExplanationSchema } } },
    ...refusalAnswer,
  },
});

async function* changeTexts(changes: AsyncIterable<SignalChange>): AsyncGenerator<string> {
  let id = 0;
  for await (const change of changes) yield encodeEvent(++id, change.type, change);
}

export function addSignalRoutes(router: Router, service: AgentService): void {
  router.openapi(signals, async (c) => {
    const { peer, gone } = c.env;
    if (!/\btext\/event-stream\b/i.test(c.req.header('accept') ?? '')) return c.json(await service.signals(peer), 200);
    c.env.stream = changeTexts(service.watchSignals(peer, { signal: gone }));
    return c.body(null, 200, EVENT_STREAM_HEADERS);
  });
  router.openapi(explain, async (c) =>
    c.json(await service.explainPolicy(c.env.peer, c.req.valid('query').context), 200),
  );
}
