/** Built-in user verification (CTAP 2.1 §6.5.3.2): a finger on the reader, with retries of its own beside the PIN's. */
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

/** There is a reader, and a finger that it knows: the option `uv` is true. */
export const uvIsConfigured = ({ profile, state }: CommandContext): boolean =>
  profile.fingerprints !== null && state.templates.length > 0;

/**
 * Waits for an enrolled finger. A wrong one is counted and saved before anything is said.
 * @throws {CtapRefusal} CTAP2_ERR_UV_BLOCKED, CTAP2_ERR_UV_INVALID, CTAP2_ERR_USER_ACTION_TIMEOUT, CTAP2_ERR_NOT_ALLOWED
 */
export async function verifyFinger(context: CommandContext): Promise<void> {
  const { state, profile } = context;
  if (!uvIsConfigured(context)) throw refusal('CTAP2_ERR_NOT_ALLOWED');
  if (state.uvRetries === 0) throw refusal('CTAP2_ERR_UV_BLOCKED');
  const sample = await context.finger(profile.touchTimeout);
  if (sample === null) throw refusal('CTAP2_ERR_USER_ACTION_TIMEOUT');
  const isKnown = sample.quality === 'good' && state.templates.some(({ finger }) => finger === sample.finger);
  state.uvRetries = isKnown ? profile.maxUvRetries : state.uvRetries - 1;
  context.save();
  if (isKnown) return;
  throw refusal(state.uvRetries === 0 ? 'CTAP2_ERR_UV_BLOCKED' : 'CTAP2_ERR_UV_INVALID');
}
