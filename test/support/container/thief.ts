/**
 * What somebody does who owns the machine, its files and root, and writes his own program: single TPM commands in any
 * order, with no verdict and no grant asked for. `refusal` says which command the TPM refused, and with which code.
 */
import { authorizePolicy } from '../../../agent/container/approval.ts';
import { epochOperand } from '../../../agent/container/compile/compile.ts';
import { writtenCounter } from '../../../agent/container/counter.ts';
import type { PassPlan } from '../../../agent/container/pass.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import {
  emptyAuth,
  load,
  type ObjectBlob,
  policyNv,
  policyOr,
  policySecret,
  type Session,
  sessionAuth,
  startAuthSession,
  TPM_EO,
  TpmResponseError,
  unseal,
} from '../../../drivers/tpm2/index.ts';

/** `PolicyOR 0x1C4`: the command that was refused; `done`: none was. Any other error goes on. */
export async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    const result = await attempt;
    if (typeof result === 'object' && result !== null && Symbol.dispose in result)
      (result as Disposable)[Symbol.dispose]();
    return 'done';
  } catch (error) {
    if (!(error instanceof TpmResponseError)) throw error;
    return `${error.command} 0x${error.rc.toString(16).toUpperCase()}`;
  }
}

export const policySession = ({ tpm }: RootSession): Promise<Session> => startAuthSession(tpm, { kind: 'policy' });

export async function proveSecret(
  root: RootSession,
  policy: Session,
  blob: ObjectBlob,
  authValue: Secret,
): Promise<void> {
  await using object = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
  const { nonceTPM } = policy;
  await policySecret(root.tpm, policy, object, sessionAuth(root.session, authValue), { nonceTPM });
}

/** The epoch and the approval: what anybody can do who has the files. */
export async function closePolicy(root: RootSession, policy: Session, plan: PassPlan): Promise<void> {
  const index = writtenCounter(plan.counter);
  await policyNv(root.tpm, policy, index, emptyAuth, epochOperand(plan.compiled.n), TPM_EO.UNSIGNED_LE);
  const { digest } = plan.compiled;
  const { authority, policyRef, signature } = plan;
  await authorizePolicy(root.tpm, policy, authority, { digest, policyRef, signature });
}

export async function unsealBy(root: RootSession, policy: Session, sealed: ObjectBlob): Promise<Secret> {
  const { tpm, srk, session } = root;
  await using object = await load(tpm, srk, sealed, { auth: sessionAuth(session) });
  return await unseal(tpm, object, sessionAuth(policy), [{ session, flags: { encrypt: true } }]);
}

/**
 * A pass with `prove` in place of the factors: the PolicyOR lists of `branch`, the epoch, the approval, Unseal.
 * @param branch whose PolicyOR lists are executed
 */
export async function passWith(
  root: RootSession,
  plan: PassPlan,
  branch: number,
  sealed: ObjectBlob,
  prove: (policy: Session) => Promise<void>,
): Promise<Secret> {
  await using policy = await policySession(root);
  await prove(policy);
  for (const digests of plan.compiled.branches[branch]?.orPath ?? []) await policyOr(root.tpm, policy, digests);
  await closePolicy(root, policy, plan);
  return await unsealBy(root, policy, sealed);
}

/** All orders of all subsets of `items`, the empty one included. */
export function orderedSubsets<T>(items: readonly T[]): T[][] {
  const all: T[][] = [[]];
  for (const item of items) {
    const rest = items.filter((other) => other !== item);
    for (const tail of orderedSubsets(rest)) all.push([item, ...tail]);
  }
  return all;
}
