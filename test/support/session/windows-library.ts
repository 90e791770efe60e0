/**
 * A Windows that is not there: answers in the byte layout of the 64-bit Terminal Services API, laid out here a second
 * time from its documentation (wtsapi32.h), independently of what reads it.
 */
import type { SessionLibrary } from '../../../drivers/windows/session/library.ts';

export interface FakeSession {
  readonly id: number;
  readonly user: string;
  readonly domain?: string;
  readonly station?: string;
  /** WTS_CONNECTSTATE_CLASS. */
  readonly state?: number;
  /** SessionFlags: 0 locked, 1 unlocked, 0xffffffff unknown. */
  readonly flags?: number;
  /** FILETIME. */
  readonly lastInput?: bigint;
  readonly current?: bigint;
}

/** One WTSINFOEXW: DWORD Level, then at the next multiple of eight WTSINFOEX_LEVEL1_W. */
export function infoBytes(session: FakeSession): Uint8Array {
  const buffer = Buffer.alloc(232);
  buffer.writeUInt32LE(1, 0);
  const level1 = buffer.subarray(8);
  level1.writeUInt32LE(session.id, 0);
  level1.writeInt32LE(session.state ?? 0, 4);
  level1.writeUInt32LE(session.flags ?? 1, 8);
  level1.write((session.station ?? 'Console').slice(0, 32), 12, 'utf16le');
  level1.write(session.user.slice(0, 20), 78, 'utf16le');
  level1.write((session.domain ?? 'LAB').slice(0, 17), 120, 'utf16le');
  // LogonTime, ConnectTime, DisconnectTime at 160, 168, 176.
  level1.writeBigInt64LE(session.lastInput ?? 0n, 184);
  level1.writeBigInt64LE(session.current ?? 0n, 192);
  return new Uint8Array(buffer);
}

export function listBytes(sessions: readonly FakeSession[]): { bytes: Uint8Array; count: number } {
  const buffer = Buffer.alloc(24 * sessions.length);
  sessions.forEach(({ id, state = 0 }, n) => {
    buffer.writeUInt32LE(id, 24 * n);
    // The pointer to the station's name: never followed.
    buffer.writeBigUInt64LE(0xdeadbeefdeadbeefn, 24 * n + 8);
    buffer.writeInt32LE(state, 24 * n + 16);
  });
  return { bytes: new Uint8Array(buffer), count: sessions.length };
}

export class FakeWindows implements SessionLibrary {
  readonly sessions = new Map<number, FakeSession>();
  readonly calls: string[] = [];
  /** The session that the process is in. */
  own: number | null = 1;
  /** Code of GetLastError of the calls that lock; null: they succeed. */
  refuses: number | null = null;
  /** The service behind it does not answer: RPC_S_SERVER_UNAVAILABLE. */
  down = false;
  lastInput: number | null = null;
  ticks = 0;

  ownSession() {
    return this.own;
  }

  lockWorkStation() {
    this.calls.push(`lock ${this.own}`);
    return this.refuses === null ? null : { failed: this.refuses };
  }

  disconnect(sessionId: number) {
    this.calls.push(`disconnect ${sessionId}`);
    return this.refuses === null ? null : { failed: this.refuses };
  }

  lastInputTick() {
    return this.lastInput;
  }

  tickCount() {
    return this.ticks;
  }

  enumerate() {
    return this.down ? { failed: 1722 } : listBytes([...this.sessions.values()]);
  }

  query(sessionId: number) {
    const session = this.sessions.get(sessionId);
    return session === undefined ? { failed: 2 } : infoBytes(session);
  }
}
