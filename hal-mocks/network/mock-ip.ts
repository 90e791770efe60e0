/**
 * Interfaces that exist only in memory, behind the same seam as a host's: a test or a scenario plugs cables, moves the
 * machine to another network, and lets the daemon that tells of it die.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import { type ErrorCode, UnlockdError } from '../../drivers/base/errors.ts';
import type {
  HostInterface,
  HostIpFamily,
  IpHal,
  IpSnapshot,
  NetworkEvent,
  Sourced,
} from '../../drivers/hal/network.ts';
import { Watchers } from '../watchers.ts';

const SOURCE = 'mock';
const told = <T>(value: T): Sourced<T> => ({ value, source: SOURCE });

/** Fields of one family in short; left out: the host does not tell. */
export type MockFamily = { readonly [F in keyof HostIpFamily]?: readonly string[] };

const familyOf = (family: MockFamily = {}): HostIpFamily => {
  const field = (list: readonly string[] | undefined) => (list === undefined ? null : told(list));
  return {
    addresses: field(family.addresses),
    gateways: field(family.gateways),
    dhcpServers: field(family.dhcpServers),
    dnsServers: field(family.dnsServers),
  };
};

/** A physical, connected Ethernet interface, but for what is said. */
export function mockInterface(
  name: string,
  {
    ipv4,
    ipv6,
    dnsSuffixes,
    ...rest
  }: {
    readonly ipv4?: MockFamily;
    readonly ipv6?: MockFamily;
    readonly dnsSuffixes?: readonly string[];
  } & Partial<Pick<HostInterface, 'kind' | 'physical' | 'connected'>> = {},
): HostInterface {
  return {
    name,
    kind: 'ethernet',
    physical: true,
    connected: true,
    ...rest,
    ipv4: familyOf(ipv4),
    ipv6: familyOf(ipv6),
    dnsSuffixes: dnsSuffixes === undefined ? null : told(dnsSuffixes),
  };
}

type Down = Extract<NetworkEvent, { type: 'unavailable' }>['reason'];
type Waiting = { readonly signal: AbortSignal };

export class MockIp implements IpHal {
  readonly name = SOURCE;
  readonly simulated = true;
  readonly #clock: Clock;
  readonly #interfaces = new Map<string, HostInterface>();
  readonly #watchers = new Watchers<NetworkEvent>();
  #suffix: Sourced<string> | null = null;
  #down: Down | null = null;
  #failure: ErrorCode | null = null;
  #closed = false;
  #reads = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often it was read. */
  get reads(): number {
    return this.#reads;
  }

  /** From now on this interface is so. */
  put(each: HostInterface): void {
    this.#interfaces.set(each.name, each);
    this.hint();
  }

  remove(name: string): void {
    if (this.#interfaces.delete(name)) this.hint();
  }

  setPrimarySuffix(suffix: string | null): void {
    this.#suffix = suffix === null ? null : told(suffix);
    this.hint();
  }

  /** Something may have changed, or not. */
  hint(): void {
    if (this.#down === null) this.#tell({ type: 'changed' });
  }

  /** The daemon dies, or nobody may ask it; null: it is back and knows what it knew. */
  setDown(reason: Down | null): void {
    if (reason === this.#down) return;
    this.#down = reason;
    this.#tell(reason === null ? { type: 'available' } : { type: 'unavailable', reason });
  }

  /** Every reading fails so from now on, without any event; null: none does. */
  failReads(code: ErrorCode | null): void {
    this.#failure = code;
  }

  async read({ signal }: Waiting): Promise<IpSnapshot> {
    signal.throwIfAborted();
    this.#reads++;
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the mock of the addresses was closed');
    if (this.#failure !== null) throw new UnlockdError(this.#failure, 'the mock of the addresses fails');
    if (this.#down !== null) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'the mock of the addresses is not there');
    return {
      at: this.#clock.now(),
      interfaces: [...this.#interfaces.values()],
      primaryDnsSuffix: this.#suffix,
    };
  }

  watch({ signal }: Waiting): AsyncGenerator<NetworkEvent, void, undefined> {
    const first: NetworkEvent =
      this.#down === null ? { type: 'available' } : { type: 'unavailable', reason: this.#down };
    // Any number of changes is one reason to look.
    return this.#watchers.watch(first, signal, (last, next) => last.type === 'changed' && next.type === 'changed');
  }

  #tell(event: NetworkEvent): void {
    this.#watchers.tell(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#down = 'failed';
    this.#tell({ type: 'unavailable', reason: 'failed' });
  }
}
