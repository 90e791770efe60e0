/**
 * Virtual keys of this process as /dev/hidrawN of an emulated machine, opened by the real node-hid. Each key takes a USB port
 * of `port-relay.ts` while it is used; the names that the suite knows (`virtual:fido2:0`) stand for whatever node it has.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { concat, u16 } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidConnection, HidDeviceInfo, HidEvent } from '../../../drivers/hal/hid.ts';
import { openLinuxHid } from '../../../drivers/linux/hid/linux-hid.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { PORTS_VARIABLE } from './port-relay.ts';

const HEAD = 2;
const SETTLES_WITHIN_MS = 10_000;
const LISTED_WITHIN_MS = 2_000;

/** One USB port. A key that takes the place of another is not plugged in anew: it is another key on the same wire. */
class UsbPort {
  readonly #number: number;
  #socket: Socket | null = null;
  #key: VirtualAuthenticator | null = null;
  #stop: (() => void)[] = [];
  /** What the bridge said last. */
  node: string | null = null;
  lastUse = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(number: number) {
    this.#number = number;
  }

  get key(): VirtualAuthenticator | null {
    return this.#key;
  }

  give(key: VirtualAuthenticator): void {
    for (const stop of this.#stop) stop();
    this.#key = key;
    this.#stop = [key.onPlug((event) => this.#follow(event === 'inserted')), this.#listen(key)];
    this.#follow(key.plugged);
  }

  /** As the bridge has it is as the key is. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  /** A key that is pulled out forgets its listeners. */
  #listen(key: VirtualAuthenticator): () => void {
    return key.listen({
      report: (report) => this.#socket?.write(concat(u16(report.length), report)),
      gone: () => {
        this.#stop.push(this.#listen(key));
      },
    });
  }

  /** Every going and coming is done, also where both have happened before the machine takes notice of the first. */
  #follow(plugged: boolean): void {
    this.#turn = this.#turn.then(async () => {
      if (plugged && this.#socket === null) await this.#plug();
      else if (!plugged && this.#socket !== null) await this.#unplug();
    });
    this.#turn.catch(() => undefined);
  }

  async #plug(): Promise<void> {
    const socket = connect({ port: this.#number, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => socket.destroy());
    let rest: Uint8Array = new Uint8Array(0);
    socket.on('data', (chunk) => {
      rest = concat(rest, chunk);
      while (rest.length >= HEAD) {
        const length = ((rest[0] ?? 0) << 8) | (rest[1] ?? 0);
        if (rest.length < HEAD + length) return;
        this.#key?.receive(rest.slice(HEAD, HEAD + length));
        rest = rest.slice(HEAD + length);
      }
    });
    await once(socket, 'connect');
    this.#socket = socket;
    await until(() => this.node !== null);
  }

  async #unplug(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = null;
    await until(() => this.node === null);
  }
}

const waiting = new Set<() => void>();

/** Resolves when what the bridge tells makes `is` true. */
async function until(is: () => boolean): Promise<void> {
  const end = performance.now() + SETTLES_WITHIN_MS;
  while (!is()) {
    if (performance.now() > end) throw new Error('the emulated machine did not take a key in or let it go');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(wake, 200);
      function wake(): void {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      }
      waiting.add(wake);
    });
  }
}

const [control = 0, ...numbers] = (process.env[PORTS_VARIABLE] ?? '').split(',').map(Number);
const ports = numbers.map((number) => new UsbPort(number));
const telling = connect({ port: control, host: '127.0.0.1' });
telling.unref();
createInterface({ input: telling }).on('line', (line) => {
  const [what, port, node] = line.split(' ');
  const one = ports[Number(port) - 1];
  if (one !== undefined) one.node = what === 'plugged' ? (node ?? null) : null;
  for (const wake of [...waiting]) wake();
});
await once(telling, 'connect');
const real = openLinuxHid();
let uses = 0;

/** The port of a key; where it has none, the one that was not used for longest. */
function portOf(key: VirtualAuthenticator): UsbPort {
  const own = ports.find((port) => port.key === key);
  const free = own ?? ports.reduce((oldest, port) => (port.lastUse < oldest.lastUse ? port : oldest));
  if (own === undefined) free.give(key);
  free.lastUse = ++uses;
  return free;
}

class HidrawHid extends InProcessHid {
  readonly #keys: readonly VirtualAuthenticator[];

  constructor(...keys: readonly VirtualAuthenticator[]) {
    super(...keys);
    this.#keys = keys;
    for (const key of keys) portOf(key);
  }

  /** The nodes as they are when the machine has caught up with the hands. */
  async #nodes(): Promise<ReadonlyMap<string, string>> {
    const mine = this.#keys.map(portOf);
    await Promise.all(mine.map((port) => port.settled()));
    return new Map(
      mine.flatMap(({ node, key }, i) =>
        node === null || !key?.plugged ? [] : [[node, `virtual:fido2:${i}`] as const],
      ),
    );
  }

  override async list(options: { signal: AbortSignal }): Promise<readonly HidDeviceInfo[]> {
    const nodes = await this.#nodes();
    // The host lists a node a moment after the machine has it.
    for (const end = performance.now() + LISTED_WITHIN_MS; ; ) {
      const found = (await real.list(options)).flatMap((device) => {
        const path = nodes.get(device.path);
        return path === undefined ? [] : [{ ...device, path }];
      });
      if (found.length === nodes.size || performance.now() > end) {
        return found.sort((a, b) => (a.path < b.path ? -1 : 1));
      }
    }
  }

  override async open(path: string, options: { signal: AbortSignal }): Promise<HidConnection> {
    const nodes = await this.#nodes();
    const [node] = [...nodes].find(([, name]) => name === path) ?? [];
    if (node === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', `${path} is not plugged in`);
    // The fake node is a terminal: of two that have it open, one gets a report, and which closed last is still reading.
    await real.released?.();
    return await real.open(node, options);
  }

  override async *watch(options: { signal: AbortSignal }): AsyncGenerator<HidEvent, void, undefined> {
    let nodes = await this.#nodes();
    for await (const event of real.watch(options)) {
      const before = nodes;
      nodes = await this.#nodes();
      const path = nodes.get(event.device.path) ?? before.get(event.device.path);
      if (path !== undefined) yield { ...event, device: { ...event.device, path } };
    }
  }
}

export const hidrawHid = (...keys: readonly VirtualAuthenticator[]): InProcessHid => new HidrawHid(...keys);
