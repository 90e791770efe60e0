/** The radio process and its parent, each against the other, honest and hostile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { frame } from '../../../drivers/linux/bluetooth/radio-messages.ts';
import type { RadioProbe } from '../../../drivers/linux/bluetooth/radio-prober.ts';
import { radioProcess } from '../../../drivers/linux/bluetooth/radio-process.ts';
import { fakeProgram, radioProgram } from '../../support/bluetooth/radio-program.ts';

const probe = (signal = new AbortController().signal, within = 20_000): RadioProbe => ({
  adapter: 0,
  address: 'aa:bb:cc:dd:ee:01',
  addressType: 'public',
  bearer: 'BR/EDR',
  minLevel: 'high',
  within: milliseconds(within),
  signal,
});

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

let folder = '';
let program = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-radio-process-'));
  program = radioProgram();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fake = (name: string, body: string) => ({ program: fakeProgram(folder, name, body), user: null });
const failedWith = (detail: string) => ({ proved: false, reason: 'failed', detail });

describe('the radio process, as its parent believes it', () => {
  it('answers what it was asked, each under its own id', async () => {
    const body = `
      const asked = [];
      heard = (message) => {
        asked.push(message);
        if (asked.length < 2) return;
        for (const { id, probe } of asked.reverse()) say({ type: 'outcome', id, outcome: { ...refused, detail: probe.minLevel } });
      };`;
    await using prober = radioProcess(fake('in-turn', body));
    const both = await Promise.all([prober.probe(probe()), prober.probe({ ...probe(), minLevel: 'medium' })]);
    expect(both.map((outcome) => !outcome.proved && outcome.detail)).toEqual(['high', 'medium']);
  });

  const outOfTurn: readonly (readonly [string, string])[] = [
    ['answers what nobody asked', `heard = () => say({ type: 'outcome', id: 99, outcome: refused });`],
    [
      'claims a proof without encryption',
      `heard = ({ id }) => say({ type: 'outcome', id, outcome:
      { proved: true, encrypted: false, authenticated: true, keySize: 16, rssi: null } });`,
    ],
    [
      'measures on the other scale',
      `heard = ({ id }) => say({ type: 'outcome', id, outcome:
      { proved: true, encrypted: true, authenticated: true, keySize: 16, rssi: { scale: 'dBm', value: -40 } } });`,
    ],
    ['says twice that it is confined', `heard = () => say({ type: 'confined' });`],
    ['floods', `heard = () => raw(Buffer.alloc(1 << 20, 0x41));`],
    [
      'answers twice',
      `heard = ({ id, probe }) => { for (let i = 0; i < 2; i++) say({ type: 'outcome', id, outcome: refused }); };`,
    ],
  ];
  for (const [index, [what, body]] of outOfTurn.entries()) {
    it(`is ended when it ${what}`, async () => {
      await using prober = radioProcess(fake(`out-of-turn-${index}`, body));
      const first = prober.probe(probe());
      const { pid } = prober;
      const outcome = await first;
      if (what !== 'answers twice') expect(outcome).toEqual(failedWith('the radio process spoke out of turn'));
      await gone(pid ?? 0);
    });
  }

  it('is started again after it ended, and not before a pause that grows', async () => {
    const body = `heard = ({ id, probe }) => {
      if (probe.adapter === 1) process.exit(1);
      say({ type: 'outcome', id, outcome: refused });
    };`;
    await using prober = radioProcess(fake('mortal', body));
    expect(await prober.probe({ ...probe(), adapter: 1 })).toEqual(failedWith('the radio process ended'));
    // Less than the pause: nothing is started.
    expect(await prober.probe(probe(undefined, 1))).toEqual(failedWith('the radio process keeps ending'));
    expect(prober.pid).toBeNull();
    expect(await prober.probe(probe())).toMatchObject({ reason: 'refused' });
  });

  it('is ended when it does not answer in the time of the probe', async () => {
    const body = `let asked = 0;
      heard = ({ id }) => { if (++asked === 1) say({ type: 'outcome', id, outcome: refused }); };`;
    await using prober = radioProcess(fake('silent', body));
    await prober.probe(probe());
    const asked = prober.probe(probe(undefined, 50));
    const { pid } = prober;
    expect(await asked).toEqual(failedWith('the radio process did not answer in time'));
    await gone(pid ?? 0);
  });

  it('is told of a probe that nobody waits for any more, and goes on', async () => {
    const body = `let open = 0;
      heard = ({ type, id }) => {
        if (type === 'probe' && ++open === 2) return;
        say({ type: 'outcome', id, outcome: { ...refused, detail: type } });
      };`;
    await using prober = radioProcess(fake('cancelled', body));
    await prober.probe(probe());
    const { pid } = prober;
    const cancel = new AbortController();
    const asked = prober.probe(probe(cancel.signal));
    setImmediate(() => cancel.abort(new Error('given up')));
    await expect(asked).rejects.toThrow('given up');
    expect(await prober.probe(probe())).toMatchObject({ detail: 'probe' });
    expect(prober.pid).toBe(pid);
  });

  it('is not even asked for a caller that gives up while it starts', async () => {
    const body = `let asked = 0;
      heard = ({ id }) => say({ type: 'outcome', id, outcome: { ...refused, detail: String(++asked) } });`;
    await using prober = radioProcess(fake('starting', body));
    const cancel = new AbortController();
    const asked = prober.probe(probe(cancel.signal));
    cancel.abort(new Error('given up'));
    await expect(asked).rejects.toThrow('given up');
    expect(await prober.probe(probe())).toMatchObject({ detail: '1' });
  });

  it('is asked nothing before it says that it is confined', async () => {
    const late = join(folder, 'late.mjs');
    writeFileSync(
      late,
      `process.stdin.on('data', () => process.stdout.write(Buffer.from([0, 2, 123, 125])));
       setTimeout(() => process.exit(0), 200);`,
    );
    await using prober = radioProcess({ program: late, user: null });
    // It would have spoken out of turn.
    expect(await prober.probe(probe())).toEqual(failedWith('the radio process ended'));
  });

  it('is spared what is no probe', async () => {
    await using prober = radioProcess(fake('spared', ''));
    const odd = await prober.probe({ ...probe(), address: 'AA:BB' });
    expect(odd).toEqual(failedWith('such a probe there is not'));
    expect(prober.pid).not.toBeNull();
  });

  it('is not started for a caller that has given up, nor after the end', async () => {
    const prober = radioProcess(fake('never', ''));
    await expect(prober.probe(probe(AbortSignal.abort(new Error('given up'))))).rejects.toThrow('given up');
    expect(prober.pid).toBeNull();
    await prober[Symbol.asyncDispose]();
    expect(await prober.probe(probe())).toMatchObject({ proved: false, reason: 'failed' });
    expect(prober.pid).toBeNull();
  });

  it('is let go when nobody probes, and comes back for the next probe', async () => {
    const body = `heard = ({ id }) => say({ type: 'outcome', id, outcome: refused });`;
    await using prober = radioProcess({ ...fake('idle', body), idle: milliseconds(50) });
    await prober.probe(probe());
    const { pid } = prober;
    await gone(pid ?? 0);
    expect(await prober.probe(probe())).toMatchObject({ reason: 'refused' });
  });

  it('that cannot be started is a reason, and no exception', async () => {
    await using prober = radioProcess({ program: join(folder, 'not-there.mjs'), user: null });
    expect(await prober.probe(probe())).toEqual(failedWith('the radio process ended'));
  });
});

/** Starts the real program; its standard output up to `bytes`. */
function startReal(ids: readonly string[]) {
  const child = spawn(process.execPath, [program, ...ids], { stdio: ['pipe', 'pipe', 'ignore'], env: {}, cwd: '/' });
  child.stdin.on('error', () => undefined);
  const confined = once(child.stdout, 'data').then(([bytes]) => String(bytes));
  return { child, confined, ended: once(child, 'exit').then(([status]) => status as number | null) };
}

describe('the radio process itself', () => {
  const isRoot = process.getuid?.() === 0;

  it('has no more than one capability in any thread before it reads its first message', async () => {
    const { child, confined, ended } = startReal(isRoot ? ['65534', '65534'] : ['-', '-']);
    expect(await confined).toContain('"confined"');
    for (const thread of readdirSync(`/proc/${child.pid}/task`)) {
      const status = readFileSync(`/proc/${child.pid}/task/${thread}/status`, 'utf8');
      const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim();
      expect(field('NoNewPrivs')).toBe('1');
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) {
        expect(BigInt(`0x${field(set)}`) & ~(1n << 12n)).toBe(0n);
      }
      if (isRoot) {
        expect(field('CapBnd')).toMatch(/^0{12}[01]000$/);
        expect(field('Uid')).toBe('65534\t65534\t65534\t65534');
        expect(field('Groups')).toBe('');
      }
    }
    child.kill('SIGKILL');
    await ended;
  });

  it('says which capability it could not give up, instead of serving', async () => {
    const { excessOf } = await import('../../../drivers/linux/bluetooth/radio-confinement.ts');
    const status = (prm: string, nnp: string) =>
      `CapInh:\t0000000000000000\nCapPrm:\t${prm}\nCapEff:\t0000000000001000\nCapBnd:\t0\nCapAmb:\t0000000000000000\nNoNewPrivs:\t${nnp}\n`;
    expect(excessOf(status('0000000000001000', '1'))).toBeNull();
    expect(excessOf(status('0000000000003000', '1'))).toBe('CapPrm is 0000000000003000');
    expect(excessOf(status('0000000000001000', '0'))).toBe('no_new_privs is not set');
    expect(excessOf('')).toBe('no_new_privs is not set');
    // Started as if it were confined already: it looks, and ends.
    const { ended } = startReal(['confined']);
    expect(await ended).toBe(isRoot ? 4 : expect.any(Number));
  });

  it('answers a probe with a reason, whatever radio this machine has', async () => {
    await using prober = radioProcess({ program });
    const outcome = await prober.probe({ ...probe(), adapter: 65_000 });
    expect(outcome.proved).toBe(false);
    expect(['unsupported', 'radio-off', 'no-permission']).toContain(!outcome.proved && outcome.reason);
  });

  it('ends with its parent', async () => {
    const { child, confined, ended } = startReal(['-', '-']);
    await confined;
    child.stdin.end();
    expect(await ended).toBe(0);
  });

  const hostile: readonly (readonly [string, Buffer])[] = [
    ['no frame', Buffer.from([0, 0])],
    ['a frame that is too long', Buffer.from([0xff, 0xff])],
    ['no JSON', Buffer.from([0, 2, 0x7b, 0x7b])],
    ['a message that there is not', Buffer.concat([Buffer.from([0, 15]), Buffer.from('{"type":"spawn"')])],
    ['a message of its own', frame({ type: 'confined' })],
  ];
  for (const [what, bytes] of hostile) {
    it(`ends at ${what}`, async () => {
      const { child, confined, ended } = startReal(['-', '-']);
      await confined;
      child.stdin.write(bytes);
      expect(await ended).toBe(2);
    });
  }
});
