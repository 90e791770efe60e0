/** The hardware lane on devices that are emulated behind their real drivers, with a person, or a machine, who does the steps. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { HardwareOptions } from '../../../agent/lanes/hardware-options.ts';
import { openLane } from '../../../agent/lanes/index.ts';
import { HttpHands } from '../../../agent/operator/http.ts';
import type { Hands } from '../../../agent/operator/task.ts';
import { TerminalHands } from '../../../agent/operator/terminal.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough, type StepResult } from '../../../agent/walkthrough/run.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { MachineServer } from '../../../hal-mocks/operator/machine-server.ts';
import { walkthroughOf } from '../../support/hardware-lane/found.ts';
import { LabBox, missingForLabBox } from '../../support/hardware-lane/lab-box.ts';
import { Typing } from '../../support/operator/typing.ts';

const missing = await missingForLabBox();
const shipped = (name: string): Walkthrough =>
  readWalkthrough(readFileSync(`docs/walkthroughs/${name}.yaml`, 'utf8'), checkedDocument);

const closing: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function boxWith(keys: Readonly<Record<string, 'plugged' | 'unplugged'>>): Promise<LabBox> {
  const box = await LabBox.open(keys);
  closing.push(box);
  return box;
}

/** Somebody at the terminal who does at once what the newest prompt says. */
function personAt(box: LabBox, typed: (prompt: string) => string | null = () => null) {
  const typing = new Typing();
  const faults: unknown[] = [];
  let read = 0;
  const look = () => {
    const lines = typing.lines.slice(read);
    read += lines.length;
    for (const line of lines) {
      const [, prompt] = /^> (.*)$/.exec(line) ?? [];
      if (prompt === undefined) continue;
      const keys = typed(prompt);
      if (keys !== null) typing.press(keys);
      else box.obey(prompt).catch((error: unknown) => faults.push(error));
    }
  };
  typing.onWrite(look);
  return { typing, faults, hands: new TerminalHands(typing.console, systemClock) };
}

interface Ran {
  readonly results: readonly StepResult[];
  readonly findings: readonly string[];
}

async function run(
  walkthrough: Walkthrough,
  box: LabBox,
  hands: Hands,
  more: Partial<HardwareOptions> = {},
  { signal }: { readonly signal: AbortSignal } = new AbortController(),
): Promise<Ran> {
  const findings: string[] = [];
  const lane = await openLane('hardware', walkthrough, {
    clock: systemClock,
    entropy: systemEntropy,
    signal,
    progress: () => undefined,
    finding: (words) => findings.push(words),
    hardware: box.options(hands, more),
  });
  try {
    const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
    return { results, findings };
  } finally {
    await lane[Symbol.asyncDispose]();
  }
}

const notPassed = ({ results }: Ran) =>
  results.flatMap(({ step, outcome, why }) =>
    outcome === 'passed' ? [] : [`${step.action} ${outcome}: ${why.join('; ')}`],
  );

const title = missing === null ? 'a lab box' : `a lab box (${missing})`;
describe.skipIf(missing !== null)(title, { timeout: 120_000 }, () => {
  it('runs first-unlock with a person at a terminal, and nobody is enrolled afterwards', async () => {
    const box = await boxWith({ blue: 'plugged' });
    const { typing, faults, hands } = personAt(box);
    const ran = await run(shipped('first-unlock'), box, hands);
    expect([notPassed(ran), ran.findings, faults]).toEqual([[], [], []]);
    expect(typing.lines).toContain('blue is the Virtual Security Key (1209:beee) at /dev/hidraw0');
    expect(typing.lines).toContain('  seen: the key was touched');
    expect(typing.lines).toContain('> Do not touch the key that blinks: it is to blink in vain');
    expect(typing.lines).toContain('put back: the enrolment that the run had made is removed');
    expect((await box.client.status()).own.state).toBe('none');
  });

  it('has two keys named by plugging them in, and a person who pulls one out for good', async () => {
    const box = await boxWith({ blue: 'plugged', red: 'plugged' });
    const { typing, faults, hands } = personAt(box);
    const ran = await run(shipped('backup-key'), box, hands);
    expect([notPassed(ran), faults]).toEqual([[], []]);
    const prompts = typing.lines.filter((line) => line.startsWith('> ') && !line.includes('Touch'));
    expect(prompts).toEqual([
      '> Pull out all security keys',
      '> Plug in the security key that is blue from now on',
      '> Plug in the security key that is red from now on',
      '> Pull out blue, the Virtual Security Key (1209:beee)',
    ]);
    expect(ran.findings).toEqual(['stays as it is: blue, the Virtual Security Key (1209:beee) is pulled out']);
  });

  it('runs first-unlock with a machine behind HTTP', async () => {
    const box = await boxWith({ blue: 'plugged' });
    await using machine = await MachineServer.start(async ({ text }) => {
      await box.obey(text);
      return undefined;
    });
    const hands = new HttpHands({
      machine: { url: new URL(machine.url), token: null },
      clock: systemClock,
      tell: () => undefined,
    });
    expect(notPassed(await run(shipped('first-unlock'), box, hands))).toEqual([]);
    expect((await box.client.status()).own.state).toBe('none');
  });

  it.each(['pin-change', 'recovery-sheet'])(
    '%s, with a daemon that systemd stops and starts, passes too',
    async (name) => {
      const walkthrough = shipped(name);
      const box = await boxWith(walkthrough.given.keys);
      const { faults, hands } = personAt(box);
      const ran = await run(walkthrough, box, hands);
      expect([notPassed(ran), faults]).toEqual([[], []]);
      expect((await box.client.status()).own.state).toBe('none');
    },
  );

  it('ends at once when the person ends it, and removes the enrolment that it had made', async () => {
    const box = await boxWith({ blue: 'plugged' });
    const enrolled = { pin: 'mine', key: 'blue' };
    const walkthrough = walkthroughOf({ keys: { blue: 'plugged' }, enrolled }, [
      { remove: 'blue' },
      { unlock: { pin: 'mine' } },
    ]);
    const { hands, typing } = personAt(box, (prompt) => (prompt.startsWith('Pull out') ? 'q' : null));
    await expect(run(walkthrough, box, hands)).rejects.toMatchObject({ code: 'ERR_OPERATOR_ABORTED' });
    expect(typing.lines.at(-1)).toBe('put back: the enrolment that the run had made is removed');
    expect((await box.client.status()).own.state).toBe('none');
  });

  it('puts everything back after a signal that comes in the middle of a ceremony', async () => {
    const box = await boxWith({ blue: 'plugged' });
    const interruption = new AbortController();
    let touches = 0;
    const { hands, typing } = personAt(box, (prompt) => {
      // Two touches enrol, the third one is that of the unlock.
      if (!prompt.startsWith('Touch') || ++touches < 3) return null;
      interruption.abort(new Error('SIGTERM'));
      return ' ';
    });
    const ran = run(shipped('first-unlock'), box, hands, {}, interruption);
    await expect(ran).rejects.toThrow('SIGTERM');
    expect(typing.lines.at(-1)).toBe('put back: the enrolment that the run had made is removed');
    expect((await box.client.status()).own.state).toBe('none');
  });

  it('a skipped step is no passed one, and has its reason', async () => {
    const box = await boxWith({ blue: 'plugged' });
    const walkthrough = walkthroughOf({ keys: { blue: 'plugged' } }, [{ remove: 'blue' }, { insert: 'blue' }]);
    const { hands } = personAt(box, (prompt) => (prompt.startsWith('Pull out') ? 'sno ladder\r' : null));
    const { results } = await run(walkthrough, box, hands);
    expect(results[0]).toMatchObject({
      outcome: 'skipped',
      why: ['“Pull out blue, the Virtual Security Key (1209:beee)” was skipped: no ladder'],
    });
  });

  it('replaces the policy only with the flag, and puts the old one back', async () => {
    const box = await boxWith({ blue: 'plugged' });
    const { document: before } = await box.client.policy();
    const policy = { version: 2, contexts: { unlock: { require: { all: ['pin', 'securityKey'] } } } };
    expect(before).not.toEqual(policy);
    const withPolicy = walkthroughOf({ policy, keys: { blue: 'plugged' } }, [{ enrol: { pin: 'mine' } }]);
    await expect(run(withPolicy, box, personAt(box).hands)).rejects.toMatchObject({ code: 'ERR_LANE_DESTRUCTIVE' });
    expect((await box.client.policy()).document).toEqual(before);
    const { typing, hands } = personAt(box);
    const ran = await run(withPolicy, box, hands, { destructive: true });
    expect(notPassed(ran)).toEqual([]);
    expect((await box.client.policy()).document).toEqual(before);
    expect(typing.written).toContain('put back: the policy of this machine');
  });

  it('an enrolment that is there is ended only where its word is typed', async () => {
    const box = await boxWith({ blue: 'plugged' });
    const walkthrough = walkthroughOf({ keys: { blue: 'plugged' } }, [{ enrol: { pin: 'mine' } }]);
    await box.enrolled();
    expect((await box.client.status()).own.state).toBe('locked');
    await expect(run(walkthrough, box, personAt(box).hands)).rejects.toMatchObject({ code: 'ERR_LANE_DESTRUCTIVE' });
    await expect(run(walkthrough, box, personAt(box).hands, { destructive: true })).rejects.toThrow(
      'nobody types UNENROL',
    );
    expect((await box.client.status()).own.state).toBe('locked');
    const words: string[] = [];
    const confirm = async (_what: string, word: string): Promise<void> => {
      words.push(word);
    };
    expect(notPassed(await run(walkthrough, box, personAt(box).hands, { destructive: true, confirm }))).toEqual([]);
    expect([words, (await box.client.status()).own.state]).toEqual([['UNENROL'], 'none']);
  });
});
