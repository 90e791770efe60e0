/**
 * A whole unlock with one fault at each of its commands in turn: a typed error, no handle in our book, and none in the
 * TPM where the TPM goes on answering.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { getHandles, HANDLE_RANGE, TPM_CC, type Tpm } from '../../../drivers/tpm2/index.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { refusal } from '../../support/container/thief.ts';
import { commandCode, interposed, response } from '../../support/tpm2/transport.ts';

let machine: TestMachine;
let container: TestContainer;
let commands: number[];
beforeAll(async () => {
  machine = await TestMachine.start();
  container = await machine.enrol(1000);
  commands = await watched(async () => {
    expect(await refusal(unlock())).toBe('done');
  });
});
afterAll(() => machine.close());

const unlock = () => machine.open(container.state, { pin: '246813', group: container.group });
const unlockOrError = (): Promise<unknown> =>
  unlock().then(
    () => null,
    (error: unknown) => error,
  );

async function watched(use: () => Promise<void>): Promise<number[]> {
  const seen: number[] = [];
  machine.between = (transport) =>
    interposed(transport, (command, submit) => {
      seen.push(commandCode(command));
      return submit(command);
    });
  await use();
  machine.between = (transport) => transport;
  return seen;
}

type Fault = (command: Uint8Array, submit: (command: Uint8Array) => Promise<Uint8Array>) => Promise<Uint8Array>;

/** The outcome of an unlock whose `nth` command (and with `always` every later one) meets `fault`. */
async function withFault(nth: number, fault: Fault, always = false): Promise<unknown> {
  let count = 0;
  machine.between = (transport) =>
    interposed(transport, (command, submit) => {
      const at = count++;
      return at === nth || (always && at > nth) ? fault(command, submit) : submit(command);
    });
  try {
    return await unlockOrError();
  } finally {
    machine.between = (transport) => transport;
  }
}

const loaded = async (tpm: Tpm): Promise<number[]> => [
  ...(await getHandles(tpm, HANDLE_RANGE.TRANSIENT)),
  ...(await getHandles(tpm, HANDLE_RANGE.HMAC_SESSION)),
];

/** Typed, and not the fixture's "handles were left loaded". */
const expectTyped = (outcome: unknown, at: string): void => {
  expect(outcome instanceof UnlockdError ? 'typed' : outcome, at).toBe('typed');
};

const name = (code: number | undefined): string =>
  Object.entries(TPM_CC).find(([, value]) => value === code)?.[0] ?? String(code);

describe('a fault at each command of an unlock', () => {
  it('an unlock has the commands that one expects', () => {
    expect(commands.length).toBeGreaterThan(10);
    expect(commands).toContain(TPM_CC.Unseal);
  });

  it.each([0x101, 0x921, 0x9a2, 0x18b])('refused with 0x%s: typed error, nothing left in the TPM', async (rc) => {
    for (let nth = 0; nth < commands.length; nth++) {
      // A flush that is refused leaves its handle by definition; the next test is about those.
      if (commands[nth] === TPM_CC.FlushContext) continue;
      expectTyped(await withFault(nth, async () => response(rc)), `${nth} ${name(commands[nth])}`);
      expect(await machine.withTpm(loaded), `after ${nth} ${name(commands[nth])}`).toEqual([]);
    }
  });

  it('a flush that is refused does not hide the result, and what it left is found again', async () => {
    for (let nth = 0; nth < commands.length; nth++) {
      if (commands[nth] !== TPM_CC.FlushContext) continue;
      expect(await withFault(nth, async () => response(0x101)), `${nth}`).toBe(null);
      expect((await machine.withTpm(loaded)).length).toBeLessThanOrEqual(1);
      await machine.withTpm((tpm) => tpm.flushLeftovers());
      expect(await machine.withTpm(loaded)).toEqual([]);
    }
  });

  it('a TPM that fails from then on (0x101 to everything): a typed error, not a pile of errors', async () => {
    for (let nth = 0; nth < commands.length - 1; nth++) {
      if (commands.slice(nth).every((code) => code === TPM_CC.FlushContext)) continue;
      const outcome = await withFault(nth, async () => response(0x101), true);
      await machine.withTpm((tpm) => tpm.flushLeftovers());
      expectTyped(outcome, `${nth} ${name(commands[nth])}`);
    }
  });

  it.each<[string, Fault]>([
    ['disconnected before it was sent', () => Promise.reject(new UnlockdError('ERR_HAL_DISCONNECTED', 'gone'))],
    [
      'disconnected before the answer came',
      async (command, submit) => {
        await submit(command);
        throw new UnlockdError('ERR_HAL_DISCONNECTED', 'gone');
      },
    ],
    ['answered by a byte', async () => Uint8Array.of(0)],
    ['answered by half an answer', async (command, submit) => (await submit(command)).subarray(0, 9)],
    [
      'answered with one bit flipped at the end',
      async (command, submit) => {
        const answer = new Uint8Array(await submit(command));
        answer[answer.length - 1] = (answer[answer.length - 1] ?? 0) ^ 1;
        return answer;
      },
    ],
  ])('%s: a typed error or the result, and service again on a new connection', async (_, fault) => {
    for (let nth = 0; nth < commands.length; nth++) {
      const outcome = await withFault(nth, fault);
      if (outcome !== null) expectTyped(outcome, `${nth} ${name(commands[nth])}`);
      await machine.withTpm((tpm) => tpm.flushLeftovers());
    }
    expect(await refusal(unlock())).toBe('done');
    expect(await machine.withTpm(loaded)).toEqual([]);
  });
});
