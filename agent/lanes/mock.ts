/**
 * The mock lane: everything in this process but the TPM, which is swtpm. The real service over virtual security keys and
 * surroundings that exist only in memory; the virtual operator does at once what a person would do.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { linuxTpm } from '../../drivers/linux/tpm/open.ts';
import type { VirtualAuthenticator } from '../../hal-mocks/fido2/virtual-authenticator.ts';
import type { Swtpm } from '../../hal-mocks/tpm2/swtpm.ts';
import type { CeremonyEvent } from '../api/ports.ts';
import type { LaneDevice } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import { Closers } from './closers.ts';
import { inProcessSubject } from './in-process-subject.ts';
import { MockDaemon } from './mock-daemon.ts';
import { type MockSurroundings, mockSurroundings } from './mock-surroundings.ts';
import type { LaneOptions, OpenedLane } from './options.ts';

const ROOT = 0;
/** The person of the walkthrough, whoever runs it: no uid of this machine has anything to do with it. */
const PERSON = 1000;
const NO_PROCESS = 'the daemon has no process of its own: it can only be restarted';

const peer = (uid: number) => ({ uid, gid: uid, pid: process.pid });

/** All parts of an open lane. */
interface Parts {
  readonly swtpm: Swtpm;
  readonly surroundings: MockSurroundings;
  readonly daemon: MockDaemon;
  readonly keys: ReadonlyMap<string, VirtualAuthenticator>;
}

async function openParts({ given }: Walkthrough, options: LaneOptions, opened: Closers): Promise<Parts> {
  const { clock, entropy, progress, signal } = options;
  progress('starting a software TPM');
  const [{ startSwtpm }, { InProcessHid }, { PROFILES }, { VirtualAuthenticator: Key }] = await Promise.all([
    import('../../hal-mocks/tpm2/swtpm.ts'),
    import('../../hal-mocks/fido2/in-process-hid.ts'),
    import('../../hal-mocks/fido2/profile.ts'),
    import('../../hal-mocks/fido2/virtual-authenticator.ts'),
  ]);
  const stateFolder = await mkdtemp(join(tmpdir(), 'unlockd-lane-'));
  opened.add(() => rm(stateFolder, { recursive: true, force: true }));
  const swtpm = await startSwtpm({ clock, signal });
  opened.add(() => swtpm.close());
  const hid = new InProcessHid();
  const keys = new Map<string, VirtualAuthenticator>();
  for (const [name, where] of Object.entries(given.keys)) {
    const key = new Key({ clock, entropy, profile: PROFILES['2.1'] });
    if (where === 'unplugged') key.remove();
    hid.attach(key);
    keys.set(name, key);
  }
  const surroundings = await mockSurroundings(clock);
  const tpm = linuxTpm(swtpm.config);
  const daemon = new MockDaemon({ clock, entropy, stateFolder, tpm, hid, surroundings, audited: () => undefined });
  opened.add(() => daemon.stop());
  progress('starting the daemon');
  await daemon.start();
  return { swtpm, surroundings, daemon, keys };
}

/** As root does it once on a new machine; the owner's sheet is thrown away. @throws {ERR_WALKTHROUGH_NOT_GIVEN} */
async function setUp({ daemon }: Parts, { progress, signal }: LaneOptions): Promise<void> {
  progress('setting the machine up');
  const { service } = daemon;
  const ceremony = await service.begin(peer(ROOT), { kind: 'setup' });
  let sheet: readonly string[] = [];
  let last: CeremonyEvent | undefined;
  const { Secret } = await import('../../drivers/base/secret.ts');
  for await (const event of service.ceremony(peer(ROOT), ceremony.id).events({ signal })) {
    last = event;
    if (event.type === 'secret') {
      using shown = ceremony.take(event.slot);
      sheet = new TextDecoder().decode(shown.expose()).split('-');
    }
    if (event.type === 'prompt') {
      const groups = (event.groups ?? []).map((group) => sheet[group - 1] ?? '');
      ceremony.supply(event.slot, Secret.take(new TextEncoder().encode(groups.join(' '))));
    }
  }
  if (last?.type === 'done') return;
  const why = last?.type === 'failed' ? `${last.refusal.message} (${last.refusal.code})` : 'it did not end';
  throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `the machine could not be set up: ${why}`);
}

function laneOf(parts: Parts): OpenedLane['operator'] {
  const { keys } = parts;
  const named = (name: string): VirtualAuthenticator => {
    const key = keys.get(name);
    if (key === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', `there is no key ${name}`);
    return key;
  };
  return {
    // The event may come a moment before the key itself waits.
    touch: async () => {
      for (const key of keys.values()) {
        if (!key.plugged || key.presence.touch()) continue;
        const stop = key.presence.onWait(() => {
          stop();
          setImmediate(() => key.presence.touch());
        });
      }
    },
    insert: async (name) => named(name).insert(),
    remove: async (name) => named(name).remove(),
  };
}

function devicesOf({ keys, swtpm }: Parts): readonly LaneDevice[] {
  const tpm: LaneDevice = {
    kind: 'tpm',
    name: 'swtpm',
    nature: 'emulated',
    model: null,
    firmware: null,
    more: { address: swtpm.config },
  };
  return [
    tpm,
    ...[...keys].map(
      ([name, key]): LaneDevice => ({
        kind: 'security-key',
        name,
        nature: 'simulated',
        model: 'Virtual Security Key',
        firmware: null,
        more: { profile: key.profile.name },
      }),
    ),
  ];
}

/** @throws {ERR_HAL_MODULE_MISSING} swtpm is not installed; {ERR_WALKTHROUGH_NOT_GIVEN}; and the signal's reason */
export async function openMockLane(walkthrough: Walkthrough, options: LaneOptions): Promise<OpenedLane> {
  const opened = new Closers();
  try {
    const parts = await openParts(walkthrough, options, opened);
    await setUp(parts, options);
    const { daemon } = parts;
    const { policy } = walkthrough.given;
    if (policy !== undefined) await daemon.service.setPolicy(peer(ROOT), JSON.stringify(policy));
    return {
      name: 'mock',
      subject: inProcessSubject(() => daemon.service, peer(PERSON)),
      operator: laneOf(parts),
      daemon: async (what) => {
        if (what !== 'restart') return NO_PROCESS;
        await daemon.stop();
        await daemon.start();
        return null;
      },
      devices: async () => devicesOf(parts),
      [Symbol.asyncDispose]: () => opened.close(),
    };
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw error;
  }
}
