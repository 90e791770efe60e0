/** One row of the comparison with tpm2-tss: what both say about a command, and how both are refused. */
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  type LoadedObject,
  load,
  type ObjectBlob,
  type Session,
  type SessionUse,
  startAuthSession,
  type Tpm,
} from '../../../drivers/tpm2/index.ts';
import { reader } from '../../../drivers/tpm2/wire/marshal.ts';
import { readSignature, type Signature } from '../../../drivers/tpm2/wire/signature.ts';
import type { Esapi } from '../../support/tpm/esapi.ts';

export type Facts = Readonly<Record<string, unknown>>;

/** Both sides with the storage root key loaded: ours as an object, theirs under the tag `srk`. */
export interface Bench {
  readonly tpm: Tpm;
  readonly esapi: Esapi;
  readonly srk: LoadedObject;
  /** _TPM_Init of both TPMs. */
  readonly init: () => Promise<void>;
}

export interface Row {
  /** What both sides make of it; the test expects equal facts. */
  readonly agree: (bench: Bench) => Promise<{ readonly ours: Facts; readonly theirs: Facts }>;
  /** How both sides are refused, with the code; or why the TPM never refuses it. */
  readonly refuse:
    | { readonly never: string }
    | {
        readonly rc: number;
        readonly ours: (bench: Bench) => Promise<unknown>;
        readonly theirs: (bench: Bench) => Promise<unknown>;
      };
  /** The TPMs cannot be used for another row afterwards. */
  readonly spoils?: true;
}

export const OWNER = 0x40000001;
export const ENDORSEMENT = 0x4000000b;

export const secret = (text: string): Secret => Secret.copyOf(Buffer.from(text));
export const hexOf = (text: string): string => Buffer.from(text).toString('hex');

export const signatureOf = (hex: string): Signature => readSignature(reader(fromHex(hex)));

/** The same blob on both sides: ours loaded, theirs under `tag`. Returns ours and the Name that theirs has. */
export async function loadBoth(
  bench: Bench,
  blob: ObjectBlob,
  tag: string,
): Promise<{ object: LoadedObject; theirName: string }> {
  const object = await load(bench.tpm, bench.srk, blob);
  const theirName = await bench.esapi.text('load', 'name', { tag, parent: 'srk', ...blobArguments(blob) });
  return { object, theirName };
}

export const blobArguments = (blob: ObjectBlob): { private: string; public: string } => ({
  private: toHex(blob.privateArea),
  public: toHex(blob.publicArea),
});

/** A policy session on both sides, theirs under the tag `policy`. */
export async function policyOnBoth(bench: Bench): Promise<Session> {
  const session = await startAuthSession(bench.tpm, { kind: 'policy' });
  await bench.esapi.call('start_auth_session', { tag: 'policy', kind: 'policy' });
  return session;
}

/** A salted session that encrypts what is sent, for commands that carry a secret. */
export async function encrypting(bench: Bench): Promise<{ session: Session; uses: readonly SessionUse[] }> {
  const session = await startAuthSession(bench.tpm, { kind: 'hmac', salt: bench.srk });
  return { session, uses: [{ session, flags: { decrypt: true } }] };
}
