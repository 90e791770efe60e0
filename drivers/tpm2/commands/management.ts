/** The TPM as a device: Part 3 §9, §16.1, §24.8, §25 and §30.2. */
import { concat, u16, u32 } from '../../base/bytes.ts';
import type { Secret } from '../../base/secret.ts';
import type { Authorization, SessionUse } from '../authorization.ts';
import type { Tpm } from '../tpm.ts';
import { TPM_CAP, TPM_RH } from '../wire/constants.ts';
import { malformed, reader, readTpm2b, tpm2b, trimAuthValue } from '../wire/marshal.ts';
import { nameOfHandle } from '../wire/public-area.ts';

const hierarchy = (handle: number, auth: Authorization) => ({ handle, name: nameOfHandle(handle), auth });

/** TPM2_Startup (§9.3), TPM_SU. Only for a TPM that nobody has started: 0x100 otherwise. */
export async function startup(tpm: Tpm, type: number): Promise<void> {
  await tpm.execute({ command: 'Startup', parameters: u16(type) });
}

/** TPM2_Shutdown (§9.4), TPM_SU: without it, a stop costs a try of the dictionary-attack protection. */
export async function shutdown(tpm: Tpm, type: number): Promise<void> {
  await tpm.execute({ command: 'Shutdown', parameters: u16(type) });
}

/** TPM2_GetRandom (§16.1): up to as many bytes as a digest of the TPM has. */
export async function getRandom(tpm: Tpm, count: number, sessions: readonly SessionUse[] = []): Promise<Uint8Array> {
  const response = await tpm.execute({ command: 'GetRandom', parameters: u16(count), sessions });
  return readTpm2b(reader(response.parameters), 'randomBytes', count);
}

/** TPM2_GetCapability(TPM_CAP_TPM_PROPERTIES) (§30.2): up to `count` properties from `first` on. */
export async function getProperties(tpm: Tpm, first: number, count: number): Promise<ReadonlyMap<number, number>> {
  const from = reader(await capability(tpm, TPM_CAP.TPM_PROPERTIES, first, count));
  const properties = new Map<number, number>();
  const listed = from.u32('count');
  if (listed > 512) throw malformed('more properties than a response holds');
  for (let i = 0; i < listed; i++) properties.set(from.u32('property'), from.u32('value'));
  from.end('TPML_TAGGED_TPM_PROPERTY');
  return properties;
}

/** TPM2_GetCapability(TPM_CAP_HANDLES) (§30.2): handles of one range, from `first` on. */
export async function getHandles(tpm: Tpm, first: number, count = 64): Promise<readonly number[]> {
  const from = reader(await capability(tpm, TPM_CAP.HANDLES, first, count));
  const listed = from.u32('count');
  if (listed > 1024) throw malformed('more handles than a response holds');
  const handles = Array.from({ length: listed }, () => from.u32('handle'));
  from.end('TPML_HANDLE');
  return handles;
}

async function capability(tpm: Tpm, what: number, first: number, count: number): Promise<Uint8Array> {
  const response = await tpm.execute({
    command: 'GetCapability',
    parameters: concat(u32(what), u32(first), u32(count)),
  });
  const from = reader(response.parameters);
  from.u8('moreData');
  if (from.u32('capability') !== what) throw malformed('GetCapability: the answer to another question');
  return from.rest();
}

/** TPM2_HierarchyChangeAuth (§24.8). Give a session with `decrypt`, or the new value crosses in clear. */
export async function hierarchyChangeAuth(
  tpm: Tpm,
  handle: number,
  auth: Authorization,
  newAuth: Secret,
  sessions: readonly SessionUse[] = [],
): Promise<void> {
  await tpm.execute({
    command: 'HierarchyChangeAuth',
    handles: [hierarchy(handle, auth)],
    parameters: tpm2b(newAuth.expose()),
    sessions,
    newAuthValue: trimAuthValue(newAuth.expose()),
  });
}

/** TPM2_DictionaryAttackLockReset (§25.2). A wrong lockoutAuth locks lockoutAuth itself for LOCKOUT_RECOVERY. */
export async function dictionaryAttackLockReset(tpm: Tpm, auth: Authorization): Promise<void> {
  await tpm.execute({ command: 'DictionaryAttackLockReset', handles: [hierarchy(TPM_RH.LOCKOUT, auth)] });
}

export interface DictionaryAttackParameters {
  readonly maxTries: number;
  /** Seconds until one try is forgotten. */
  readonly recoveryTime: number;
  /** Seconds that lockoutAuth is refused after it was wrong once. */
  readonly lockoutRecovery: number;
}

/** TPM2_DictionaryAttackParameters (§25.3). */
export async function dictionaryAttackParameters(
  tpm: Tpm,
  auth: Authorization,
  parameters: DictionaryAttackParameters,
): Promise<void> {
  await tpm.execute({
    command: 'DictionaryAttackParameters',
    handles: [hierarchy(TPM_RH.LOCKOUT, auth)],
    parameters: concat(u32(parameters.maxTries), u32(parameters.recoveryTime), u32(parameters.lockoutRecovery)),
  });
}
