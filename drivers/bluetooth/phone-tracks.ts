/** The phones that are enrolled now, each with what is known of it. */
import { type MonotonicMs, monotonicMs } from '../base/brand.ts';
import type { PresencePhone } from '../hal/presence.ts';
import { lost, newTrack, type PhoneTrack } from './phone-track.ts';

/** More phones than are ever bonded with one machine. */
const MAX_PHONES = 64;

const isSame = (a: PresencePhone, b: PresencePhone): boolean =>
  a.name === b.name &&
  a.classOfDevice === b.classOfDevice &&
  (a.bond ?? null) === (b.bond ?? null) &&
  a.users.length === b.users.length &&
  a.users.every((user, n) => user === b.users[n]);

export class PhoneTracks {
  readonly #tracks = new Map<string, PhoneTrack>();

  get all(): readonly PhoneTrack[] {
    return [...this.#tracks.values()];
  }

  get(address: string): PhoneTrack | undefined {
    return this.#tracks.get(address);
  }

  put(track: PhoneTrack): void {
    this.#tracks.set(track.phone.address, track);
  }

  /** The enrolled phones, as just read: what is known of those that stay is kept. @returns whether that changed anything */
  take(phones: readonly PresencePhone[]): boolean {
    let changed = false;
    const enrolled = phones.slice(0, MAX_PHONES);
    for (const { phone } of this.all) {
      if (!enrolled.some(({ address }) => address === phone.address)) {
        changed = this.#tracks.delete(phone.address) || changed;
      }
    }
    for (const phone of enrolled) {
      const track = this.#tracks.get(phone.address);
      if (track !== undefined && isSame(track.phone, phone)) continue;
      // Enrolled anew with another bond, it has to prove itself by that.
      const isOther = track === undefined || (track.phone.bond ?? null) !== (phone.bond ?? null);
      this.put(isOther ? newTrack(phone) : { ...track, phone });
      changed = true;
    }
    return changed;
  }

  /** Nothing that was known of any phone holds any more. */
  void(): void {
    for (const { phone } of this.all) this.put(newTrack(phone));
  }

  /** No phone has a proof any more; when it was looked at is remembered. */
  loseAll(): void {
    for (const track of this.all) this.put(lost(track));
  }

  clear(): void {
    this.#tracks.clear();
  }

  /**
   * A phone is to be looked at out of its turn, if anybody asks for it.
   * @param apart least time since the last look, ms
   */
  lookSoon(address: string, now: MonotonicMs, apart: number): void {
    const track = this.#tracks.get(address);
    if (track === undefined) return;
    const at = Math.max(now, (track.lookedAt ?? Number.NEGATIVE_INFINITY) + apart);
    this.put({ ...track, askedFor: monotonicMs(Math.min(at, track.askedFor ?? at)) });
  }
}
