/** Starts the API on a socket in a temporary folder, with a service and a say in who the peer is. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '../../../agent/api/create-api.ts';
import type { ApiLimits } from '../../../agent/api/limits.ts';
import { listen } from '../../../agent/api/listen.ts';
import type { AgentService, Peer } from '../../../agent/api/ports.ts';
import { systemClock } from '../../../drivers/base/clock.ts';

export interface ApiOnSocket extends AsyncDisposable {
  readonly socketPath: string;
  readonly folder: string;
  /** Who the next connections come from; null: unknown. */
  peer: Peer | null;
  /** What the API called unexpected. */
  readonly unexpected: unknown[];
  readonly openCeremonies: () => number;
}

export const peerOfUid = (uid: number): Peer => ({ uid, gid: uid, pid: 4711 });

export async function apiOnSocket(
  service: AgentService,
  options: { limits?: Partial<ApiLimits>; peerOf?: (socket: Socket) => Peer | null } = {},
): Promise<ApiOnSocket> {
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-api-'));
  chmodSync(folder, 0o755);
  const unexpected: unknown[] = [];
  const state = { peer: peerOfUid(1000) as Peer | null };
  const api = createApi({
    service,
    peerOf: options.peerOf ?? (() => state.peer),
    clock: systemClock,
    limits: options.limits ?? {},
    unexpected: (error) => unexpected.push(error),
  });
  const socketPath = join(folder, 'unlockd.sock');
  const listening = await listen(api, { socketPath, uid: process.getuid?.() ?? 0, clock: systemClock });
  return {
    socketPath,
    folder,
    get peer() {
      return state.peer;
    },
    set peer(peer: Peer | null) {
      state.peer = peer;
    },
    unexpected,
    openCeremonies: api.openCeremonies,
    async [Symbol.asyncDispose]() {
      await listening.stop({ graceMs: 100 });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
