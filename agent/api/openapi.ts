/** The OpenAPI 3.1 document of the API, generated from its routes; docs/reference/openapi.json is its golden copy. */
import type { Router } from './router.ts';

/** @returns the document as JSON text with a final line break */
export function openApiText(router: Router): string {
  const document = router.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'unlockd',
      version: '1',
      license: { name: 'MIT' },
      description:
        'The API of the daemon over its UNIX socket. A request is authorised by the uid that the kernel reports for ' +
        'the peer (SO_PEERCRED) and by nothing in the message. Errors have one shape: Refusal.',
    },
    servers: [{ url: 'http://unlockd', description: 'any authority; the connection is the UNIX socket' }],
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}
