/**
 * The seams of a run that is recorded: each stands between the program and the real one, changes nothing and notes what goes
 * through. Which security keys are plugged in is watched beside it; how often the program looks, at them or at the TPM, is not noted.
 */
import { toHex } from '../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { HidConnection, HidHal } from '../../drivers/hal/hid.ts';
import type { TpmHal, TpmTransport } from '../../drivers/hal/tpm.ts';
import { isLook, LOOKS, lookBytes } from './looks.ts';
import { jsonBytes, type TapeRecorder } from './tape.ts';

type Note = (direction: 'out' | 'in', kind: string, bytes: Uint8Array) => void;

const NOTHING = new Uint8Array();

/** What failed below, as it is told again in a replay; what the program itself has ended is none of it. */
const failure = (error: unknown): Uint8Array | null =>
  isUnlockdError(error) && error.code !== 'ERR_HAL_CLOSED'
    ? jsonBytes({ code: error.code, message: error.message })
    : null;

/** Notes what comes of `work`. Rejects as it does. */
async function noted<T>(note: Note, work: Promise<T>, came: (value: T) => void): Promise<T> {
  try {
    const value = await work;
    came(value);
    return value;
  } catch (error) {
    const bytes = failure(error);
    if (bytes !== null) note('in', 'failed', bytes);
    throw error;
  }
}

/** A connection is one channel, from its first command that is no look on. */
export function recordTpm(hal: TpmHal, tape: TapeRecorder): TpmHal {
  let channels = 0;
  const seen = new Map<string, string>();
  const see = (kind: string, key: string, bytes: Uint8Array) => {
    const now = toHex(bytes);
    if (seen.get(key) === now) return;
    seen.set(key, now);
    tape.note({ seam: 'tpm', direction: 'in', channel: LOOKS, kind, bytes });
  };
  const nextNote = (): Note => {
    const channel = `tpm ${channels++}`;
    return (direction, kind, bytes) => tape.note({ seam: 'tpm', direction, channel, kind, bytes });
  };
  const open: TpmHal['open'] = async (options) => {
    let inner: TpmTransport;
    try {
      inner = await hal.open(options);
    } catch (error) {
      const bytes = failure(error);
      if (bytes !== null) {
        const note = nextNote();
        note('out', 'open', NOTHING);
        note('in', 'failed', bytes);
      }
      throw error;
    }
    const { description, managesHandles } = inner;
    see('opened', '', jsonBytes({ description, managesHandles }));
    let note: Note | null = null;
    const close = () => inner.close();
    return {
      description,
      managesHandles,
      submit: async (command, asked) => {
        if (isLook(command)) {
          const response = await inner.submit(command, asked);
          see('look', toHex(command), lookBytes(command, response));
          return response;
        }
        note ??= nextNote();
        const own = note;
        own('out', 'command', command);
        return await noted(own, inner.submit(command, asked), (response) => own('in', 'response', response));
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  };
  return {
    get description() {
      return hal.description;
    },
    open,
  };
}

function recordConnection(inner: HidConnection, note: Note): HidConnection {
  return {
    reportSize: inner.reportSize,
    write: async (report) => {
      note('out', 'report', report);
      try {
        await inner.write(report);
      } catch (error) {
        const bytes = failure(error);
        if (bytes !== null) note('in', 'not written', bytes);
        throw error;
      }
    },
    read: (options) => noted(note, inner.read(options), (report) => note('in', 'report', report)),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
  };
}

/** @param signal ends the watching of what is plugged in */
export function recordHid(hal: HidHal, tape: TapeRecorder, signal: AbortSignal): HidHal {
  const opened = new Map<string, number>();
  const follow = async () => {
    for await (const { type, device } of hal.watch({ signal })) {
      tape.note({ seam: 'hid', direction: 'in', channel: 'hid', kind: type, bytes: jsonBytes(device) });
    }
  };
  void follow().catch(() => undefined);
  return {
    list: (options) => hal.list(options),
    watch: (options) => hal.watch(options),
    open: async (path, options) => {
      const times = opened.get(path) ?? 0;
      opened.set(path, times + 1);
      const channel = `hid ${path} ${times}`;
      const note: Note = (direction, kind, bytes) => tape.note({ seam: 'hid', direction, channel, kind, bytes });
      note('out', 'open', NOTHING);
      const inner = await noted(note, hal.open(path, options), ({ reportSize }) =>
        note('in', 'opened', jsonBytes(reportSize)),
      );
      return recordConnection(inner, note);
    },
    ...(hal.released === undefined ? {} : { released: () => hal.released?.() ?? Promise.resolve() }),
  };
}
