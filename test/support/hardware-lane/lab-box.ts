/**
 * A lab box that is not there: a daemon process from the build that was set up some time ago, swtpm for its TPM, virtual
 * keys that the unmodified node-hid finds as /dev/hidrawN, and hands that plug, pull and touch them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createClient } from '../../../agent/api/client.ts';
import { EmulatorDaemon } from '../../../agent/lanes/emulator-daemon.ts';
import { requireEmulatorNeeds } from '../../../agent/lanes/emulator-needs.ts';
import type { HardwareOptions } from '../../../agent/lanes/hardware-options.ts';
import { setUpMachine } from '../../../agent/lanes/set-up.ts';
import { VirtualKeys } from '../../../agent/lanes/virtual-keys.ts';
import type { Hands } from '../../../agent/operator/task.ts';
import { Person } from '../../../agent/walkthrough/person.ts';
import { Pins } from '../../../agent/walkthrough/pins.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Closers } from '../../../drivers/base/closers.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';
import type { BridgeAddress } from '../../../hal-mocks/umockdev/bridge.ts';
import { keyAt, Tabletop } from '../operator/tabletop.ts';
import { EVERYTHING, walkthroughOf } from './found.ts';

/** What is missing on this machine, for the title of a skipped test; null: nothing. */
export async function missingForLabBox(): Promise<string | null> {
  try {
    await requireEmulatorNeeds();
    return null;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_LANE_MISSING')) return error.message;
    throw error;
  }
}

const nobody = async (): Promise<void> => {
  throw new Error('nobody moves keys now');
};

export class LabBox implements AsyncDisposable {
  readonly hid = new Tabletop();
  readonly client: ApiClient;
  readonly socketPath: string;
  /** Where each key answers, in the order of their names. */
  readonly addresses: readonly BridgeAddress[];
  readonly #keys: VirtualKeys;
  readonly #daemon: EmulatorDaemon;
  readonly #opened: Closers;

  private constructor(keys: VirtualKeys, daemon: EmulatorDaemon, addresses: readonly BridgeAddress[], opened: Closers) {
    this.#keys = keys;
    this.#daemon = daemon;
    this.#opened = opened;
    this.addresses = addresses;
    this.socketPath = daemon.socketPath;
    this.client = createClient({
      socketPath: daemon.socketPath,
      check: { peerOf: async (socket) => peerCredentials(socket), trusts: (uid) => uid === process.getuid?.() },
    });
    for (const [at, key] of keys.all.entries()) if (key.plugged) this.#show(keys.names[at] ?? '');
  }

  /** @param keys by name, and where they are */
  static async open(keys: Readonly<Record<string, 'plugged' | 'unplugged'>>): Promise<LabBox> {
    const opened = new Closers();
    try {
      const folder = await mkdtemp(join(tmpdir(), 'unlockd-lab-box-'));
      opened.add(() => rm(folder, { recursive: true, force: true }));
      await mkdir(join(folder, 'state'), { mode: 0o700 });
      await mkdir(join(folder, 'run'), { mode: 0o755 });
      await writeFile(join(folder, 'unlockd.toml'), '', { mode: 0o600 });
      const swtpm = await startSwtpm();
      opened.add(() => swtpm.close());
      const { given } = walkthroughOf({ keys });
      const virtual = await VirtualKeys.of(given, { clock: systemClock, entropy: systemEntropy });
      const addresses: BridgeAddress[] = [];
      for (const key of virtual.all) {
        const server = await TcpServer.start(key, 0);
        opened.add(() => server.close());
        addresses.push({ protocol: 'tcp', address: `127.0.0.1:${server.port}` });
      }
      const daemon = new EmulatorDaemon({
        clock: systemClock,
        folder,
        keys: addresses,
        tcti: () => swtpm.config,
        surroundings: null,
      });
      opened.add(() => daemon.stop());
      const { signal } = new AbortController();
      await daemon.start(signal);
      const box = new LabBox(virtual, daemon, addresses, opened);
      await setUpMachine(box.client, given, signal);
      return box;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Somebody has enrolled with the keys that are plugged in, as on any machine that is in use. */
  async enrolled(): Promise<void> {
    const { signal } = new AbortController();
    using pins = new Pins(systemEntropy);
    const operator = { touch: async () => this.#keys.touch(), insert: nobody, remove: nobody };
    using person = new Person({ subject: this.client, operator, daemon: async () => null }, pins);
    const how = { touch: 'always', finger: 'own', pulls: null, killAt: null, expects: null } as const;
    const { verdict, message } = await person.ask(
      { kind: 'enrol' },
      { types: { 'new-pin': ['mine'] }, ...how },
      signal,
    );
    if (verdict !== 'granted') throw new Error(message);
  }

  #show(name: string): void {
    const path = `/dev/hidraw${this.#keys.names.indexOf(name)}`;
    this.hid.plug(keyAt(path, { serial: name, product: 'Virtual Security Key' }));
  }

  async plug(name: string): Promise<void> {
    const key = this.#keys.named(name);
    const port = this.#keys.names.indexOf(name) + 1;
    await this.#daemon.see('plugged', port, () => key.insert(), new AbortController().signal);
    this.#show(name);
  }

  async pull(name: string): Promise<void> {
    const [key, at] = [this.#keys.named(name), this.#keys.names.indexOf(name)];
    await this.#daemon.see('unplugged', at + 1, () => key.remove(), new AbortController().signal);
    this.hid.pull(`/dev/hidraw${at}`);
  }

  /** Does what a person is asked for in words. @returns whether it was something to be done with a key */
  async obey(text: string): Promise<boolean> {
    const [, plugged] = /^Plug in (?:the security key that is )?([a-z]+)/.exec(text) ?? [];
    const [, pulled] = /^Pull out ([a-z]+),/.exec(text) ?? [];
    if (plugged !== undefined) await this.plug(plugged);
    else if (pulled !== undefined) await this.pull(pulled);
    else if (text === 'Pull out all security keys') {
      for (const name of this.#keys.names) if (this.#keys.named(name).plugged) await this.pull(name);
    } else if (text === 'Touch the security key that blinks') this.#keys.touch();
    else return false;
    return true;
  }

  /** As systemd would, of the one unit that is here. */
  async #systemctl([verb, ...rest]: readonly string[]): Promise<string | null> {
    if (rest.at(-1) !== 'unlockd.service') return `Unit ${rest.at(-1)} not found.`;
    if (verb === 'kill') await this.#daemon.kill();
    if (verb === 'stop') await this.#daemon.stop();
    if (verb === 'start') await this.#daemon.start(new AbortController().signal);
    return null;
  }

  /** What the lane is handed, with these hands. */
  options(hands: Hands, more: Partial<HardwareOptions> = {}): () => Promise<HardwareOptions> {
    return async () => ({
      client: this.client,
      socketPath: this.socketPath,
      uid: 0,
      hands: () => hands,
      hid: this.hid,
      surface: () => EVERYTHING,
      systemctl: (args) => this.#systemctl(args),
      ownDaemon: null,
      destructive: false,
      confirm: async (_what, word) => {
        throw new Error(`nobody types ${word}`);
      },
      readKeyPin: null,
      showSheet: null,
      phones: new Map(),
      roots: new Map(),
      ...more,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.close();
  }
}
