/**
 * The emulator lane: the daemon as a process of its own with its real drivers for keys and TPM; swtpm is the TPM, virtual
 * keys are plugged into it as /dev/hidrawN through umockdev. It sees nothing of this machine's radios and networks; networks
 * that are given are those of its simulation, and then it says that its machine is a simulated one.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Closers } from '../../drivers/base/closers.ts';
import type { OperatorHal, PhysicalStep } from '../../drivers/hal/operator.ts';
import { peerCredentials } from '../../drivers/linux/peer-credentials.ts';
import type { TcpServer } from '../../hal-mocks/fido2/tcp-server.ts';
import type { Swtpm } from '../../hal-mocks/tpm2/swtpm.ts';
import type { BridgeAddress } from '../../hal-mocks/umockdev/bridge.ts';
import { createClient } from '../api/client.ts';
import { type Lacks, lackOf } from '../walkthrough/not-here.ts';
import { withRoots } from '../walkthrough/roots.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import { EmulatorDaemon } from './emulator-daemon.ts';
import { requireEmulatorNeeds } from './emulator-needs.ts';
import { isNetworkStep, type NetworkStep, rootDigest } from './networks.ts';
import { nothingHere } from './nothing-here.ts';
import type { LaneOptions, OpenedLane } from './options.ts';
import { ScriptedNetworks } from './scripted-networks.ts';
import { setUpMachine } from './set-up.ts';
import { VirtualKeys } from './virtual-keys.ts';
import { watchedOverRestarts } from './watched.ts';

const LACKS = {
  phones: 'there is no Bluetooth radio',
  fingerprint: 'there is no fingerprint reader',
} as const satisfies Lacks;

const NO_NETWORK = 'no network is given';

type Movable = Exclude<PhysicalStep['do'], 'suspend' | 'replace-tpm' | NetworkStep['do']>;

/** Why a step that is not about keys cannot be done here. */
const NOT_HERE: Readonly<Record<Movable, string>> = {
  finger: LACKS.fingerprint,
  phone: LACKS.phones,
  keyboard: 'there are no sessions',
};

const thumbprintOf = (root: string): string => rootDigest('sha256', root);

type ReplaceTpm = (signal: AbortSignal) => Promise<void>;

async function serveKeys(keys: VirtualKeys, opened: Closers): Promise<readonly BridgeAddress[]> {
  const { TcpServer: Server } = await import('../../hal-mocks/fido2/tcp-server.ts');
  const addresses: BridgeAddress[] = [];
  for (const key of keys.all) {
    const server: TcpServer = await Server.start(key, 0);
    opened.add(() => server.close());
    addresses.push({ protocol: 'tcp', address: `127.0.0.1:${server.port}` });
  }
  return addresses;
}

async function makeFolder(opened: Closers): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'unlockd-lane-'));
  opened.add(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'state'), { mode: 0o700 });
  await mkdir(join(folder, 'run'), { mode: 0o755 });
  await writeFile(join(folder, 'unlockd.toml'), '', { mode: 0o600 });
  return folder;
}

function operatorOf(
  keys: VirtualKeys,
  daemon: EmulatorDaemon,
  networks: ScriptedNetworks | null,
  replaceTpm: ReplaceTpm,
): OperatorHal {
  const port = (name: string): number => keys.names.indexOf(name) + 1;
  return {
    touch: async () => keys.touch(),
    insert: async (name, { signal }) => {
      const key = keys.named(name);
      if (!key.plugged) await daemon.see('plugged', port(name), () => key.insert(), signal);
    },
    remove: async (name, { signal }) => {
      const key = keys.named(name);
      if (key.plugged) await daemon.see('unplugged', port(name), () => key.remove(), signal);
    },
    perform: async (step, { signal }) => {
      if (isNetworkStep(step)) {
        if (networks === null) return NO_NETWORK;
        await networks.move(step);
      } else if (step.do === 'suspend') daemon.announceSleep();
      else if (step.do === 'replace-tpm') await replaceTpm(signal);
      else return NOT_HERE[step.do];
      return null;
    },
  };
}

async function open({ given }: Walkthrough, options: LaneOptions, opened: Closers): Promise<OpenedLane> {
  const { clock, progress, signal } = options;
  await requireEmulatorNeeds();
  const folder = await makeFolder(opened);
  progress('starting a software TPM');
  const { startSwtpm } = await import('../../hal-mocks/tpm2/swtpm.ts');
  const anotherTpm = async (): Promise<Swtpm> => {
    const started = await startSwtpm({ clock, signal });
    opened.add(() => started.close());
    return started;
  };
  let swtpm = await anotherTpm();
  const replaceTpm: ReplaceTpm = async (within) => {
    await daemon.stop();
    await swtpm.stop();
    swtpm = await anotherTpm();
    await daemon.start(within);
  };
  const keys = await VirtualKeys.of(given, options);
  const addresses = await serveKeys(keys, opened);
  const networks = await ScriptedNetworks.of(given, join(folder, 'surroundings.jsonl'));
  const daemon = new EmulatorDaemon({
    clock,
    folder,
    keys: addresses,
    tcti: () => swtpm.config,
    surroundings: networks?.path ?? null,
  });
  opened.add(() => daemon.stop());
  progress('starting the daemon');
  await daemon.start(signal);
  const client = createClient({
    socketPath: daemon.socketPath,
    check: { peerOf: async (socket) => peerCredentials(socket), trusts: (uid) => uid === process.getuid?.() },
  });
  progress('setting the machine up');
  const policy = given.policy === undefined ? {} : { policy: withRoots(given.policy, given, thumbprintOf) };
  await setUpMachine(client, { ...given, ...policy }, signal);
  return {
    name: 'emulator',
    subject: {
      ...client,
      start: (request, asked) => {
        keys.handsOff();
        return client.start(request, asked);
      },
    },
    owner: client,
    operator: operatorOf(keys, daemon, networks, replaceTpm),
    daemon: async (what, asked) => {
      if (what === 'kill') await daemon.kill();
      else {
        if (what === 'restart') await daemon.stop();
        await daemon.start(asked.signal);
      }
      return null;
    },
    rootThumbprint: thumbprintOf,
    restart: async (what) => (networks === null ? `there is no ${what} here` : await networks.restart(what)),
    senses: (watching) => watchedOverRestarts(client, clock, watching),
    devices: async () => [...keys.devices('emulated'), ...(networks?.devices() ?? [])],
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

/** @throws {ERR_LANE_MISSING | ERR_LANE_BROKEN | ERR_WALKTHROUGH_NOT_GIVEN} and the signal's reason */
export async function openEmulatorLane(walkthrough: Walkthrough, options: LaneOptions): Promise<OpenedLane> {
  if (lackOf(walkthrough.given, LACKS) !== null) return nothingHere('emulator', LACKS);
  const opened = new Closers();
  try {
    return await open(walkthrough, options, opened);
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw error;
  }
}
