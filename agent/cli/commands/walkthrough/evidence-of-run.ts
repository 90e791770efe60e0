/** Gathers the evidence of one run while it goes on: versions, devices, steps, events, and what the machine senses. */
import { version as kernel, release } from 'node:os';
import type { Clock } from '../../../../drivers/base/clock.ts';
import { EvidenceBuilder } from '../../../report/evidence.ts';
import type { Lane, LaneName } from '../../../walkthrough/lane.ts';
import { LANE_FACTS } from '../../../walkthrough/lane-facts.ts';
import type { WalkthroughFile } from './files.ts';

export function evidenceOf(
  { name, bytes, walkthrough }: WalkthroughFile,
  lane: LaneName,
  { clock, version }: { readonly clock: Clock; readonly version: string },
): EvidenceBuilder {
  const { about, simulated } = LANE_FACTS[lane];
  const evidence = new EvidenceBuilder({
    clock,
    walkthrough,
    file: { name, bytes },
    lane: { name: lane, about, simulated },
  });
  evidence.version('unlockd', version);
  evidence.version('Node.js', process.version);
  evidence.version('kernel', `${release()} (${kernel()})`);
  return evidence;
}

/** What the lane's devices say of themselves; the daemon knows the TPM best. Never throws but for the signal's reason. */
export async function tellDevices(evidence: EvidenceBuilder, lane: Lane, signal: AbortSignal): Promise<void> {
  try {
    const devices = (await lane.devices?.({ signal })) ?? [];
    const { tpm } = await lane.subject.status({ signal });
    const known = devices.find(({ kind }) => kind === 'tpm');
    const nature = known?.nature ?? (tpm.testDouble === null ? 'real' : 'emulated');
    const { manufacturer, description, testDouble } = tpm;
    const more = {
      ...known?.more,
      ...(manufacturer === null ? {} : { manufacturer }),
      ...(testDouble === null ? {} : { note: testDouble }),
    };
    evidence.device({ kind: 'tpm', name: known?.name ?? 'TPM', nature, model: known?.model ?? description, more });
    for (const device of devices) if (device.kind !== 'tpm') evidence.device(device);
  } catch (error) {
    signal.throwIfAborted();
    evidence.finding(`not all devices could be asked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Follows what the machine senses, where the lane can tell it without causing it, until `signal` aborts. Never throws. */
export async function followSenses(evidence: EvidenceBuilder, lane: Lane, signal: AbortSignal): Promise<void> {
  try {
    for await (const change of lane.senses?.({ signal }) ?? []) {
      if (change.type === 'signal') evidence.signal(change.signal);
      else if (change.type === 'lost') evidence.signalLost(change.kind);
    }
  } catch (error) {
    if (!signal.aborted) {
      evidence.finding(
        `what is sensed could not be followed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
