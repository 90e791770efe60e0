/** What a run makes of the steps that are done to the machine: looked at until it is so, not here, killed in mid-ceremony. */
import { describe, expect, it } from 'vitest';
import type { SignalsView, Status } from '../../../agent/api/ports.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import type { Lane, Subject } from '../../../agent/walkthrough/lane.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { PhysicalStep } from '../../../drivers/hal/operator.ts';
import { DONE, fakeLane } from '../../support/walkthrough/fake-lane.ts';

const HEAD = `walkthrough: 1
name: A name
about: Something
given:
  keys: { blue: plugged }
  phones: { pocket: near }
`;

type Answers = Parameters<typeof fakeLane>[0];

async function run(steps: string, answers: Answers, more: Partial<Lane> = {}, subject: Partial<Subject> = {}) {
  const walkthrough = readWalkthrough(`${HEAD}steps:\n${steps}`, checkedDocument);
  await using plain = fakeLane(answers, more);
  const lane = { ...plain, subject: { ...plain.subject, ...subject } };
  const { signal } = new AbortController();
  const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
  return results.map(({ step, outcome, why }) => `${step.action} ${[outcome, ...why].join(': ')}`);
}

const keys = { touch: async () => undefined, insert: async () => undefined, remove: async () => undefined };
const NO_RADIO = 'there is no radio';

/** A status in which the container is in each of these states, one look after the other. */
function states(...list: readonly string[]): Partial<Subject> {
  const queue = [...list];
  return {
    status: async () => {
      const state = queue.length > 1 ? queue.shift() : queue[0];
      return { own: { state, keys: 1 }, dynamicLock: { state: 'near', text: '' } } as unknown as Status;
    },
  };
}

describe('a step that is done to the machine', () => {
  it('reaches the operator as plain data', async () => {
    const done: PhysicalStep[] = [];
    const perform = async (step: PhysicalStep): Promise<string | null> => {
      done.push(step);
      return null;
    };
    const steps = '  - phone: { pocket: away }\n  - keyboard: idle\n  - suspend: true\n  - tpm: replace\n';
    const lines = await run(steps, [], { operator: { ...keys, perform } });
    expect(lines).toEqual(['phone passed', 'keyboard passed', 'suspend passed', 'tpm passed']);
    expect(done).toEqual([
      { do: 'phone', phone: 'pocket', is: 'away' },
      { do: 'keyboard', is: 'idle' },
      { do: 'suspend' },
      { do: 'replace-tpm' },
    ]);
  });

  it('is looked at until what is expected has come', async () => {
    const step = '  - daemon: restart\n    expect: { state: locked, dynamicLock: near }\n';
    expect(await run(step, [], {}, states('unlocked', 'unlocked', 'locked'))).toEqual(['daemon passed']);
  });

  it('fails with what it was last, when that does not come within its time', async () => {
    const step = '  - daemon: restart\n    within: 1\n    expect: { state: locked, dynamicLock: away }\n';
    expect(await run(step, [], {}, states('unlocked'))).toEqual([
      'daemon failed: expected the container to be locked, it is unlocked: expected dynamic lock to be away, it is near: daemon: not done within 1 s (ERR_HAL_TIMEOUT)',
    ]);
  });

  it('is held against signals, which are nothing when they are old', async () => {
    const at = (now: number): Partial<Subject> => {
      const base = { source: 's', state: 'observed', observedAt: 1000, validFor: 500, simulated: true };
      const devices = [{ proved: true }];
      const associations = [{ ssidHex: '41' }];
      const signals = [
        { ...base, kind: 'bluetooth', observation: { devices } },
        { ...base, kind: 'wifi', observation: { associations } },
        { ...base, kind: 'ipConfig', observation: { interfaces: 'none of your business' } },
      ];
      return { signals: async () => ({ now, signals, gestures: [] }) as unknown as SignalsView };
    };
    const expecting = (signals: string) => `  - daemon: restart\n    within: 1\n    expect: { signals: ${signals} }\n`;
    const known = '{ bluetooth: proved, wifi: associated, ipConfig: none }';
    expect(await run(expecting(known), [], {}, at(1500))).toEqual(['daemon passed']);
    const old = '{ bluetooth: unavailable, wifi: unavailable, ipConfig: unavailable }';
    expect(await run(expecting(old), [], {}, at(1501))).toEqual(['daemon passed']);
    const [failed] = await run(expecting('{ bluetooth: not-proved }'), [], {}, at(1500));
    expect(failed).toMatch(/^daemon failed: expected the signal bluetooth to be not-proved, it is proved: /);
  });

  it('is held against the log from where it ended before', async () => {
    const log = ['unlocked', 'dynamic-lock'];
    const audit: Partial<Subject> = {
      audit: async function* ({ last }) {
        const from = Math.max(0, log.length - last);
        for (const [i, event] of log.slice(from).entries()) {
          yield { seq: from + i, at: '', event, uid: null, detail: {} };
        }
      },
    };
    const step = '  - daemon: restart\n    within: 1\n    expect: { log: [dynamic-lock] }\n';
    const [failed] = await run(step, [], {}, audit);
    expect(failed).toMatch(/^daemon failed: “dynamic-lock” did not come into the log in its turn: nothing did: /);
    const daemon = async () => {
      log.push('locked', 'dynamic-lock');
      return null;
    };
    expect(await run(step, [], { daemon }, audit)).toEqual(['daemon passed']);
  });
});

describe('what a lane cannot do', () => {
  const perform = async (): Promise<string | null> => NO_RADIO;

  it('is told, and so are the steps that build on it, which are not done', async () => {
    const steps = '  - lock: true\n  - phone: { pocket: away }\n  - lock: true\n  - remove: blue\n';
    expect(await run(steps, [], { operator: { ...keys, perform } })).toEqual([
      'lock passed',
      `phone not here: ${NO_RADIO}`,
      'lock not here: it comes after step 2 (phone), which was not done',
      'remove not here: it comes after step 2 (phone), which was not done',
    ]);
  });

  it('does not keep from what holds without it: a daemon that was not killed', async () => {
    const steps = '  - daemon: kill\n  - daemon: start\n  - lock: true\n';
    expect(await run(steps, [])).toEqual(['daemon not here: there is no process', 'daemon passed', 'lock passed']);
  });

  it('and that is given keeps from everything, before anything is done', async () => {
    const asked: string[] = [];
    const more = { lacks: { phones: NO_RADIO, wifi: 'not asked for' } };
    const lines = await run('  - lock: true\n  - remove: blue\n', [], {
      ...more,
      operator: { ...keys, remove: async (key) => void asked.push(key) },
    });
    expect(lines).toEqual([`lock not here: ${NO_RADIO}`, `remove not here: ${NO_RADIO}`]);
    expect(asked).toEqual([]);
  });

  it.each([
    ['setUp: true', 'nobody here may act as root'],
    ['setPolicy: { version: 2, contexts: { unlock: { require: pin } } }', 'nobody here may act as root'],
    ['restart: bluetoothd', 'there is no bluetoothd here'],
    ['suspend: true', 'this lane has nothing but security keys'],
  ])('%s', async (step, why) => {
    const [line] = await run(`  - ${step}\n`, []);
    expect(line).toMatch(new RegExp(`not here: ${why}$`));
  });

  it('a finger in mid-ceremony', async () => {
    const finger = { type: 'biometric', modality: 'fingerprint', text: '', again: null } as const;
    expect(await run('  - unlock: { pin: wrong }\n', [[finger, DONE]])).toEqual([
      'unlock not here: there is no reader here',
    ]);
    expect(await run('  - unlock: { pin: wrong, finger: none }\n', [[finger, DONE]])).toEqual(['unlock passed']);
  });
});

describe('a daemon that is killed in mid-ceremony', () => {
  const STEP = '  - unlock: { pin: wrong, killAt: touch }\n    expect: { verdict: refused }\n';
  const touch = { type: 'touch', text: '', device: 'k' } as const;
  const prompt = { type: 'prompt', slot: 'pin', text: '', triesLeft: null } as const;

  it('dies at the event, and nobody answers what was on its way', async () => {
    const killed: string[] = [];
    const supplied: string[] = [];
    const daemon: Lane['daemon'] = async (what) => {
      killed.push(what);
      return null;
    };
    const supply: Subject['supply'] = async (_id, slot, secret) => {
      supplied.push(slot);
      secret.dispose();
    };
    expect(await run(STEP, [[prompt, touch, prompt]], { daemon }, { supply })).toEqual(['unlock passed']);
    expect([killed, supplied]).toEqual([['kill'], ['pin']]);
  });

  it('has not been killed when the event did not come, whatever else ended it', async () => {
    const daemon = async () => null;
    const missed = 'the daemon was not killed at “touch”: prompt pin';
    expect(await run(STEP, [[prompt]], { daemon })).toEqual([`unlock failed: ${missed}`]);
    const [granted] = await run(STEP, [[prompt, DONE]], { daemon });
    expect(granted).toBe(`unlock failed: expected refused, got granted: ${missed}, done`);
  });

  it('is not asked where it does not run, and only what expects that takes it for an answer', async () => {
    const gone: Partial<Subject> = {
      start: () => Promise.reject(new UnlockdError('ERR_DAEMON_NOT_RUNNING', 'nobody listens')),
    };
    const plain = '  - unlock: { pin: wrong }\n    expect: { verdict: refused }\n';
    expect(await run(plain, [], {}, gone)).toEqual(['unlock failed: nobody listens (ERR_DAEMON_NOT_RUNNING)']);
    const expected = plain.replace('refused', 'refused, code: ERR_DAEMON_NOT_RUNNING');
    expect(await run(expected, [], {}, gone)).toEqual(['unlock passed']);
  });
});
