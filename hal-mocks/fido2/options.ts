/** The command line of the virtual authenticator's program: what it offers, checked before anything is opened. */
import { parseArgs } from 'node:util';
import { isProfileName, type ProfileName } from './profile.ts';

export interface ProgramOptions {
  /** Null: not offered; 0: a free port. */
  readonly udpPort: number | null;
  readonly tcpPort: number | null;
  /** A HID device of this machine's own kernel, by /dev/uhid. */
  readonly uhid: boolean;
  /** Null: the state is forgotten at the end. */
  readonly stateFile: string | null;
  /** A PIN to set where the state has none yet. */
  readonly pin: string | null;
  readonly profile: ProfileName;
  /** Null: a touch has to be given by the control line; otherwise milliseconds until it touches itself. */
  readonly autoTouchAfter: number | null;
  /** Hexadecimal; everything random comes from it. Null: the kernel's randomness. */
  readonly seed: string | null;
  /** Whether commands are read from standard input, and its end is the end of the program. */
  readonly control: boolean;
}

export const USAGE = `Usage: unlockd-virtual-key [--udp-port N] [--tcp-port N] [--uhid] [--state FILE] [--pin PIN] [--profile NAME]
                           [--touch control|auto] [--touch-delay MS] [--seed HEX] [--no-control]

A virtual FIDO2 security key on the loopback interface (one report a datagram, or a 16-bit length and a report on TCP),
or with --uhid as /dev/hidrawN of this machine (Linux with the module uhid, and root or access to /dev/uhid).
Prints one JSON line with its addresses, then one for every event. Port 0 takes a free one.
Commands on standard input, one a line: touch | finger [NAME [QUALITY]] | decline | insert | remove | power-cycle | status | quit
  set touch control|auto [MS] | set always-uv on|off | set force-pin-change on|off | set min-pin-length N
  fault NAME [N] | faults | lie uv on|off | lie up off | lie counter N | lie rp|credential|signature | unplug-at N | behave
`;

const whole = (name: string, text: string | undefined, most: number): number | null => {
  if (text === undefined) return null;
  if (!/^\d{1,6}$/.test(text) || Number(text) > most) throw new TypeError(`--${name}: ${text} is not 0..${most}`);
  return Number(text);
};

/** @throws {TypeError} with a message for people */
export function parseOptions(argv: readonly string[]): ProgramOptions {
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      'udp-port': { type: 'string' },
      'tcp-port': { type: 'string' },
      uhid: { type: 'boolean', default: false },
      state: { type: 'string' },
      pin: { type: 'string' },
      profile: { type: 'string', default: '2.1' },
      touch: { type: 'string', default: 'control' },
      'touch-delay': { type: 'string', default: '50' },
      seed: { type: 'string' },
      'no-control': { type: 'boolean', default: false },
    },
  });
  if (!isProfileName(values.profile)) throw new TypeError(`--profile: there is no profile ${values.profile}`);
  if (values.touch !== 'control' && values.touch !== 'auto') throw new TypeError('--touch: control or auto');
  if (values.seed !== undefined && !/^([0-9a-f]{2}){16,64}$/.test(values.seed)) {
    throw new TypeError('--seed: 16 to 64 bytes in lower-case hexadecimal');
  }
  const delay = whole('touch-delay', values['touch-delay'], 600_000) ?? 0;
  return {
    udpPort: whole('udp-port', values['udp-port'], 65_535),
    tcpPort: whole('tcp-port', values['tcp-port'], 65_535),
    uhid: values.uhid,
    stateFile: values.state ?? null,
    pin: values.pin ?? null,
    profile: values.profile,
    autoTouchAfter: values.touch === 'auto' ? delay : null,
    seed: values.seed ?? null,
    control: !values['no-control'],
  };
}
