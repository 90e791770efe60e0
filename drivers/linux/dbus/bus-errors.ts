/** What went wrong on a bus, in the product's own codes. The other side's text is kept as the cause, never switched on. */
import { UnlockdError } from '../../base/errors.ts';
import type { Message } from './transport.ts';

const ERRORS = 'org.freedesktop.DBus.Error.';
const MISSING = ['ServiceUnknown', 'NameHasNoOwner', 'UnknownObject', 'UnknownMethod', 'UnknownInterface'];
const DENIED = ['AccessDenied', 'AuthFailed', 'InteractiveAuthorizationRequired'];
const GONE = ['NoReply', 'Disconnected'];

/** Longest text of the other side that is kept. */
const KEPT = 200;

/** The error reply to the call `what`. */
export function replyError(message: Message, what: string): UnlockdError {
  const name = String(message.errorName ?? '').slice(0, KEPT);
  const said = typeof message.body?.[0] === 'string' ? message.body[0].slice(0, KEPT) : '';
  const short = name.startsWith(ERRORS) ? name.slice(ERRORS.length) : name;
  const options = { detail: { error: name }, cause: new Error(said) };
  if (MISSING.includes(short) || /NoSuch/.test(short))
    return new UnlockdError('ERR_HAL_NOT_FOUND', `${what}: not there`, options);
  if (DENIED.includes(short)) return new UnlockdError('ERR_HAL_PERMISSION', `${what}: not allowed`, options);
  if (GONE.includes(short))
    return new UnlockdError('ERR_HAL_DISCONNECTED', `${what}: the other side went away`, options);
  return new UnlockdError('ERR_HAL_IO', `${what}: refused (${name})`, options);
}

/** Why the bus cannot be reached, or why it was lost. */
export function busError(cause: unknown): UnlockdError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new UnlockdError('ERR_HAL_NOT_FOUND', 'nobody serves the socket of the bus', { cause });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UnlockdError('ERR_HAL_PERMISSION', 'the socket of the bus may not be opened', { cause });
  }
  return new UnlockdError(
    'ERR_HAL_DISCONNECTED',
    'the connection to the bus was lost',
    cause === undefined ? {} : { cause },
  );
}
