/** The seams of a replay: a TPM and security keys that are a tape. Failures come again as they came. */
import { ERROR_CODES, type ErrorCode, UnlockdError } from '../../drivers/base/errors.ts';
import type { HidConnection, HidDeviceInfo, HidEvent, HidHal } from '../../drivers/hal/hid.ts';
import type { TpmHal, TpmTransport } from '../../drivers/hal/tpm.ts';
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

export function replayTpm(replay: Replay, description: string): TpmHal {
  let opened = 0;
  return {
    description,
    open: async ({ signal }): Promise<TpmTransport> => {
      const channel = `tpm ${opened++}`;
      replay.out(channel, 'open', NOTHING);
      const facts = factsOf(cameWell(await replay.answer(channel, signal)));
      const closing = new AbortController();
      const close = async () => closing.abort(new UnlockdError('ERR_HAL_CLOSED', 'the connection was closed'));
      return {
        description: String(facts.description),
        managesHandles: facts.managesHandles === true,
        submit: async (command, asked) => {
          closing.signal.throwIfAborted();
          replay.out(channel, 'command', command);
          const ends = asked.signal === undefined ? closing.signal : AbortSignal.any([asked.signal, closing.signal]);
          return new Uint8Array(cameWell(await replay.answer(channel, ends)).bytes);
        },
        close,
        [Symbol.asyncDispose]: close,
      };
    },
  };
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
      if (replay.comes(channel, 'not written')) cameWell(await replay.in(channel, closing.signal));
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
