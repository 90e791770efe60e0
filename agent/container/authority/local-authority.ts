/**
 * The policy authority of a single box: a signing key of this TPM whose random authValue is sealed under the same
 * policy as the container key. Whoever is to use it has passed the whole policy, just now; its private part is never
 * in memory.
 */
import type { Secret } from '../../../drivers/base/secret.ts';
import { load, type ObjectBlob, type Signature, sessionAuth, sign } from '../../../drivers/tpm2/index.ts';
import type { RootSession } from '../root.ts';
import { type ApprovalHashes, compileStatement, firstWriteHash, type PolicyStatement } from './statement.ts';

export interface Approval {
  readonly policy: Signature;
  readonly bump: Signature;
}

/** Signs statements and nothing else. */
export interface Authority {
  readonly name: Uint8Array;
  approve(statement: PolicyStatement): Promise<Approval>;
  /** As {@link approve}, for another context of the same number: the counter moves once. */
  approvePolicy(statement: PolicyStatement): Promise<Signature>;
  approveFirstWrite(counter: Uint8Array, containerId: Uint8Array): Promise<Signature>;
}

export class LocalAuthority implements Authority {
  readonly name: Uint8Array;
  readonly #root: RootSession;
  readonly #blob: ObjectBlob;
  readonly #authValue: Secret;

  /** @param authValue stays the caller's */
  constructor(root: RootSession, blob: ObjectBlob, name: Uint8Array, authValue: Secret) {
    this.#root = root;
    this.#blob = blob;
    this.name = name;
    this.#authValue = authValue;
  }

  /** @throws {ERR_AUTHORITY_REFUSED} */
  async approve(statement: PolicyStatement): Promise<Approval> {
    const { hashes } = compileStatement(statement, this.name);
    return await this.#signBoth(hashes);
  }

  /** @throws {ERR_AUTHORITY_REFUSED} */
  async approvePolicy(statement: PolicyStatement): Promise<Signature> {
    const { hashes } = compileStatement(statement, this.name);
    return await this.#sign(hashes.policy);
  }

  /** @throws {ERR_AUTHORITY_REFUSED} */
  async approveFirstWrite(counter: Uint8Array, containerId: Uint8Array): Promise<Signature> {
    return await this.#sign(firstWriteHash(counter, containerId, this.name));
  }

  async #sign(hash: Uint8Array): Promise<Signature> {
    const { tpm, srk, session } = this.#root;
    await using key = await load(tpm, srk, this.#blob, { auth: sessionAuth(session) });
    return await sign(tpm, key, hash, sessionAuth(session, this.#authValue));
  }

  async #signBoth(hashes: ApprovalHashes): Promise<Approval> {
    const { tpm, srk, session } = this.#root;
    await using key = await load(tpm, srk, this.#blob, { auth: sessionAuth(session) });
    const auth = sessionAuth(session, this.#authValue);
    return { policy: await sign(tpm, key, hashes.policy, auth), bump: await sign(tpm, key, hashes.bump, auth) };
  }
}
