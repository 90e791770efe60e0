/** /v1/policy: read, set, what users have enrolled, and the signing request of a managed machine. */
import { createRoute, z } from '@hono/zod-openapi';
import type { AgentService } from '../ports.ts';
import { type Router, refusalAnswer } from '../router.ts';
import { policyFactsSchema, policyViewSchema } from '../schemas.ts';

const view = { 200: { description: 'The policy', content: { 'application/json': { schema: policyViewSchema } } } };

const show = createRoute({
  method: 'get',
  path: '/v1/policy',
  summary: 'The unlock policy of this machine and what it means',
  responses: { ...view, ...refusalAnswer },
});

const set = createRoute({
  method: 'put',
  path: '/v1/policy',
  summary: 'Set the unlock policy of this machine; root only. Containers follow at their next unlock',
  request: { body: { required: true, content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } } } },
  responses: { ...view, ...refusalAnswer },
});

const facts = createRoute({
  method: 'get',
  path: '/v1/policy/facts',
  summary: 'What every user has enrolled, to be held against a policy; root only',
  responses: {
    200: { description: 'The facts', content: { 'application/json': { schema: policyFactsSchema } } },
    ...refusalAnswer,
  },
});

const request = createRoute({
  method: 'get',
  path: '/v1/policy/request',
  summary: 'The signing request of the own container on a managed machine',
  responses: {
    200: { description: 'The request, for the signer', content: { 'application/json': { schema: z.unknown() } } },
    ...refusalAnswer,
  },
});

export function addPolicyRoutes(router: Router, service: AgentService): void {
  router.openapi(show, async (c) => c.json(await service.policy(c.env.peer), 200));
  router.openapi(set, async (c) => {
    // The text as it was sent, not the parsed object: what is set is what the admin wrote.
    return c.json(await service.setPolicy(c.env.peer, await c.req.text()), 200);
  });
  router.openapi(facts, async (c) => c.json(await service.policyFacts(c.env.peer), 200));
  // Whatever the service made is sent as it is: its shape belongs to the signer, not to this API.
  router.openAPIRegistry.registerPath(request);
  router.get('/v1/policy/request', async (c) => {
    const text = JSON.stringify(await service.policyRequest(c.env.peer, { signal: c.env.gone }));
    return c.body(text, 200, { 'content-type': 'application/json' });
  });
}
