/**
 * Whose phones are enrolled, for everybody in the daemon who asks: read once, changed one after the other, and written
 * before anybody sees the change.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';
import { type EnrolledPhone, MAX_PHONES } from '../container/phones.ts';
import type { StateStore } from '../container/store.ts';

export class PhoneBook {
  readonly #store: Pick<StateStore, 'readPhones' | 'writePhones'>;
  readonly #queue = new SerialQueue();
  readonly #listeners = new Set<() => void>();
  #known: readonly EnrolledPhone[] | null = null;

  constructor(store: Pick<StateStore, 'readPhones' | 'writePhones'>) {
    this.#store = store;
  }

  /** @throws {ERR_STATE_CORRUPT | ERR_STATE_NEWER | ERR_STATE_READ_FAILED} */
  async all(): Promise<readonly EnrolledPhone[]> {
    this.#known ??= (await this.#store.readPhones()).phones;
    return this.#known;
  }

  /** Calls `listener` after every change. @returns what ends it */
  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  async #replace(next: (phones: readonly EnrolledPhone[]) => readonly EnrolledPhone[]): Promise<void> {
    await this.#queue.run(async () => {
      const before = await this.all();
      const phones = next(before);
      if (phones === before) return;
      await this.#store.writePhones({ phones });
      this.#known = phones;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /**
   * Enrols a phone; one that is enrolled for the same user is pinned anew.
   * @throws {ERR_PHONE_TAKEN} it serves somebody else, or there is no room
   */
  async add(phone: EnrolledPhone): Promise<void> {
    await this.#replace((phones) => {
      if (phones.some(({ address, uid }) => address === phone.address && uid !== phone.uid)) {
        throw new UnlockdError('ERR_PHONE_TAKEN', `${phone.address} is enrolled for another user`);
      }
      const others = phones.filter(({ address }) => address !== phone.address);
      if (others.length >= MAX_PHONES) throw new UnlockdError('ERR_PHONE_TAKEN', `${MAX_PHONES} phones are enrolled`);
      return [...others, phone];
    });
  }

  /** @throws {ERR_PHONE_UNKNOWN} */
  async remove(uid: number, address: string): Promise<void> {
    await this.#replace((phones) => {
      const rest = phones.filter((phone) => phone.uid !== uid || phone.address !== address);
      if (rest.length === phones.length) {
        throw new UnlockdError('ERR_PHONE_UNKNOWN', `${address} is not enrolled for this user`);
      }
      return rest;
    });
  }

  /** Of a user who is enrolled no more. */
  async removeOf(uid: number): Promise<void> {
    await this.#replace((phones) => {
      const rest = phones.filter((phone) => phone.uid !== uid);
      return rest.length === phones.length ? phones : rest;
    });
  }
}
