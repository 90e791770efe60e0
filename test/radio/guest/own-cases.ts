/** What only the guest can show, beyond the contract: real bonds, what the impostor gets away with elsewhere, and the process. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { milliseconds } from '../../../drivers/base/brand.ts';
import type { LinkLevel } from '../../../drivers/hal/bluetooth.ts';
import { excessOf } from '../../../drivers/linux/bluetooth/radio-confinement.ts';
import type { RadioProbe } from '../../../drivers/linux/bluetooth/radio-prober.ts';
import { PC } from './bluez-client.ts';
import type { GuestHost } from './guest-host.ts';
import { PC_INDEX, STRENGTH, tool, until } from './world.ts';

export interface OwnCase {
  readonly title: string;
  /** @returns what it measured, for the report */
  run(host: GuestHost): Promise<string>;
}

const idle = (): AbortSignal => new AbortController().signal;
const request = (host: GuestHost, minLevel: LinkLevel): RadioProbe => ({
  adapter: PC_INDEX,
  address: host.phone,
  addressType: 'public',
  bearer: 'BR/EDR',
  minLevel,
  within: milliseconds(60_000),
  signal: idle(),
});

/** Kinds of sockets that a process has open. */
const socketsOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;

export const OWN_CASES: readonly OwnCase[] = [
  {
    title: 'the phone was bonded by numeric comparison, and both sides keep an authenticated key',
    run: async (host) => {
      const { pc, phone } = host;
      assert.ok(host.bluez.shown.length > 0, 'no comparison value was shown');
      for (const file of [host.bondFile(pc, phone), host.bondFile(phone, pc)])
        assert.match(file, /^\[LinkKey\]\nKey=\w{32}\nType=8$/m);
      return 'link key type 8';
    },
  },
  {
    title: 'the link of the genuine phone says its strength, on its own scale',
    run: async (host) => {
      await host.answer('', 'phone');
      const outcome = await host.prober.probe(request(host, 'high'));
      assert.ok(outcome.proved, JSON.stringify(outcome));
      assert.deepEqual(outcome.rssi, { scale: 'relative', value: STRENGTH });
      return `${STRENGTH} dB relative to the golden range, key of ${outcome.keySize} bytes`;
    },
  },
  {
    title: 'the impostor is paired, connected, a phone, and has a strength, for everybody who asks for no proof',
    run: async (host) => {
      await host.answer('', 'impostor');
      await host.link('', true);
      const said: Record<string, unknown> = {};
      await until('the link', 10, async () => (await host.bluez.device(PC, host.phone, 'Connected')) === true);
      for (const name of ['Paired', 'Bonded', 'Connected', 'Class'])
        said[name] = await host.bluez.device(PC, host.phone, name);
      assert.deepEqual(
        { ...said, Class: Number(said.Class) & 0x1f00 },
        { Paired: true, Bonded: true, Connected: true, Class: 0x200 },
      );
      const strength = tool('hcitool', '-i', `hci${PC_INDEX}`, 'rssi', host.phone.toUpperCase());
      assert.match(strength, new RegExp(`RSSI return value: ${STRENGTH}$`, 'm'));
      for (const level of ['medium', 'high'] as const) {
        const outcome = await host.prober.probe(request(host, level));
        assert.deepEqual(
          [outcome.proved, 'reason' in outcome && outcome.reason],
          [false, 'refused'],
          JSON.stringify(outcome),
        );
      }
      await host.answer('', 'phone');
      return strength.trim();
    },
  },
  {
    title: 'the radio process has one capability in every thread, is nobody, and can get no more',
    run: async (host) => {
      await host.prober.probe(request(host, 'medium'));
      const { pid } = host.prober;
      assert.ok(pid !== null);
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const status: string = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
        assert.equal(excessOf(status), null);
        for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
          assert.match(status, new RegExp(`^${set}:\\t0{12}1000$`, 'm'));
        assert.match(status, /^NoNewPrivs:\t1$/m);
        assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
      }
      return 'CapEff 0000000000001000';
    },
  },
  {
    title: 'without that capability the proof stands, and its strength is not known',
    run: async (host) => {
      await host.answer('', 'phone');
      const program = fileURLToPath(new URL('./unprivileged.js', import.meta.url));
      const text = execFileSync(process.execPath, [program, host.phone], {
        uid: 65_534,
        gid: 65_534,
        encoding: 'utf8',
      });
      const { outcome, capabilities } = JSON.parse(text);
      assert.match(capabilities, /^CapEff:\t0{16}$/m);
      assert.equal(outcome.proved, true, text);
      assert.equal(outcome.rssi, null);
      return 'no strength';
    },
  },
  {
    title: 'a probe that is cancelled leaves nothing open',
    run: async (host) => {
      await host.answer('', 'phone');
      await host.prober.probe(request(host, 'high'));
      const { pid } = host.prober;
      assert.ok(pid !== null);
      const before = socketsOf(pid);
      await host.answer('', 'phone');
      const cancel = new AbortController();
      const probe = host.prober.probe({ ...request(host, 'high'), signal: cancel.signal });
      setTimeout(() => cancel.abort(new Error('given up')), 5);
      const end = await probe.catch((error: Error) => error.message);
      await until('what it opened to be closed', 10, () => socketsOf(pid) === before);
      const after = await host.prober.probe(request(host, 'high'));
      assert.ok(after.proved, JSON.stringify(after));
      assert.equal(host.prober.pid, pid);
      return typeof end === 'string' ? `ended as: ${end}` : 'was faster than the cancelling';
    },
  },
];
