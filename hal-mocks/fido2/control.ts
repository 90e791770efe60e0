/**
 * The control line of the virtual authenticator's program: one command a line, one JSON object as answer. It stands for
 * the hands of a person and the tools of a laboratory, and is not part of any wire.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { SAMPLE_STATUS } from '../../drivers/fido2/wire/constants.ts';
import { FAULTS, faultOf } from './faults.ts';
import { isSampleQuality } from './finger-reader.ts';
import { FIRST_FINGER, showFingerAutomatically, touchAutomatically } from './touch.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

export type ControlAnswer = Readonly<Record<string, string | number | boolean | null>> & { readonly ok: boolean };

const no = (reason: string): ControlAnswer => ({ ok: false, reason });
const OK: ControlAnswer = { ok: true };

/** `lie WHAT VALUE`: short for the faults that claim what is not so. Undefined: there is no such lie. */
const LIES: Readonly<Record<string, (value: string) => readonly string[] | undefined>> = {
  uv: (value) => (value === 'on' ? ['claim-uv'] : value === 'off' ? ['hide-uv'] : undefined),
  up: (value) => (value === 'off' ? ['hide-up'] : undefined),
  counter: (value) => ['stuck-counter', value],
  rp: () => ['other-relying-party'],
  credential: () => ['other-credential'],
  signature: () => ['broken-signature'],
};

export class Control {
  readonly #authenticator: VirtualAuthenticator;
  readonly #clock: Clock;
  #stopTouching: () => void = () => undefined;

  constructor(authenticator: VirtualAuthenticator, clock: Clock) {
    this.#authenticator = authenticator;
    this.#clock = clock;
  }

  /** @param after milliseconds; null: only by command */
  setTouch(after: number | null): void {
    this.#stopTouching();
    if (after === null) {
      this.#stopTouching = () => undefined;
      return;
    }
    const [authenticator, clock, delay] = [this.#authenticator, this.#clock, milliseconds(after)];
    const stops = [
      touchAutomatically(authenticator, clock, delay),
      showFingerAutomatically(authenticator, clock, delay),
    ];
    this.#stopTouching = () => {
      for (const stop of stops) stop();
    };
  }

  /** Does what a line says. Never throws. `quit` is the program's. */
  run(line: string): ControlAnswer {
    const [verb = '', ...rest] = line.trim().split(/\s+/);
    const authenticator = this.#authenticator;
    switch (verb) {
      case 'touch':
        return authenticator.touch() ? OK : no('nothing waits for a touch');
      case 'decline':
        return authenticator.presence.decline() ? OK : no('nothing waits for a touch');
      case 'finger':
        return this.#finger(rest);
      case 'insert':
        authenticator.insert();
        return OK;
      case 'remove':
        authenticator.remove();
        return OK;
      case 'power-cycle':
        authenticator.powerCycle();
        return OK;
      case 'status':
        return this.#status();
      case 'set':
        return this.#set(rest);
      case 'fault':
        return this.#fault(rest);
      case 'lie':
        return this.#lie(rest);
      case 'unplug-at':
        return this.#fault(['unplug-at-frame', ...rest]);
      case 'faults':
        return { ok: true, faults: Object.keys(FAULTS).join(' ') };
      case 'behave':
        authenticator.behave();
        return OK;
      default:
        return no(`unknown command ${verb}`);
    }
  }

  #finger([finger = FIRST_FINGER, quality = 'good']: readonly string[]): ControlAnswer {
    if (!isSampleQuality(quality)) return no(`a finger is ${Object.keys(SAMPLE_STATUS).join(', ')}`);
    return this.#authenticator.reader.show(finger, quality) ? OK : no('the reader waits for nobody');
  }

  #status(): ControlAnswer {
    const { state, plugged, presence, reader, winks, profile } = this.#authenticator;
    return {
      ok: true,
      profile: profile.name,
      plugged,
      waiting: presence.waiting,
      fingerWanted: reader.waiting,
      winks,
      pinSet: state.pinHash !== null,
      pinRetries: state.pinRetries,
      signCount: state.signCount,
      residents: state.residents.length,
      fingers: state.templates.length,
      uvRetries: state.uvRetries,
    };
  }

  #set([name, value, extra]: readonly string[]): ControlAnswer {
    const on = value === 'on';
    const number = /^\d{1,6}$/.test(value ?? '') ? Number(value) : null;
    switch (name) {
      case 'touch': {
        if (value !== 'control' && value !== 'auto') return no('touch is control or auto');
        const delay = /^\d{1,6}$/.test(extra ?? '') ? Number(extra) : 50;
        this.setTouch(value === 'auto' ? delay : null);
        return OK;
      }
      case 'always-uv':
        this.#authenticator.configure((state) => {
          state.alwaysUv = on;
        });
        return OK;
      case 'force-pin-change':
        this.#authenticator.configure((state) => {
          state.forcePinChange = on;
        });
        return OK;
      case 'min-pin-length':
        if (number === null || number < 4 || number > 63) return no('min-pin-length is 4..63');
        this.#authenticator.configure((state) => {
          state.minPinLength = number;
        });
        return OK;
      default:
        return no(`nothing to set is called ${name}`);
    }
  }

  #fault([name = '', value, ...more]: readonly string[]): ControlAnswer {
    if ((value !== undefined && !/^\d{1,9}$/.test(value)) || more.length > 0) return no('a fault is NAME [N]');
    const behaviour = faultOf(name, value === undefined ? null : Number(value));
    if (behaviour === null) return no(`there is no fault ${name}; faults lists them`);
    if (value !== undefined && FAULTS[name]?.number === null) return no(`${name} takes no number`);
    this.#authenticator.misbehave(behaviour);
    return OK;
  }

  #lie([what = '', value = '']: readonly string[]): ControlAnswer {
    const fault = Object.hasOwn(LIES, what) ? LIES[what]?.(value) : undefined;
    return fault === undefined ? no(`a lie is one of: ${Object.keys(LIES).join(', ')}`) : this.#fault(fault);
  }
}
