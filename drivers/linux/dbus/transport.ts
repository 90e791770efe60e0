/**
 * The one file that knows the package dbus-native, and of it only the framing and the values: what it builds on top
 * takes signals from anybody (its high-level subscriptions do not look at the sender) and keeps what it once knew after
 * the other side has gone. Loaded when a bus is first asked for.
 */
import { connect } from 'node:net';
import type { ConnectionOptions, DBusConnection, Message } from 'dbus-native';
import { UnlockdError } from '../../base/errors.ts';
import { FrameFilter } from './frame-filter.ts';

export type { DBusConnection, Message };

/** Larger messages are dropped: what logind, BlueZ and NetworkManager say fits many times. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

export const MESSAGE = { call: 1, reply: 2, error: 3, signal: 4 } as const;

const OPTIONS: ConnectionOptions = {
  // The socket's other end sees who we are (SO_PEERCRED); the other mechanisms read files or prove nothing.
  authMethods: ['EXTERNAL'],
  returnBigInt: true,
  plainValues: false,
  variants: 'plain',
  maxMessageSize: MAX_MESSAGE_BYTES,
};

/**
 * Dials. Whether it worked comes as an event.
 * @param socket path of the socket, with a leading NUL for the abstract namespace
 * @throws {ERR_HAL_MODULE_MISSING}
 */
export async function dial(socket: string): Promise<DBusConnection> {
  try {
    const { createConnection } = await import('dbus-native');
    return createConnection({ ...OPTIONS, stream: new FrameFilter(connect(socket), MAX_MESSAGE_BYTES) });
  } catch (cause) {
    throw new UnlockdError('ERR_HAL_MODULE_MISSING', 'the package dbus-native could not be loaded', {
      detail: { module: 'dbus-native' },
      cause,
    });
  }
}
