/**
 * What goes on behind the stream of signals: it follows the host's events, looks at one phone after the other while
 * somebody asks, and keeps what came of it. It runs only while somebody listens; without anybody who asks it waits for
 * events and sends nothing.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, monotonicMs, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { BluetoothEvent, BluetoothHal, LinkLevel, Probe } from '../hal/bluetooth.ts';
import type { PresenceEvent, PresencePhone } from '../hal/presence.ts';
import { type Asking, everyFor, nextLook } from './look-schedule.ts';
import { OwnLinks } from './own-links.ts';
import { outageOf, type PhonesKnown, type PhonesOutage, troubleOf } from './phone-signal.ts';
import { isProof, lost, type PhoneRules, type PhoneTrack, type ProofTimes, proved } from './phone-track.ts';
import { PhoneTracks } from './phone-tracks.ts';

export interface PhoneWatchOptions {
  readonly hal: BluetoothHal;
  readonly clock: Clock;
  readonly phones: () => Promise<readonly PresencePhone[]>;
  readonly minLevel: LinkLevel;
  readonly lookWithin: Milliseconds;
  readonly rules: PhoneRules;
  readonly times: ProofTimes;
}

/** Anybody can send hints: for them, a phone is paged no more often. */
const HINT_EVERY = seconds(2);
/** Before a host whose events ended is watched again, and phones that could not be read are. */
const AGAIN_AFTER = seconds(5);

const CANNOT_LOOK = 'this host cannot look at it';

const UNREADABLE: PhonesOutage = {
  reason: 'failed',
  detail: 'the enrolled phones cannot be read',
  presence: 'failed',
};

const OTHER_BOND = { proved: false, reason: 'not-bonded', detail: 'it was paired anew' } as const;

/** Whether a bond is the one that the phone was enrolled with. */
const isPinned = ({ bond: pinned }: PresencePhone, bond: string | undefined): boolean =>
  pinned === undefined || pinned === null || pinned === bond;

export class PhoneWatch {
  readonly #options: PhoneWatchOptions;
  readonly #asking = new Set<Asking>();
  readonly #listeners = new Set<(event: PresenceEvent) => void>();
  readonly #tracks = new PhoneTracks();
  readonly #links: OwnLinks;
  /** Undefined: the host has not said yet whether it can be asked. */
  #outage: PhonesOutage | null | undefined;
  /** What looks have found wrong with the host though it says nothing. */
  #trouble: PhonesOutage | null = null;
  /** What began under another one is void. */
  #epoch = 0;
  #version = 0;
  #changed = deferred<void>();
  #work = deferred<void>();
  #look: { readonly address: string; readonly abort: AbortController } | null = null;
  #begun = 0;
  #running: { readonly abort: AbortController; readonly done: Promise<unknown> } | null = null;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(options: PhoneWatchOptions) {
    this.#options = options;
    this.#links = new OwnLinks(options.clock);
  }

  /** Goes up with every change. */
  get version(): number {
    return this.#version;
  }

  /** Whether there is anything to tell yet. */
  get isKnown(): boolean {
    return this.#outage !== undefined;
  }

  get known(): Pick<PhonesKnown, 'outage' | 'tracks'> {
    const tracks = this.#tracks.all;
    const { clock, times } = this.#options;
    const now = clock.now();
    // A phone that has just proved itself is not undone by what went wrong with another.
    const isProved = tracks.some((track) => isProof(track, now, times.validFor));
    return { outage: this.#outage ?? (isProved ? null : this.#trouble), tracks };
  }

  /** Begins to run; the last one who ends it ends everything. @returns what ends it */
  begin(): () => Promise<void> {
    if (this.#begun++ === 0) {
      const abort = new AbortController();
      const run = (): Promise<unknown> => {
        this.#forget();
        return Promise.all([this.#follow(abort.signal), this.#lookOn(abort.signal)]);
      };
      this.#running = { abort, done: this.#ending.then(run) };
    }
    let over = false;
    return async () => {
      if (over) return;
      over = true;
      if (--this.#begun === 0) await this.#end();
    };
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.abort.abort();
    this.#look?.abort.abort();
    this.#work.resolve();
    this.#ending = running?.done ?? Promise.resolve();
    await this.#ending;
    if (this.#running === null) this.#forget();
  }

  /** Nobody listens to the host, so nothing of it is known. */
  #forget(): void {
    this.#epoch++;
    this.#tracks.clear();
    this.#links.clear();
    this.#outage = undefined;
    this.#trouble = null;
  }

  /** Somebody asks from now on. @returns what ends it */
  ask(asking: Asking): () => void {
    this.#asking.add(asking);
    const now = this.#options.clock.now();
    for (const { phone, provedAt } of this.#tracks.all) {
      if (provedAt === null && everyFor(phone, [asking]) !== null) this.#tracks.lookSoon(phone.address, now, 0);
    }
    // Who asks hears at once what is known now, however old it is.
    this.#tell();
    this.#work.resolve();
    return () => {
      this.#asking.delete(asking);
      const looked = this.#look === null ? undefined : this.#tracks.get(this.#look.address);
      if (looked !== undefined && everyFor(looked.phone, this.#asking) === null) this.#look?.abort.abort();
      this.#work.resolve();
    };
  }

  /** Every sample and outage from now on, after what is known. The listener must not throw. @returns what ends it */
  listen(listener: (event: PresenceEvent) => void): () => void {
    const own = (event: PresenceEvent) => listener(event);
    this.#listeners.add(own);
    const at = this.#options.clock.now();
    if (this.#outage === null) own({ type: 'available', at });
    const { outage } = this.known;
    if (outage !== null) own({ type: 'unavailable', at, reason: outage.presence });
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Looks at one phone out of its turn, if anybody asks for it. */
  lookAt(address: string): void {
    this.#tracks.lookSoon(address, this.#options.clock.now(), 0);
    this.#work.resolve();
  }

  phonesChanged(): void {
    if (this.#running === null) return;
    // The first phone is nobody's turn yet: whoever waits for it is woken.
    void this.#readPhones().then(() => this.#work.resolve());
  }

  /** No proof from before counts, nor one that is under way: the clock of their age stood still. */
  forgetProofs(): void {
    this.#void();
    this.#look?.abort.abort();
    this.#tell();
    this.#work.resolve();
  }

  /** Resolves with true when more than `version` is known, with false at `at` or when `signal` aborts. */
  async next(version: number, at: MonotonicMs | null, signal: AbortSignal): Promise<boolean> {
    const over = deferred<void>();
    const onAbort = () => over.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    const stop = this.#timer(at, onAbort);
    if (signal.aborted || version !== this.#version) over.resolve();
    await Promise.race([this.#changed.promise, over.promise]);
    stop();
    signal.removeEventListener('abort', onAbort);
    return version !== this.#version;
  }

  #timer(at: MonotonicMs | null, fire: () => void): () => void {
    const { clock } = this.#options;
    return at === null ? () => undefined : clock.timer(milliseconds(Math.max(0, at - clock.now())), fire);
  }

  #tell(): void {
    this.#version++;
    this.#changed.resolve();
    this.#changed = deferred();
  }

  #emit(event: PresenceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { hal, clock } = this.#options;
    while (!signal.aborted) {
      try {
        // Nothing is waited for in between: what is lost is lost at once.
        for await (const event of hal.watch({ signal })) this.#onEvent(event);
      } catch {
        // As every end of the events: they are followed again.
      }
      if (signal.aborted) return;
      this.#setOutage(outageOf('failed'));
      await clock.sleep(AGAIN_AFTER, { signal }).catch(() => undefined);
    }
  }

  #onEvent(event: BluetoothEvent): void {
    if (event.type === 'available') void this.#setAvailable();
    else if (event.type === 'unavailable') this.#setOutage(outageOf(event.reason));
    else if (event.type === 'bonds-changed') void this.#checkBonds();
    else this.#onHint(event);
  }

  async #setAvailable(): Promise<void> {
    this.#void();
    const epoch = this.#epoch;
    await this.#readPhones();
    if (epoch !== this.#epoch) return;
    this.#outage = null;
    if (this.#trouble !== UNREADABLE) this.#trouble = null;
    this.#emit({ type: 'available', at: this.#options.clock.now() });
    this.#tell();
    this.#work.resolve();
  }

  #setOutage(outage: PhonesOutage): void {
    this.#void();
    this.#outage = outage;
    this.#look?.abort.abort();
    this.#emit({ type: 'unavailable', at: this.#options.clock.now(), reason: outage.presence });
    this.#tell();
  }

  #void(): void {
    this.#epoch++;
    this.#links.clear();
    this.#tracks.void();
  }

  /** What is not bonded any more has no proof, whatever it said before. */
  async #checkBonds(): Promise<void> {
    const { hal, lookWithin, clock } = this.#options;
    const epoch = this.#epoch;
    const over = new AbortController();
    const stop = clock.timer(lookWithin, () => over.abort(new Error('the bonds took too long')));
    let bonded: ReadonlyMap<string, string | undefined> = new Map();
    try {
      bonded = new Map((await hal.bonded({ signal: over.signal })).map(({ address, bond }) => [address, bond]));
    } catch {
      // Not to be read: then nothing is known to be bonded.
    } finally {
      stop();
    }
    if (epoch !== this.#epoch) return;
    for (const track of this.#tracks.all) {
      const { address } = track.phone;
      if (!bonded.has(address) || !isPinned(track.phone, bonded.get(address))) this.#tracks.put(lost(track));
      this.#tracks.lookSoon(address, clock.now(), HINT_EVERY);
    }
    this.#tell();
    this.#work.resolve();
  }

  #onHint({ address, what, rssi }: Extract<BluetoothEvent, { type: 'hint' }>): void {
    const track = this.#tracks.get(address);
    if (track === undefined) return;
    const at = this.#options.clock.now();
    const isNews = what === 'advertisement' || this.#links.isNews(address, what);
    if (!isNews) return;
    const reachable = what !== 'link-down';
    this.#emit({ type: 'sample', at, phone: track.phone, rssi, source: 'hint', reachable });
    if (!reachable) {
      this.#tracks.put(lost(track));
      this.#tell();
    }
    if (!reachable || track.provedAt === null) this.#tracks.lookSoon(address, at, HINT_EVERY);
    this.#work.resolve();
  }

  /** @returns whether they could be read */
  async #readPhones(): Promise<boolean> {
    try {
      if (this.#tracks.take(await this.#options.phones())) this.#tell();
      if (this.#trouble === UNREADABLE) this.#setTrouble(null);
      return true;
    } catch {
      this.#setTrouble(UNREADABLE);
      this.#tracks.loseAll();
      this.#tell();
      return false;
    }
  }

  async #lookOn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#work = deferred();
      const work = this.#work.promise;
      const asked = this.#asking.size > 0 && this.#outage === null;
      const readable = !asked || (await this.#readPhones());
      const next = asked && readable ? nextLook(this.#tracks.all, this.#asking, clock.now()) : null;
      if (next !== null && next.at <= clock.now()) {
        await this.#lookNow(next.track, signal);
        continue;
      }
      const over = deferred<void>();
      const again = readable ? (next?.at ?? null) : monotonicMs(clock.now() + AGAIN_AFTER);
      const stop = this.#timer(again, () => over.resolve());
      if (!signal.aborted) await Promise.race([work, over.promise]);
      stop();
    }
  }

  async #lookNow({ phone: { address } }: PhoneTrack, signal: AbortSignal): Promise<void> {
    const { hal, clock, minLevel, lookWithin: within } = this.#options;
    const epoch = this.#epoch;
    const abort = new AbortController();
    this.#look = { address, abort };
    this.#links.lookBegins(address);
    let probe: Probe | null = null;
    try {
      const either = AbortSignal.any([abort.signal, signal]);
      probe = await hal.probe(address, { minLevel, within, signal: either });
    } catch {
      // Given up, or a host that throws as it must not: neither says anything of the phone.
    }
    this.#look = null;
    this.#links.lookEnds(address);
    const track = this.#tracks.get(address);
    if (track === undefined || epoch !== this.#epoch) return;
    if (probe === null || abort.signal.aborted) this.#tracks.put({ ...track, lookedAt: clock.now(), askedFor: null });
    else this.#onProbe(track, probe);
  }

  #onProbe(track: PhoneTrack, probe: Probe): void {
    const { rules, times, clock } = this.#options;
    // On our own clock, and when we know of it.
    const at = clock.now();
    // Whoever has paired it anew has a key as well, and it is not the phone that was enrolled.
    const other = probe.outcome.proved && !isPinned(track.phone, probe.bond);
    const outcome = other ? OTHER_BOND : probe.outcome;
    const trouble = outcome.proved ? null : troubleOf(outcome.reason, outcome.detail);
    this.#setTrouble(trouble);
    if (outcome.proved) this.#tracks.put(proved(track, at, outcome.rssi, rules, times));
    else {
      const { reason, detail } = outcome;
      const unsupported = reason === 'unsupported' ? (detail ?? CANNOT_LOOK) : null;
      this.#tracks.put({ ...lost(track), lookedAt: at, askedFor: null, unsupported });
    }
    // Neither a host that failed nor one that cannot look says anything of the phone.
    if (trouble === null && this.#tracks.get(track.phone.address)?.unsupported === null) {
      const rssi = outcome.proved ? outcome.rssi : null;
      this.#emit({ type: 'sample', at, phone: track.phone, rssi, source: 'probe', reachable: outcome.proved });
    }
    this.#tell();
  }

  #setTrouble(trouble: PhonesOutage | null): void {
    if (trouble?.detail === this.#trouble?.detail) return;
    this.#trouble = trouble;
    const at = this.#options.clock.now();
    if (trouble === null) this.#emit({ type: 'available', at });
    else this.#emit({ type: 'unavailable', at, reason: trouble.presence });
  }
}
