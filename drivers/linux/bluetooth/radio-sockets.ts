/**
 * The kernel's Bluetooth sockets, as the probe needs them: non-blocking, and closed by whoever opened them. Behind an
 * interface, so that a test can play a kernel that misbehaves. Node knows no such sockets; they go through the C library.
 */
import { libc, libcAsync } from '../libc.ts';
import { AF_BLUETOOTH, polled, pollRequest } from './radio-structs.ts';

/** A value of the kernel, or the symbolic errno. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errno: string };

export type RadioSocketKind = 'L2CAP' | 'HCI';

export interface RadioSocket {
  bind(address: Buffer): Answer<void>;
  /** EINPROGRESS is the usual answer: then `ready` tells the end, and SO_ERROR what came of it. */
  connect(address: Buffer): Answer<void>;
  /** @param option level and name */
  option(option: readonly [number, number], length: number): Answer<Buffer>;
  setOption(option: readonly [number, number], value: Buffer): Answer<void>;
  /** Fills the bytes it was handed. */
  ioctl(request: number, argument: Buffer): Answer<void>;
  /** Waits at most `milliseconds` for one of the poll(2) events. @returns those that came, 0: none */
  ready(events: number, milliseconds: number): Promise<number>;
  /** One message; EAGAIN where none is there. */
  receive(most: number): Answer<Buffer>;
  send(message: Buffer): Answer<void>;
  /** Idempotent. Never while `ready` waits: the number of a closed descriptor belongs to somebody else at once. */
  close(): void;
}

export interface RadioSockets {
  open(kind: RadioSocketKind): Answer<RadioSocket>;
}

const SOCK_RAW = 3;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const BTPROTO = { L2CAP: 0, HCI: 1 } as const;

type LibcName = Parameters<typeof libc>[0];

function call(name: LibcName, ...args: readonly unknown[]): Answer<number> {
  const { value, errno } = libc(name, ...args);
  return errno === null ? { ok: true, value } : { ok: false, errno };
}

const done = (answer: Answer<unknown>): Answer<void> => (answer.ok ? { ok: true, value: undefined } : answer);

class KernelSocket implements RadioSocket {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  bind(address: Buffer): Answer<void> {
    return done(call('bind', this.#fd, address, address.length));
  }

  connect(address: Buffer): Answer<void> {
    return done(call('connect', this.#fd, address, address.length));
  }

  option([level, name]: readonly [number, number], length: number): Answer<Buffer> {
    const value = Buffer.alloc(length);
    const written = [length];
    const answer = call('getsockopt', this.#fd, level, name, value, written);
    if (!answer.ok) return answer;
    // What is shorter than it has to be says nothing.
    return written[0] === length ? { ok: true, value } : { ok: false, errno: 'EPROTO' };
  }

  setOption([level, name]: readonly [number, number], value: Buffer): Answer<void> {
    return done(call('setsockopt', this.#fd, level, name, value, value.length));
  }

  ioctl(request: number, argument: Buffer): Answer<void> {
    return done(call('ioctl', this.#fd, request, argument));
  }

  async ready(events: number, milliseconds: number): Promise<number> {
    const request = pollRequest(this.#fd, events);
    const count = await libcAsync('poll', request, 1, milliseconds);
    return count > 0 ? polled(request) : 0;
  }

  receive(most: number): Answer<Buffer> {
    const bytes = Buffer.alloc(most);
    const answer = call('read', this.#fd, bytes, most);
    return answer.ok ? { ok: true, value: bytes.subarray(0, answer.value) } : answer;
  }

  send(message: Buffer): Answer<void> {
    return done(call('write', this.#fd, message, message.length));
  }

  close(): void {
    if (this.#fd < 0) return;
    libc('close', this.#fd);
    this.#fd = -1;
  }
}

/** The sockets of this machine. Their calls throw {ERR_HAL_MODULE_MISSING} when koffi is not installed. */
export const kernelSockets: RadioSockets = {
  open: (kind) => {
    const type = kind === 'L2CAP' ? SOCK_SEQPACKET : SOCK_RAW;
    const answer = call('socket', AF_BLUETOOTH, type | SOCK_NONBLOCK | SOCK_CLOEXEC, BTPROTO[kind]);
    return answer.ok ? { ok: true, value: new KernelSocket(answer.value) } : answer;
  },
};
