/**
 * The benchmark: `npm run bench [-- --json] [--lane NAME]...`. Ours and what it is compared with run in the same minutes
 * on the same machine, round by round. The exit status is 1 when a lane is over its limit, 2 when it cannot be run.
 */
import { parseArgs } from 'node:util';
import type { Lane } from './lane.ts';
import { advertisementLanes } from './lanes/advertisements.ts';
import { FIDO2_LANES, fido2Lanes } from './lanes/fido2.ts';
import { idleLanes } from './lanes/idle.ts';
import { networkLanes } from './lanes/network.ts';
import { phoneLanes } from './lanes/phone.ts';
import { sealLanes } from './lanes/seal.ts';
import { statusLane } from './lanes/status.ts';
import { unlockLanes } from './lanes/unlock.ts';
import { wifiLanes } from './lanes/wifi.ts';
import { diffLane } from './policy/diff-lane.ts';
import { POLICY_LANES, policyLanes } from './policy/lanes.ts';
import { describeMachine, jsonReport, tableReport } from './report.ts';

type Only = (name: string) => boolean;

/** Lanes that are measured together. */
const GROUPS: readonly { readonly lanes: readonly string[]; readonly run: (only: Only) => Promise<readonly Lane[]> }[] =
  [
    { lanes: ['seal/tools', 'seal/esapi'], run: sealLanes },
    { lanes: ['unlock/parts', 'unlock/tpm', 'unlock/tools'], run: unlockLanes },
    { lanes: ['cli/status'], run: async () => [await statusLane()] },
    { lanes: POLICY_LANES, run: policyLanes },
    { lanes: ['policy/diff'], run: async () => [diffLane()] },
    { lanes: FIDO2_LANES, run: fido2Lanes },
    { lanes: ['signals/phone-loss', 'signals/phone-gain'], run: phoneLanes },
    { lanes: ['signals/network-loss', 'signals/network-gain'], run: networkLanes },
    { lanes: ['signals/wifi-loss', 'signals/wifi-gain'], run: wifiLanes },
    { lanes: ['signals/advertisements', 'signals/addresses'], run: advertisementLanes },
    { lanes: ['idle/memory', 'idle/wakeups', 'idle/cpu'], run: idleLanes },
  ];
const NAMES = GROUPS.flatMap(({ lanes }) => lanes);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, lane: { type: 'string', multiple: true } },
  });
  const wanted = values.lane ?? NAMES;
  const unknown = wanted.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`there is no lane ${unknown}; there are: ${NAMES.join(', ')}\n`);
    return 2;
  }
  const only = (name: string) => wanted.includes(name);
  const lanes: Lane[] = [];
  for (const group of GROUPS) {
    const names = group.lanes.filter(only);
    if (names.length === 0) continue;
    process.stderr.write(`measuring ${names.join(', ')}\n`);
    lanes.push(...(await group.run(only)));
  }
  const machine = describeMachine();
  const text = values.json ? JSON.stringify(jsonReport(machine, lanes)) : tableReport(machine, lanes).join('\n');
  process.stdout.write(`${text}\n`);
  return lanes.every(({ ok }) => ok) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
}
