/** The router that all routes share: its bindings, and how it turns failures into the one shape of errors. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Exchange } from './node-adapter.ts';
import { httpStatusOf, internalError, toRefusal } from './refusal.ts';
import { refusalSchema } from './schemas.ts';

export type ApiEnv = { Bindings: Exchange };
export type Router = OpenAPIHono<ApiEnv>;

const invalid = (message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_API_REQUEST_INVALID', message, { cause });

/** A request that does not fit its schema: says where, never what was there. */
export function createRouter(unexpected: (error: unknown) => void): Router {
  const router: Router = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const where = issue === undefined || issue.path.length === 0 ? 'the request' : issue.path.map(String).join('.');
      throw invalid(`${where}: ${issue?.message ?? 'not valid'}`);
    },
  });
  router.notFound((c) => {
    const error = new UnlockdError('ERR_API_NO_ROUTE', 'there is no such route');
    return c.json(toRefusal(error), httpStatusOf(error.code));
  });
  router.onError((error, c) => {
    if (error instanceof UnlockdError) return c.json(toRefusal(error), httpStatusOf(error.code));
    if (error instanceof HTTPException && error.status < 500) {
      return c.json(toRefusal(invalid('the body is not valid JSON', error)), 400);
    }
    unexpected(error);
    return c.json(toRefusal(internalError(error)), 500);
  });
  return router;
}

/** The answer that every route may give instead of its own. */
export const refusalAnswer = {
  default: {
    description: 'Refused: an error with its code and what to do',
    content: { 'application/json': { schema: refusalSchema } },
  },
} as const;

/** `text/event-stream`, in the OpenAPI document only: streams are written past the Fetch body. */
export const EVENT_STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8' } as const;
export const RAW_HEADERS = { 'content-type': 'application/octet-stream' } as const;
