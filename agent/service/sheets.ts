/** Showing a recovery sheet once, and asking two of its groups back before anything depends on it. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { SecretSlotOut } from '../api/ports.ts';
import { formatSheet, groupsMatch, groupsToAsk, newRecoverySecret } from '../container/recovery-sheet.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';

const AGAIN = { attempts: 3, codes: /^ERR_RECOVERY_NOT_CONFIRMED$/ };

/**
 * @returns the secret of the sheet, which the caller owns
 * @throws {ERR_RECOVERY_NOT_CONFIRMED} after three wrong answers
 */
export async function showSheet(
  parts: ServiceParts,
  run: CeremonyRun,
  slot: Extract<SecretSlotOut, 'recovery-sheet' | 'owner-sheet'>,
  text: string,
): Promise<Secret> {
  const secret = newRecoverySecret(parts.entropy);
  try {
    using sheet = formatSheet(secret);
    run.offer(slot, sheet.clone(), text);
    const groups = groupsToAsk(parts.entropy);
    const words = `Groups ${groups[0]} and ${groups[1]} of the sheet, to show that you have noted it`;
    await run.askUntil('recovery-groups', { text: words, groups }, AGAIN, (typed) => {
      if (groupsMatch(sheet, groups, typed)) return;
      throw new UnlockdError('ERR_RECOVERY_NOT_CONFIRMED', 'these are not the groups of the sheet');
    });
    return secret;
  } catch (error) {
    secret.dispose();
    throw error;
  }
}
