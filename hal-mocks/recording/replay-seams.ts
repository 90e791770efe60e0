/** The seams of a replay: a TPM and security keys that are a tape. Failures come again as they came. */
import { toHex } from '../../drivers/base/bytes.ts';
import { ERROR_CODES, type ErrorCode, UnlockdError } from '../../drivers/base/errors.ts';
import type { HidConnection, HidDeviceInfo, HidEvent, HidHal } from '../../drivers/hal/hid.ts';
import type { TpmHal, TpmTransport } from '../../drivers/hal/tpm.ts';
import { isLook, lookOf } from './looks.ts';
import type { Replay } from './replay.ts';
import { jsonIn, type TapeEntry } from './tape.ts';

/** The channel of what is plugged in and pulled. */
export const PLUGS = 'hid';

const NOTHING = new Uint8Array();

type Facts = Readonly<Record<string, unknown>>;

function factsOf({ bytes, channel }: TapeEntry): Facts {
  const value = jsonIn(bytes);
  if (typeof value === 'object' && value !== null) return value as Facts;
  throw new UnlockdError('ERR_RECORDING_INVALID', `this is no recording: an entry of ${channel} says nothing`);
}

const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);

function failureOf(entry: TapeEntry): UnlockdError {
  const { code, message } = factsOf(entry);
  return new UnlockdError(isCode(code) ? code : 'ERR_HAL_IO', String(message));
}

/** What came, unless it failed. */
function cameWell(entry: TapeEntry): TapeEntry {
  if (entry.kind === 'failed' || entry.kind === 'not written') throw failureOf(entry);
  return entry;
}

/** A TPM as it was seen and answered; {@link see} is told each look when its turn has come. */
export class ReplayTpm {
  readonly #seen = new Map<string, Uint8Array>();
  #facts: Facts | null = null;

  see(entry: TapeEntry): void {
    if (entry.kind === 'opened') {
      this.#facts = factsOf(entry);
      return;
    }
    const { command, response } = lookOf(entry.bytes);
    this.#seen.set(command, response);
  }

  hal(replay: Replay, description: string): TpmHal {
    let channels = 0;
    return {
      description,
      open: async ({ signal }): Promise<TpmTransport> => {
        if (replay.next(`tpm ${channels}`)?.kind === 'open') {
          const failing = `tpm ${channels++}`;
          replay.out(failing, 'open', NOTHING);
          cameWell(await replay.answer(failing, signal));
        }
        const facts = await replay.until('a TPM', () => this.#facts, signal);
        return this.#transport(replay, facts, () => `tpm ${channels++}`);
      },
    };
  }

  #transport(replay: Replay, facts: Facts, nextChannel: () => string): TpmTransport {
    const closing = new AbortController();
    const close = async () => closing.abort(new UnlockdError('ERR_HAL_CLOSED', 'the connection was closed'));
    let channel: string | null = null;
    return {
      description: String(facts.description),
      managesHandles: facts.managesHandles === true,
      submit: async (command, asked) => {
        closing.signal.throwIfAborted();
        const ends = asked.signal === undefined ? closing.signal : AbortSignal.any([asked.signal, closing.signal]);
        if (isLook(command)) {
          const hex = toHex(command);
          return new Uint8Array(await replay.until(`the answer to ${hex}`, () => this.#seen.get(hex) ?? null, ends));
        }
        channel ??= nextChannel();
        replay.out(channel, 'command', command);
        return new Uint8Array(cameWell(await replay.answer(channel, ends)).bytes);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}

function deviceOf(entry: TapeEntry): HidDeviceInfo {
  const { path, vendorId, productId, manufacturer, product, serial, usagePage, usage } = factsOf(entry);
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    path: String(path),
    vendorId: Number(vendorId),
    productId: Number(productId),
    manufacturer: text(manufacturer),
    product: text(product),
    serial: text(serial),
    usagePage: Number(usagePage),
    usage: Number(usage),
  };
}

function connection(replay: Replay, channel: string, sizes: Facts): HidConnection {
  const closing = new AbortController();
  const close = async () => closing.abort(new UnlockdError('ERR_HAL_CLOSED', 'the connection was closed'));
  return {
    reportSize: { input: Number(sizes.input), output: Number(sizes.output) },
    write: async (report) => {
      closing.signal.throwIfAborted();
      replay.out(channel, 'report', report);
      if (replay.next(channel)?.kind === 'not written') cameWell(await replay.in(channel, closing.signal));
    },
    read: async ({ signal }) => {
      const entry = await replay.in(channel, AbortSignal.any([signal, closing.signal]));
      return new Uint8Array(cameWell(entry).bytes);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Security keys as they were plugged in; {@link plug} is told each change when its turn has come. */
export class ReplayHid {
  readonly #present = new Map<string, HidDeviceInfo>();
  readonly #watchers = new Set<(event: HidEvent) => void>();

  plug(entry: TapeEntry): void {
    const device = deviceOf(entry);
    if (entry.kind === 'arrived') this.#present.set(device.path, device);
    else this.#present.delete(device.path);
    for (const tell of this.#watchers) tell({ type: entry.kind === 'arrived' ? 'arrived' : 'left', device });
  }

  hal(replay: Replay): HidHal {
    const opened = new Map<string, number>();
    return {
      list: async ({ signal }) => {
        signal.throwIfAborted();
        return [...this.#present.values()];
      },
      watch: ({ signal }) => this.#watch(signal),
      open: async (path, { signal }) => {
        const times = opened.get(path) ?? 0;
        opened.set(path, times + 1);
        const channel = `hid ${path} ${times}`;
        replay.out(channel, 'open', NOTHING);
        return connection(replay, channel, factsOf(cameWell(await replay.answer(channel, signal))));
      },
    };
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<HidEvent, void, undefined> {
    const events: HidEvent[] = [...this.#present.values()].map((device) => ({ type: 'arrived', device }));
    let wake: () => void = () => undefined;
    const tell = (event: HidEvent) => {
      events.push(event);
      wake();
    };
    const onAbort = () => wake();
    this.#watchers.add(tell);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = events.shift();
        if (event !== undefined) yield event;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#watchers.delete(tell);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
