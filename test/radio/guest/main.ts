/**
 * The program of the guest: starts its Bluetooth, bonds the phone, runs every case, and writes one line for each into
 * the shared folder as soon as it is known. Ends with 0 only when all of them passed.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTRACT_CASES } from '../cases.ts';
import { GuestHost } from './guest-host.ts';
import { LE_CASES, LeScene } from './le-cases.ts';
import { OWN_CASES } from './own-cases.ts';
import { startBus, World } from './world.ts';

/** A machine that does much else takes ten times what it takes alone. */
const CASE_SECONDS = 180;
const REPORT = '/out/report';

let passed = true;

async function run(name: string, work: () => Promise<string>): Promise<void> {
  const began = performance.now();
  const limit = new AbortController();
  const tooLong = sleep(CASE_SECONDS * 1000, null, { signal: limit.signal }).then(() => {
    throw new Error(`not within ${CASE_SECONDS} s`);
  });
  let ok = true;
  let detail: string;
  try {
    detail = (await Promise.race([work(), tooLong])) ?? '';
  } catch (error) {
    ok = false;
    passed = false;
    detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    tooLong.catch(() => undefined);
    limit.abort();
  }
  const took = Math.round(performance.now() - began);
  appendFileSync(REPORT, `${JSON.stringify({ name, ok, took, detail })}\n`);
  process.stdout.write(`${ok ? 'ok' : 'NOT OK'} ${took} ms: ${name}${detail === '' ? '' : ` (${detail})`}\n`);
}

const world = new World();
await startBus();
const host = await GuestHost.start(world);
await host.pair();
process.stdout.write(`the phone ${host.phone} is bonded\n`);
for (const { title, run: work } of OWN_CASES) await run(title, () => work(host));
for (const { title, run: work } of CONTRACT_CASES) {
  await run(title, async () => {
    await work(host);
    return '';
  });
}
let alive = world.daemonRuns;
await host[Symbol.asyncDispose]();

await world.killDaemon();
await world.stopControllers();
const scene = new LeScene();
await scene.start(world);
process.stdout.write(`the device ${scene.device} is bonded over LE\n`);
for (const { title, run: work } of LE_CASES) await run(title, () => work(scene));
alive &&= world.daemonRuns;
await scene[Symbol.asyncDispose]();
// A crash of the daemon is no result of a case, and nothing that may pass.
if (!alive) process.stdout.write('bluetoothd ended by itself\n');
process.exit(passed && alive ? 0 : 1);
