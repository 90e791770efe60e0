/**
 * What the daemon costs while nobody asks it for anything, after it has served: resident memory after a minute, and how
 * often its threads wake up (voluntary context switches, proc_pid_status(5)) and how long they run (proc_pid_stat(5)) in
 * the half minute after that. All drivers of signals run, over a bus with BlueZ, NetworkManager and logind as
 * python3-dbusmock plays them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { MockBluez } from '../../support/bluetooth/mock-bluez.ts';
import { MockNetworkManager } from '../../support/wifi/mock-network-manager.ts';
import { startBenchDaemon } from '../daemon.ts';
import { boundedLane, type Lane } from '../lane.ts';
import { enrolSelf, PIN, runCeremony, UNLOCK } from '../person.ts';

const SETTLE = milliseconds(60_000);
/** Finished ceremonies are kept for a minute; the clean-up behind them belongs to the work, not to idling. */
const MARGIN = milliseconds(3_000);
/** More than one: what an unlock leaves behind, the next one adds to. */
const UNLOCKS = 5;
const WATCH_SECONDS = 30;
const MOST_MB = 90;
const MOST_WAKEUPS = 1;
/** Of one core. */
const MOST_CPU = 1;

function field(path: string, name: string): number {
  const found = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(path, 'ascii'));
  if (found?.[1] === undefined) throw new Error(`${path} has no ${name}`);
  return Number(found[1]);
}

function switchesOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  let sum = 0;
  for (const thread of readdirSync(folder)) sum += field(`${folder}/${thread}/status`, 'voluntary_ctxt_switches');
  return sum;
}

/** Time that the process and its threads have run, in clock ticks. */
function ticksOf(pid: number): number {
  // Behind the name, which may contain anything: utime and stime are the 12th and 13th field.
  const fields = readFileSync(`/proc/${pid}/stat`, 'ascii').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** USER_HZ of every Linux. */
const TICKS_PER_SECOND = 100;

/** @param only the lanes that are wanted */
export async function idleLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using bluez = await MockBluez.start();
  const { bus } = bluez;
  await bus.startLogind();
  const manager = new MockNetworkManager(bus);
  await manager.start();
  await using _manager = { [Symbol.asyncDispose]: () => manager.close() };
  await using daemon = await startBenchDaemon({
    'signals.bus': bus.address,
    'session.bus': bus.address,
    // All signals, and they come from the bus.
    'signals.network': 'true',
    'signals.wifi': 'true',
  });
  await enrolSelf(daemon.client);
  for (let i = 0; i < UNLOCKS; i++) await runCeremony(daemon.client, UNLOCK, { pin: PIN });
  await daemon.client.lock();
  await systemClock.sleep(milliseconds(SETTLE + MARGIN), {});
  const memory = field(`/proc/${daemon.pid}/status`, 'VmRSS') / 1024;
  const before = switchesOf(daemon.pid);
  const ticks = ticksOf(daemon.pid);
  const began = systemClock.now();
  await systemClock.sleep(milliseconds(WATCH_SECONDS * 1000), {});
  const span = (systemClock.now() - began) / 1000;
  const wakeups = (switchesOf(daemon.pid) - before) / span;
  const busy = ((ticksOf(daemon.pid) - ticks) / TICKS_PER_SECOND / span) * 100;
  return [
    boundedLane('idle/memory', 'MB', [memory], MOST_MB),
    boundedLane('idle/wakeups', '1/s', [wakeups], MOST_WAKEUPS, { below: true }),
    boundedLane('idle/cpu', '%', [busy], MOST_CPU, { below: true }),
  ].filter(({ name }) => only(name));
}
