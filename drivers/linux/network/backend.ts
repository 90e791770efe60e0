/** One of the programs of a Linux host that configure interfaces, and what it says of those that are its own. */
import type { FieldSource, HostInterface } from '../../hal/network.ts';
import type { InterfaceFacts } from './interface-facts.ts';

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** What the kernel says of an interface. */
  readonly factsOf: (name: string) => Promise<InterfaceFacts>;
}

/** `replaced`: it came, went or is another process: what it said is void. `changed`: it may say something else now. */
export type BackendEvent = 'replaced' | 'changed';

export interface IpBackend extends AsyncDisposable {
  readonly name: FieldSource;
  /** It can be asked. */
  readonly present: boolean;
  /** Resolves when it is known for the first time whether it can be asked. */
  looked(options: { readonly signal: AbortSignal }): Promise<void>;
  /** The interfaces that it configures, each read as of one moment. @throws as `IpHal.read` */
  read(options: ReadOptions): Promise<readonly HostInterface[]>;
  /** @returns what ends it */
  listen(listener: (event: BackendEvent) => void): () => void;
}
