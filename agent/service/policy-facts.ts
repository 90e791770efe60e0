/** What every user has enrolled, for root to hold a policy against: who would be locked out if something goes. */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { PolicyFacts } from '../api/ports.ts';
import { enrolledFactors } from './context.ts';
import type { ServiceParts } from './parts.ts';

/** @throws {ERR_STATE_CORRUPT | ERR_STATE_NEWER | ERR_STATE_READ_FAILED} the machine's own state, or that of the phones */
export async function policyFacts({ store, phones, userName }: ServiceParts): Promise<PolicyFacts> {
  const machine = await store.readMachine();
  const enrolledPhones = await phones.all();
  const users: PolicyFacts['users'][number][] = [];
  const unread: string[] = [];
  for (const uid of await store.enrolled()) {
    try {
      const state = await store.readContainer(uid);
      if (state === null) continue;
      const keys = state.factors.securityKey?.credentials.length ?? 0;
      users.push({
        user: userName(uid),
        gestures: enrolledFactors(state).filter((factor) => factor !== 'securityKey' || keys > 0),
        keys,
        phones: enrolledPhones.filter((phone) => phone.uid === uid).length,
      });
    } catch (error) {
      if (!isUnlockdError(error)) throw error;
      unread.push(userName(uid));
    }
  }
  return { pinIsBound: machine?.lockout.protects ?? true, users, unread };
}
