/** What every command gets: the client for the chosen socket, the output, the terminal when it is asked for. */
import { type ApiClient, createClient } from '../api/client.ts';
import { type CtlDeps, DAEMON_USER, DEFAULT_SOCKET_PATH, type Terminal } from './deps.ts';
import { createOutput, type Output } from './output.ts';

/** The options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly socket?: string;
  readonly daemonUid?: number;
}

export interface Context {
  readonly deps: CtlDeps;
  readonly client: ApiClient;
  readonly output: Output;
  readonly socketPath: string;
  /** Whether the daemon may run under this uid: root, the one given, or the system user of the product. */
  readonly trusts: (uid: number) => boolean;
  /** The terminal, opened at the first call; null when there is none. */
  readonly terminal: () => Terminal | null;
  readonly close: () => void;
}

const ROOT = 0;

/** @param trusted further uids that the daemon may run under */
export async function createContext(deps: CtlDeps, options: CommonOptions): Promise<Context> {
  const socketPath = options.socket ?? deps.socketPath ?? DEFAULT_SOCKET_PATH;
  const named = options.daemonUid ?? null;
  const system = named === null ? await deps.uidOf(DAEMON_USER) : null;
  const trusts = (uid: number) => uid === ROOT || uid === named || (system !== null && uid === system);
  const client = createClient({ socketPath, check: { peerOf: deps.peerOf, trusts } });
  let terminal: Terminal | null | undefined;
  return {
    deps,
    client,
    output: createOutput(deps, options.json === true),
    socketPath,
    trusts,
    terminal: () => {
      terminal ??= deps.openTerminal();
      return terminal;
    },
    close: () => terminal?.close(),
  };
}
