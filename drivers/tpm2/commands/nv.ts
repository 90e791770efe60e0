/** NV indexes: Part 3 §31. The product uses one kind, a counter that moves only as far as its policy says. */
import { bytesEqual, concat, u16 } from '../../base/bytes.ts';
import { type Authorization, emptyAuth, type SessionUse } from '../authorization.ts';
import type { Tpm } from '../tpm.ts';
import { TPM_RH } from '../wire/constants.ts';
import { malformed, reader, readTpm2b, tpm2b } from '../wire/marshal.ts';
import { decodeNvPublic, encodeNvPublic, type NvPublic, nvNameOf } from '../wire/nv-public.ts';
import { nameOfHandle } from '../wire/public-area.ts';

/** An index as a handle of a command. Its Name changes with the WRITTEN attribute. */
export interface NvIndex {
  readonly handle: number;
  readonly name: Uint8Array;
}

export const nvIndex = (nv: NvPublic): NvIndex => ({ handle: nv.index, name: nvNameOf(nv) });

const owner = (auth: Authorization) => ({ handle: TPM_RH.OWNER, name: nameOfHandle(TPM_RH.OWNER), auth });

/** TPM2_NV_DefineSpace (§31.3) with an empty authValue unless given. @throws {ERR_TPM_RESPONSE} 0x14C: defined already; 0x14B: no space */
export async function nvDefineSpace(
  tpm: Tpm,
  nv: NvPublic,
  options: { auth?: Authorization; authValue?: Uint8Array; sessions?: readonly SessionUse[] } = {},
): Promise<void> {
  await tpm.execute({
    command: 'NV_DefineSpace',
    handles: [owner(options.auth ?? emptyAuth)],
    parameters: concat(tpm2b(options.authValue ?? new Uint8Array(0)), tpm2b(encodeNvPublic(nv))),
    sessions: options.sessions ?? [],
  });
}

/** TPM2_NV_UndefineSpace (§31.4). */
export async function nvUndefineSpace(tpm: Tpm, index: NvIndex, auth: Authorization = emptyAuth): Promise<void> {
  await tpm.execute({ command: 'NV_UndefineSpace', handles: [owner(auth), index] });
}

/** TPM2_NV_ReadPublic (§31.6). @throws {ERR_TPM_RESPONSE} 0x18B: not defined */
export async function nvReadPublic(tpm: Tpm, handle: number): Promise<NvPublic> {
  const response = await tpm.execute({ command: 'NV_ReadPublic', handles: [{ handle, name: new Uint8Array(0) }] });
  const from = reader(response.parameters);
  const nv = decodeNvPublic(readTpm2b(from, 'nvPublic'));
  if (!bytesEqual(readTpm2b(from, 'nvName', 68), nvNameOf(nv))) {
    throw malformed('NV_ReadPublic: the Name is not the digest of the public area');
  }
  if (nv.index !== handle) throw malformed('NV_ReadPublic: the public area of another index');
  return nv;
}

/** TPM2_NV_Read (§31.13) by the index's own authorization. @throws {ERR_TPM_RESPONSE} 0x14A: never written */
export async function nvRead(
  tpm: Tpm,
  index: NvIndex,
  size: number,
  auth: Authorization,
  sessions: readonly SessionUse[] = [],
): Promise<Uint8Array> {
  const response = await tpm.execute({
    command: 'NV_Read',
    handles: [{ ...index, auth }, index],
    parameters: concat(u16(size), u16(0)),
    sessions,
  });
  return readTpm2b(reader(response.parameters), 'data', 2048);
}

/** TPM2_NV_Increment (§31.8). `by`: who authorises; the index itself unless given (the owner, in attacks). */
export async function nvIncrement(tpm: Tpm, index: NvIndex, auth: Authorization, by: NvIndex = index): Promise<void> {
  await tpm.execute({ command: 'NV_Increment', handles: [{ ...by, auth }, index] });
}
