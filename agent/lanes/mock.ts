/**
 * The mock lane: everything in this process but the TPM, which is swtpm. The real service over virtual security keys and
 * surroundings that exist only in memory; the virtual operator does at once what a person would do.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Closers } from '../../drivers/base/closers.ts';
import type { OperatorHal, PhysicalStep } from '../../drivers/hal/operator.ts';
import type { TpmHal } from '../../drivers/hal/tpm.ts';
import { linuxTpm } from '../../drivers/linux/tpm/open.ts';
import type { Swtpm } from '../../hal-mocks/tpm2/swtpm.ts';
import type { LaneDevice } from '../walkthrough/lane.ts';
import { withRoots } from '../walkthrough/roots.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import { inProcessSubject } from './in-process-subject.ts';
import { MockDaemon } from './mock-daemon.ts';
import { mockSurroundings } from './mock-surroundings.ts';
import { MockWorld } from './mock-world.ts';
import type { LaneOptions, OpenedLane } from './options.ts';
import { noSeams } from './seams.ts';
import { Sensed } from './sensed.ts';
import { setUpMachine } from './set-up.ts';
import { VirtualKeys } from './virtual-keys.ts';

const ROOT = 0;
/** The person of the walkthrough, whoever runs it: no uid of this machine has anything to do with it. */
const PERSON = { uid: 1000, name: 'person' } as const;
const NO_PROCESS = 'the daemon has no process of its own: it can only be restarted';

const peer = (uid: number) => ({ uid, gid: uid, pid: process.pid });

/** The one place for a TPM; which one is in it may change while the daemon is stopped. Empty where all is played. */
class Socket implements TpmHal {
  readonly #make: (() => Promise<Swtpm>) | null;
  #inIt: Swtpm | null = null;

  constructor(make: (() => Promise<Swtpm>) | null) {
    this.#make = make;
  }

  get config(): string {
    return this.#inIt?.config ?? 'a recording';
  }

  get description(): string {
    return this.#inIt === null ? this.config : linuxTpm(this.config).description;
  }

  open(options: { signal: AbortSignal }): ReturnType<TpmHal['open']> {
    return linuxTpm(this.config).open(options);
  }

  /** Another TPM takes the place of the one that is there. */
  async replace(): Promise<void> {
    await this.#inIt?.stop();
    this.#inIt = (await this.#make?.()) ?? null;
  }
}

/** All parts of an open lane. */
interface Parts {
  readonly socket: Socket;
  readonly daemon: MockDaemon;
  readonly sensed: Sensed;
  readonly keys: VirtualKeys;
  readonly world: MockWorld;
  readonly suspend: () => void;
  readonly replaceTpm: () => Promise<void>;
}

async function openParts({ given }: Walkthrough, options: LaneOptions, opened: Closers): Promise<Parts> {
  const { clock, entropy, progress, seams = noSeams(entropy), signal } = options;
  progress(seams.isPlayed ? 'playing what was recorded' : 'starting a software TPM');
  const [{ startSwtpm }, { InProcessHid }, { mockInterface }] = await Promise.all([
    import('../../hal-mocks/tpm2/swtpm.ts'),
    import('../../hal-mocks/fido2/in-process-hid.ts'),
    import('../../hal-mocks/network/mock-ip.ts'),
  ]);
  const stateFolder = await mkdtemp(join(tmpdir(), 'unlockd-lane-'));
  opened.add(() => rm(stateFolder, { recursive: true, force: true }));
  const anotherTpm = async (): Promise<Swtpm> => {
    const swtpm = await startSwtpm({ clock, signal });
    opened.add(() => swtpm.close());
    return swtpm;
  };
  const socket = new Socket(seams.isPlayed ? null : anotherTpm);
  await socket.replace();
  const keys = await VirtualKeys.of(given, { clock, entropy: seams.entropy('keys') });
  const hid = new InProcessHid();
  for (const key of keys.all) hid.attach(key);
  const surroundings = await mockSurroundings(clock);
  const world = new MockWorld(given, { clock, surroundings, wired: mockInterface, person: PERSON });
  const sensed = new Sensed(clock, PERSON.uid);
  const daemon = new MockDaemon({
    clock,
    entropy: seams.entropy('daemon'),
    tpmEntropy: seams.entropy('tpm'),
    stateFolder,
    tpm: seams.tpm(socket),
    hid: seams.hid(hid),
    surroundings,
    sensed,
    userName: (uid) => (uid === PERSON.uid ? PERSON.name : `uid ${uid}`),
    audited: () => undefined,
  });
  opened.add(() => daemon.stop());
  progress('starting the daemon');
  await daemon.start();
  return {
    socket,
    daemon,
    keys,
    sensed,
    world,
    suspend: () => {
      surroundings.sessions.sleep(true);
      daemon.suspended();
      surroundings.sessions.sleep(false);
    },
    replaceTpm: async () => {
      await daemon.stop();
      await socket.replace();
      await daemon.start();
    },
  };
}

function operatorOf({ keys, world, suspend, replaceTpm }: Parts): OperatorHal {
  const perform = async (step: PhysicalStep, options: { readonly signal: AbortSignal }): Promise<string | null> => {
    if (step.do === 'suspend') suspend();
    else if (step.do === 'replace-tpm') await replaceTpm();
    else return await world.perform(step, options);
    return null;
  };
  return {
    touch: async () => keys.touch(),
    insert: async (name) => keys.named(name).insert(),
    remove: async (name) => keys.named(name).remove(),
    perform,
  };
}

function devicesOf({ keys, socket, world }: Parts): readonly LaneDevice[] {
  const more = { address: socket.config };
  return [
    { kind: 'tpm', name: 'swtpm', nature: 'emulated', model: null, firmware: null, more },
    ...keys.devices('simulated'),
    ...world.devices(),
  ];
}

/** @throws {ERR_HAL_MODULE_MISSING} swtpm is not installed; {ERR_WALKTHROUGH_NOT_GIVEN}; and the signal's reason */
export async function openMockLane(walkthrough: Walkthrough, options: LaneOptions): Promise<OpenedLane> {
  const opened = new Closers();
  const { given } = walkthrough;
  try {
    const parts = await openParts(walkthrough, options, opened);
    const { daemon, keys, world } = parts;
    const owner = inProcessSubject(() => daemon.service, peer(ROOT));
    const policy = given.policy === undefined ? {} : { policy: withRoots(given.policy, given, world.thumbprintOf) };
    options.progress('setting the machine up');
    await setUpMachine(owner, { ...given, ...policy }, options.signal);
    const subject = inProcessSubject(() => daemon.service, peer(PERSON.uid));
    return {
      name: 'mock',
      subject: {
        ...subject,
        start: (request, asked) => {
          keys.handsOff();
          return subject.start(request, asked);
        },
      },
      owner,
      operator: (options.seams ?? noSeams(options.entropy)).operator(operatorOf(parts)),
      daemon: async (what) => {
        if (what !== 'restart') return NO_PROCESS;
        await daemon.stop();
        await daemon.start();
        return null;
      },
      restart: async (what) => {
        world.restart(what);
        return null;
      },
      phoneAddress: (phone) => world.addressOf(phone),
      rootThumbprint: (root) => world.thumbprintOf(root),
      devices: async () => devicesOf(parts),
      senses: (options) => parts.sensed.changes(options),
      [Symbol.asyncDispose]: () => opened.close(),
    };
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw error;
  }
}
