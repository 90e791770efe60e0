/** Collects what an IP host tells, so that a test can wait for what it expects. */
import type { HostInterface, IpHal, IpSnapshot, NetworkEvent } from '../../../drivers/hal/network.ts';
import { UPLINK } from './network-lab.ts';

export const anySignal = (): AbortSignal => new AbortController().signal;

export const uplinkOf = ({ interfaces }: IpSnapshot): HostInterface | undefined =>
  interfaces.find(({ name }) => name === UPLINK);

export class SeenIp implements AsyncDisposable {
  readonly all: NetworkEvent[] = [];
  readonly #hal: IpHal;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(hal: IpHal) {
    this.#hal = hal;
    this.#done = (async () => {
      for await (const event of hal.watch({ signal: this.#abort.signal })) {
        this.all.push(event);
        this.#wake();
      }
    })();
  }

  /** Waits until an event, of those from index `from`, is of a type. The test's own time limit ends it. */
  async next(type: NetworkEvent['type'], from = 0): Promise<NetworkEvent> {
    for (;;) {
      const found = this.all.slice(from).find((event) => event.type === type);
      if (found !== undefined) return found;
      await this.#more();
    }
  }

  /** Reads after every event until what is read is as wanted; so it ends only where the events suffice. */
  async until(wanted: (uplink: HostInterface | undefined) => boolean): Promise<IpSnapshot> {
    for (;;) {
      const seen = this.all.length;
      const snapshot = await this.#hal.read({ signal: anySignal() }).catch(() => null);
      if (snapshot !== null && wanted(uplinkOf(snapshot))) return snapshot;
      if (this.all.length === seen) await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}
