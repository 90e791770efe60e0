/**
 * `unlockctl status`: the TPM and the own container. It is asked often (prompts, status bars), so this file and all it
 * imports stay small; it runs without the command line parser.
 */
import { createClient } from '../../api/client.ts';
import type { Status } from '../../api/ports.ts';
import { type CtlDeps, DEFAULT_SOCKET_PATH } from '../deps.ts';
import { createOutput, spanWords, triesLeft, userWords } from '../output.ts';

/** Of a container, for the person whose it is. */
export const STATES: Readonly<Record<string, string>> = {
  none: 'not enrolled',
  'pending-signature': 'waits for the signature of its policy',
  locked: 'locked',
  unlocked: 'unlocked',
  'recovery-needed': 'needs recovery: run `unlockctl recover`',
};

/** @param nowMs wall-clock milliseconds */
export function statusWords(status: Status, nowMs: number): readonly string[] {
  const { own, tpm } = status;
  const out = [`${userWords(own.user, own.uid)}: ${STATES[own.state] ?? own.state}`];
  if (own.unlockedUntil !== null) {
    out.push(`  for another ${spanWords((own.unlockedUntil - nowMs) / 1000)}`);
  }
  if (own.policy !== null)
    out.push(`  policy: ${own.policy}${own.policyPending ? ' (a newer one waits for the next unlock)' : ''}`);
  if (own.opensWith !== null)
    out.push(`  opens with: ${own.opensWith}${own.strength === null ? '' : ` (${own.strength})`}`);
  if (own.state !== 'none') out.push(`  security keys: ${own.keys}`);
  for (const { id, label, userVerification } of own.securityKeys ?? []) {
    out.push(`    ${id}  ${label}${userVerification ? ', verifies its user' : ''}`);
  }
  for (const { context, unlocked, policy, strength, opensWith } of own.contexts ?? []) {
    const how = `${opensWith}${strength === null ? '' : ` (${strength})`}`;
    out.push(`  ${context}: ${unlocked ? 'unlocked' : 'locked'}; policy: ${policy}; opens with: ${how}`);
  }
  if (own.pinTriesLeft !== null) out.push(`  PIN: ${triesLeft(own.pinTriesLeft)}`);
  const { dynamicLock } = status;
  if (dynamicLock !== undefined && dynamicLock.state !== 'off') out.push(`  dynamic lock: ${dynamicLock.text}`);
  out.push(`TPM: ${tpm.description}${tpm.reachable ? '' : ' (does not answer)'}`);
  if (tpm.testDouble !== null) out.push(`  ${tpm.testDouble}`);
  if (!tpm.setUp) out.push('  this machine is not set up: run `unlockctl setup` as root');
  if (tpm.setUp && tpm.lockout !== null) {
    const { counter, maxTries, lockedForSeconds } = tpm.lockout;
    const locked = lockedForSeconds > 0 ? `; locked out for at most ${spanWords(lockedForSeconds)}` : '';
    out.push(`  PIN tries of all users: ${Math.max(0, maxTries - counter)} of ${maxTries} left${locked}`);
  }
  if (tpm.problem !== null)
    out.push(`  ${tpm.problem.message} (${tpm.problem.code})`, `  what to do: ${tpm.problem.cure}`);
  return out;
}

/** @returns the exit code */
export async function statusCommand(
  deps: Pick<CtlDeps, 'clock' | 'stdout' | 'stderr' | 'socketPath' | 'interrupted'>,
  options: { json: boolean; socket: string | null },
): Promise<number> {
  const output = createOutput(deps, options.json);
  try {
    const socketPath = options.socket ?? deps.socketPath ?? DEFAULT_SOCKET_PATH;
    // Status alone never checks the daemon: nothing secret goes either way.
    const client = createClient({ socketPath, check: { peerOf: async () => null, trusts: () => false } });
    const status = await client.status({ signal: deps.interrupted });
    output.result({ ...status }, () => statusWords(status, deps.clock.wall()));
    return 0;
  } catch (error) {
    return output.failure(error);
  }
}
