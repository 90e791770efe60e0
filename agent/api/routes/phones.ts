/** /v1/phones: which phones are enrolled or could be, and the removal of one. To enrol one is a ceremony. */
import { createRoute, z } from '@hono/zod-openapi';
import type { AgentService } from '../ports.ts';
import { type Router, refusalAnswer } from '../router.ts';
import { addressSchema, phonesViewSchema, uidSchema } from '../schemas.ts';

const phones = createRoute({
  method: 'get',
  path: '/v1/phones',
  summary: 'The own phones, and paired ones that are nobody’s; for root all',
  responses: {
    200: { description: 'Phones', content: { 'application/json': { schema: phonesViewSchema } } },
    ...refusalAnswer,
  },
});

const removePhone = createRoute({
  method: 'delete',
  path: '/v1/phones/{address}',
  summary: 'Remove an enrolled phone; another user’s by root only',
  request: {
    params: z.object({ address: addressSchema }),
    query: z.object({ uid: z.coerce.number().pipe(uidSchema).exactOptional() }),
  },
  responses: {
    200: {
      description: 'Removed',
      content: { 'application/json': { schema: z.object({ removed: z.literal(true) }) } },
    },
    ...refusalAnswer,
  },
});

export function addPhoneRoutes(router: Router, service: AgentService): void {
  router.openapi(phones, async (c) => c.json(await service.phones(c.env.peer, { signal: c.env.gone }), 200));
  router.openapi(removePhone, async (c) => {
    const { address } = c.req.valid('param');
    const { uid } = c.req.valid('query');
    return c.json(await service.removePhone(c.env.peer, address, uid ?? null), 200);
  });
}
