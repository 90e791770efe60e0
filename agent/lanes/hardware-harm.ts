/**
 * What a walkthrough would destroy or replace on a machine that is in use, in words, and whether the device is blank. What
 * is not blank is confirmed one by one, with a typed word, and nothing of it is done without the flag. Pure but for asking.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import type { DaemonFound, Found } from './hardware-found.ts';
import type { HardwareOptions } from './hardware-options.ts';

export interface Harm {
  readonly kind: 'unenrol' | 'policy' | 'set-up';
  /** One sentence. */
  readonly what: string;
  /** What has to be typed; null: the device is blank, the flag is enough. */
  readonly word: string | null;
}

const setsPolicy = ({ given, steps }: Walkthrough): boolean =>
  given.policy !== undefined || steps.some(({ action }) => action === 'setPolicy');

/** TPM2_GetCapability tells it of any TPM: one that somebody has set up has a lockout password. */
const setUpOf = ({ status }: DaemonFound): Harm => ({
  kind: 'set-up',
  what: 'The TPM of this machine is set up: it gets a root key and, where it has none, a lockout password. A run does not clear it afterwards.',
  word: status.tpm.lockout?.lockoutAuthSet === true ? 'SETUP' : null,
});

export function harmsOf(walkthrough: Walkthrough, { daemon }: Pick<Found, 'daemon'>): readonly Harm[] {
  const out: Harm[] = [];
  if (daemon === null) return out;
  if (daemon.own !== 'none') {
    const what =
      'Your enrolment on this machine ends for ever: what your container protects and its recovery sheet are worth nothing afterwards.';
    out.push({ kind: 'unenrol', what, word: 'UNENROL' });
  }
  if (setsPolicy(walkthrough)) {
    const others = daemon.others ?? 0;
    const whom = others === 0 ? '' : ` It counts for ${others} other ${others === 1 ? 'user' : 'users'} too.`;
    const what = `The policy of this machine is replaced while the run lasts, and put back afterwards.${whom}`;
    out.push({ kind: 'policy', what, word: others === 0 ? null : 'REPLACE' });
  }
  // A step that sets up a machine which is set up is refused by the daemon, and changes nothing.
  if (!daemon.status.tpm.setUp) out.push(setUpOf(daemon));
  return out;
}

/** Of a policy that others sign, nobody here can put the old one back. @throws {ERR_LANE_DESTRUCTIVE} */
function checkPolicy(harms: readonly Harm[], { daemon }: Found): void {
  if (daemon === null || !harms.some(({ kind }) => kind === 'policy')) return;
  if (daemon.policy.authority !== 'managed' && daemon.policy.signed === null) return;
  throw new UnlockdError(
    'ERR_LANE_DESTRUCTIVE',
    'the policy of this machine is signed elsewhere: nobody here could put it back',
  );
}

/**
 * @throws {ERR_LANE_DESTRUCTIVE} without the flag, or where it could not be put back
 * @throws {ERR_CLI_INTERRUPTED | ERR_CLI_USAGE} it was not confirmed
 */
export async function consentTo(
  harms: readonly Harm[],
  found: Found,
  { destructive, confirm }: Pick<HardwareOptions, 'destructive' | 'confirm'>,
): Promise<void> {
  if (harms.length === 0) return;
  checkPolicy(harms, found);
  if (!destructive) {
    const what = harms.map((harm) => harm.what).join(' ');
    throw new UnlockdError('ERR_LANE_DESTRUCTIVE', `not done without --destructive: ${what}`, {
      detail: { harms: harms.map(({ kind }) => kind).join(',') },
    });
  }
  for (const { what, word } of harms) if (word !== null) await confirm(what, word);
}
