/**
 * The control line of the virtual authenticator's program: one command a line, one JSON object as answer. It stands for
 * the hands of a person and the tools of a laboratory, and is not part of any wire.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { CTAP_COMMAND, SAMPLE_STATUS } from '../../drivers/fido2/wire/constants.ts';
import type { Behaviour } from './behaviour.ts';
import {
  busy,
  endlessKeepalive,
  foreignTraffic,
  keepaliveStorm,
  mergedReports,
  reorderedReports,
  silent,
  truncatedAnswers,
  unplugAtFrame,
  unplugAtHostFrame,
  wrongChannel,
} from './behaviours.ts';
import { isSampleQuality } from './finger-reader.ts';
import {
  answerStatus,
  brokenSignature,
  claimUserVerified,
  hideUserPresence,
  otherRelyingParty,
  stuckCounter,
} from './lies.ts';
import { FIRST_FINGER, showFingerAutomatically, touchAutomatically } from './touch.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

export type ControlAnswer = Readonly<Record<string, string | number | boolean | null>> & { readonly ok: boolean };

/** Faults by name; the number means what their functions say. */
const FAULTS: Readonly<Record<string, (n: number) => Behaviour>> = {
  busy: (n) => busy(n),
  'keepalive-storm': (n) => keepaliveStorm(n),
  'endless-keepalive': () => endlessKeepalive(),
  silent: () => silent(),
  'foreign-traffic': () => foreignTraffic(),
  'wrong-channel': () => wrongChannel(),
  'merged-reports': () => mergedReports(),
  'reordered-reports': () => reorderedReports(),
  'truncated-answers': () => truncatedAnswers(),
  'unplug-at-frame': (n) => unplugAtFrame(n),
  'unplug-at-host-frame': (n) => unplugAtHostFrame(n),
  'assertion-status': (n) => answerStatus(CTAP_COMMAND.authenticatorGetAssertion, n),
  'other-relying-party': () => otherRelyingParty(),
  'claim-uv': () => claimUserVerified(true),
  'hide-uv': () => claimUserVerified(false),
  'hide-up': () => hideUserPresence(),
  'stuck-counter': (n) => stuckCounter(n),
  'broken-signature': () => brokenSignature(),
};

const no = (reason: string): ControlAnswer => ({ ok: false, reason });
const OK: ControlAnswer = { ok: true };

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

  #fault([name = '', value]: readonly string[]): ControlAnswer {
    const make = Object.hasOwn(FAULTS, name) ? FAULTS[name] : undefined;
    if (make === undefined) return no(`there is no fault ${name}`);
    this.#authenticator.misbehave(make(/^\d{1,9}$/.test(value ?? '') ? Number(value) : 1));
    return OK;
  }
}
