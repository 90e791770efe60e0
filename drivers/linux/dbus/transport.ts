/**
 * The one file that knows the package dbus-native, and of it only what frames messages and their values: what it builds
 * on top takes signals from anybody (its high-level subscriptions do not look at the sender), keeps what it once knew
 * after the other side has gone, and takes 8 MB of memory. Loaded when a bus is first asked for.
 */
import { connect } from 'node:net';
import type { Message } from 'dbus-native';
import { UnlockdError } from '../../base/errors.ts';
import { authenticate } from './authenticate.ts';
import { FrameFilter } from './frame-filter.ts';

export type { Message };

/** Larger messages are dropped: what logind, BlueZ and NetworkManager say fits many times. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

export const MESSAGE = { call: 1, reply: 2, error: 3, signal: 4 } as const;

const OPTIONS = {
  returnBigInt: true,
  plainValues: false,
  variants: 'plain',
  maxMessageSize: MAX_MESSAGE_BYTES,
} as const;

export interface WireListener {
  message(message: Message): void;
  /** Once, and nothing comes after it. @param cause undefined: the other side ended it */
  end(cause: unknown): void;
}

/** A connection that is made or will be. */
export interface Wire {
  /** What is sent before the bus has let us in waits for that. @throws when a value does not fit its signature */
  send(message: Message): void;
  destroy(): void;
}

/**
 * Dials. Whether it worked is told to the listener.
 * @param socket path of the socket, with a leading NUL for the abstract namespace
 * @throws {ERR_HAL_MODULE_MISSING}
 */
export async function dial(socket: string, listener: WireListener): Promise<Wire> {
  const { default: codec } = await import('dbus-native/lib/message.js').catch((cause: unknown) => {
    throw new UnlockdError('ERR_HAL_MODULE_MISSING', 'the package dbus-native could not be loaded', {
      detail: { module: 'dbus-native' },
      cause,
    });
  });
  const stream = new FrameFilter(connect(socket), MAX_MESSAGE_BYTES);
  let over = false;
  const end = (cause: unknown): void => {
    if (over) return;
    over = true;
    listener.end(cause);
  };
  stream.on('error', end);
  stream.on('end', () => end(undefined));
  stream.on('close', () => end(undefined));
  /** Null: the bus has let us in. */
  let waiting: Buffer[] | null = [];
  authenticate(stream, process.getuid?.() ?? 0).then(() => {
    for (const bytes of waiting ?? []) stream.write(bytes);
    waiting = null;
    const onMessage = (message: Message): void => {
      if (!over) listener.message(message);
    };
    const broken = (error: unknown): void => {
      end(error);
      stream.destroy();
    };
    codec.unmarshalMessages(stream, onMessage, OPTIONS, broken, broken);
  }, end);
  return {
    send: (message) => {
      const bytes = codec.marshall(message);
      if (waiting === null) stream.write(bytes);
      else waiting.push(bytes);
    },
    destroy: () => stream.destroy(),
  };
}
