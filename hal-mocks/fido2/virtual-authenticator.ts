/**
 * A whole security key without hardware: CTAPHID reports in and out, CTAP 2.1 behind them, power that can be cut, a
 * touch that somebody has to give. It is stateful and strict; what it may get wrong is only what a test adds to it.
 */

import { concat, u8 } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { DEFAULT_REPORT_SIZE, KEEPALIVE } from '../../drivers/fido2/wire/ctaphid.ts';
import type { Behaviour, BehaviourHost } from './behaviour.ts';
import { executeCommand } from './commands.ts';
import { CtapHidDevice } from './ctaphid-device.ts';
import { FingerReader } from './finger-reader.ts';
import { Presence } from './presence.ts';
import { PROFILES, type Profile } from './profile.ts';
import { type CommandContext, PowerSession } from './session.ts';
import { type AuthenticatorState, freshState, memoryStore, type StateStore } from './state.ts';

export interface VirtualAuthenticatorOptions {
  readonly clock: Clock;
  /** Also the source of the master secret of a new authenticator; a seeded one makes it reproducible. */
  readonly entropy: Entropy;
  /** {@link PROFILES}`['2.1']` unless told. */
  readonly profile?: Profile;
  /** Where the state survives a power cycle of the process; memory unless told. */
  readonly store?: StateStore;
  readonly reportSize?: number;
}

/** One listener on the wire, as every open handle of a HID device is: all of them get every input report. */
export interface ReportListener {
  report(report: Uint8Array): void;
  /** The device went away. */
  gone(): void;
}

export type PlugEvent = 'inserted' | 'removed';

export class VirtualAuthenticator {
  readonly profile: Profile;
  readonly reportSize: number;
  /** Who touches: see {@link Presence.touch}, {@link Presence.decline}, {@link Presence.onWait}. */
  readonly presence: Presence;
  /** Who puts a finger on the reader: see {@link FingerReader.show}. */
  readonly reader: FingerReader;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #store: StateStore;
  readonly #device: CtapHidDevice;
  readonly #behaviours = new Set<Behaviour>();
  readonly #listeners = new Set<ReportListener>();
  readonly #plugListeners = new Set<(event: PlugEvent) => void>();
  readonly #host: BehaviourHost;
  #state: AuthenticatorState;
  #session: PowerSession;
  #plugged = true;
  #winks = 0;

  /** It is plugged in and has power from the start. @throws what the store's `load` throws */
  constructor(options: VirtualAuthenticatorOptions) {
    this.profile = options.profile ?? PROFILES['2.1'];
    this.reportSize = options.reportSize ?? DEFAULT_REPORT_SIZE;
    this.#clock = options.clock;
    this.#entropy = options.entropy;
    this.#store = options.store ?? memoryStore();
    this.presence = new Presence(options.clock, this.profile.touchTimeout);
    this.reader = new FingerReader(options.clock);
    const kept = this.#store.load();
    this.#state = kept ?? freshState(this.profile, options.entropy);
    if (kept === null) this.#store.save(this.#state);
    this.#session = new PowerSession(this.profile, options.clock, options.entropy);
    this.#device = new CtapHidDevice({
      clock: options.clock,
      entropy: options.entropy,
      reportSize: this.reportSize,
      send: (reports) => this.#send(reports),
      execute: (payload, { signal, waiting }) => this.#execute(payload, signal, waiting),
      wink: () => {
        this.#winks++;
      },
    });
    this.#host = {
      clock: options.clock,
      reportSize: this.reportSize,
      send: (reports) => this.#deliver(reports),
      unplug: () => this.remove(),
    };
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  /** How often CTAPHID_WINK was asked for. */
  get winks(): number {
    return this.#winks;
  }

  /** For tests and status: the state as it is now. Not to be changed. */
  get state(): Readonly<AuthenticatorState> {
    return this.#state;
  }

  /** Gives the touch that a command waits for. False: none waits. */
  touch(): boolean {
    return this.presence.touch();
  }

  /** Listens on the wire until the returned function is called. */
  listen(listener: ReportListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes one output report, without report id. Lost when the device is not plugged in. */
  receive(report: Uint8Array): void {
    if (!this.#plugged) return;
    for (const behaviour of this.#behaviours) {
      if (behaviour.incoming?.(report, this.#host) === false) return;
    }
    if (this.#plugged) this.#device.receive(report);
  }

  /** Adds a misbehaviour. Returns what takes it away again. */
  misbehave(behaviour: Behaviour): () => void {
    this.#behaviours.add(behaviour);
    return () => this.#behaviours.delete(behaviour);
  }

  behave(): void {
    this.#behaviours.clear();
  }

  onPlug(listener: (event: PlugEvent) => void): () => void {
    this.#plugListeners.add(listener);
    return () => this.#plugListeners.delete(listener);
  }

  /** Pulls it out: power is gone, and with it channels, tokens and key agreement keys. Idempotent. */
  remove(): void {
    if (!this.#plugged) return;
    this.#plugged = false;
    this.#device.powerOff();
    this.#session.token.reset();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener.gone();
    for (const listener of this.#plugListeners) listener('removed');
  }

  /** Plugs it in: power-up. Idempotent. */
  insert(): void {
    if (this.#plugged) return;
    this.#plugged = true;
    this.#session = new PowerSession(this.profile, this.#clock, this.#entropy);
    for (const listener of this.#plugListeners) listener('inserted');
  }

  /** Cuts the power for a moment while the host sees no unplug: what a reset of the port does. */
  powerCycle(): void {
    if (!this.#plugged) return;
    this.#device.powerOff();
    this.#session = new PowerSession(this.profile, this.#clock, this.#entropy);
  }

  /** Changes persistent state from outside, as another tool on another machine would have done. */
  configure(change: (state: AuthenticatorState) => void): void {
    change(this.#state);
    this.#store.save(this.#state);
  }

  #send(reports: readonly Uint8Array[]): void {
    let out = reports;
    for (const behaviour of this.#behaviours) out = behaviour.outgoing?.(out, this.#host) ?? out;
    this.#deliver(out);
  }

  #deliver(reports: readonly Uint8Array[]): void {
    for (const report of reports) {
      for (const listener of [...this.#listeners]) listener.report(new Uint8Array(report));
    }
  }

  #context(signal: AbortSignal, waiting: (status: number) => void): CommandContext {
    return {
      profile: this.profile,
      clock: this.#clock,
      entropy: this.#entropy,
      state: this.#state,
      session: this.#session,
      save: () => this.#store.save(this.#state),
      touch: async () => {
        waiting(KEEPALIVE.UPNEEDED);
        await this.presence.wait(signal);
        waiting(KEEPALIVE.PROCESSING);
      },
      finger: async (within) => {
        waiting(KEEPALIVE.UPNEEDED);
        const sample = await this.reader.wait(signal, within);
        waiting(KEEPALIVE.PROCESSING);
        return sample;
      },
      factoryReset: () => {
        this.#state = freshState(this.profile, this.#entropy);
        this.#store.save(this.#state);
        this.#session = new PowerSession(this.profile, this.#clock, this.#entropy, this.#session.since);
      },
      bend: (parts) => [...this.#behaviours].reduce((bent, it) => it.authData?.(bent) ?? bent, parts),
    };
  }

  async #execute(payload: Uint8Array, signal: AbortSignal, waiting: (status: number) => void): Promise<Uint8Array> {
    let reply = await executeCommand(this.#context(signal, waiting), payload);
    for (const behaviour of this.#behaviours) reply = behaviour.reply?.(reply) ?? reply;
    let bytes: Uint8Array = concat(u8(reply.status), reply.body ? encodeCanonical(reply.body) : new Uint8Array(0));
    for (const behaviour of this.#behaviours) bytes = behaviour.encoded?.(bytes, reply) ?? bytes;
    return bytes;
  }
}
