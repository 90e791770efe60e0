/** Making, loading and reading objects: Part 3 §12, §24.1 and §28.5. */
import { bytesEqual, concat, u16, u32 } from '../../base/bytes.ts';
import { Secret } from '../../base/secret.ts';
import { type Authorization, emptyAuth, type SessionUse } from '../authorization.ts';
import { LoadedObject } from '../loaded-object.ts';
import type { Tpm } from '../tpm.ts';
import { TPM_RH } from '../wire/constants.ts';
import { malformed, reader, readTpm2b, tpm2b } from '../wire/marshal.ts';
import { decodePublicArea, encodePublicArea, nameOf, nameOfHandle, type PublicArea } from '../wire/public-area.ts';
import { readTicket } from '../wire/signature.ts';

const NOTHING = new Uint8Array(0);

/** What TPM2_Create hands out: both parts are public or encrypted, and fit for a file. */
export interface ObjectBlob {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** The content of TPM2B_PRIVATE, encrypted by the parent. */
  readonly privateArea: Uint8Array;
}

export interface Sensitive {
  readonly authValue?: Secret;
  /** For sealed data objects: the data, at most 128 bytes. */
  readonly data?: Secret;
}

/** TPM2B_SENSITIVE_CREATE; the caller zeroes it. */
function encodeSensitive(sensitive: Sensitive): Uint8Array<ArrayBuffer> {
  const inner = concat(tpm2b(sensitive.authValue?.expose() ?? NOTHING), tpm2b(sensitive.data?.expose() ?? NOTHING));
  const outer = tpm2b(inner);
  inner.fill(0);
  return outer;
}

const hierarchyUse = (hierarchy: number, auth: Authorization) => ({
  handle: hierarchy,
  name: nameOfHandle(hierarchy),
  auth,
});

function checkName(area: PublicArea, name: Uint8Array, what: string): void {
  if (!bytesEqual(nameOf(area), name)) throw malformed(`${what}: the Name is not the digest of the public area`);
}

/**
 * TPM2_CreatePrimary (§24.1) in the owner hierarchy unless told otherwise.
 * @throws {ERR_TPM_AUTH_FAILED} when the hierarchy has a password
 */
export async function createPrimary(
  tpm: Tpm,
  template: PublicArea,
  options: { hierarchy?: number; auth?: Authorization; sensitive?: Sensitive; sessions?: readonly SessionUse[] } = {},
): Promise<LoadedObject> {
  const sensitive = encodeSensitive(options.sensitive ?? {});
  const parameters = concat(sensitive, tpm2b(encodePublicArea(template)), u16(0), u32(0));
  sensitive.fill(0);
  const response = await tpm.execute({
    command: 'CreatePrimary',
    handles: [hierarchyUse(options.hierarchy ?? TPM_RH.OWNER, options.auth ?? emptyAuth)],
    parameters,
    sessions: options.sessions ?? [],
    responseHandles: 1,
  });
  parameters.fill(0);
  return await tpm.adopt(response, (handle) => {
    const from = reader(response.parameters);
    const area = decodePublicArea(readTpm2b(from, 'outPublic'));
    readTpm2b(from, 'creationData');
    readTpm2b(from, 'creationHash', 64);
    readTicket(from);
    checkName(area, readTpm2b(from, 'name', 68), 'CreatePrimary');
    from.end('CreatePrimary');
    return new LoadedObject(handle, area, tpm);
  });
}

/** TPM2_Create (§12.1). Give `auth` a session with `decrypt`, or the sensitive part crosses in clear. */
export async function create(
  tpm: Tpm,
  parent: LoadedObject,
  template: PublicArea,
  options: { auth?: Authorization; sensitive?: Sensitive; sessions?: readonly SessionUse[] } = {},
): Promise<ObjectBlob> {
  const sensitive = encodeSensitive(options.sensitive ?? {});
  const parameters = concat(sensitive, tpm2b(encodePublicArea(template)), u16(0), u32(0));
  sensitive.fill(0);
  try {
    const response = await tpm.execute({
      command: 'Create',
      handles: [parent.use(options.auth ?? emptyAuth)],
      parameters,
      sessions: options.sessions ?? [],
    });
    const from = reader(response.parameters);
    const privateArea = readTpm2b(from, 'outPrivate');
    const publicArea = readTpm2b(from, 'outPublic');
    decodePublicArea(publicArea);
    return { publicArea, privateArea };
  } finally {
    parameters.fill(0);
  }
}

/** TPM2_Load (§12.2). The Name is computed from the blob's public area and compared with what the TPM says. */
export async function load(
  tpm: Tpm,
  parent: LoadedObject,
  blob: ObjectBlob,
  options: { auth?: Authorization; sessions?: readonly SessionUse[] } = {},
): Promise<LoadedObject> {
  const area = decodePublicArea(blob.publicArea);
  const response = await tpm.execute({
    command: 'Load',
    handles: [parent.use(options.auth ?? emptyAuth)],
    parameters: concat(tpm2b(blob.privateArea), tpm2b(blob.publicArea)),
    sessions: options.sessions ?? [],
    responseHandles: 1,
  });
  return await tpm.adopt(response, (handle) => {
    checkName(area, readTpm2b(reader(response.parameters), 'name', 68), 'Load');
    return new LoadedObject(handle, area, tpm);
  });
}

/** TPM2_LoadExternal (§12.3) of a public area only. */
export async function loadExternal(
  tpm: Tpm,
  area: PublicArea,
  options: { hierarchy?: number } = {},
): Promise<LoadedObject> {
  const response = await tpm.execute({
    command: 'LoadExternal',
    parameters: concat(u16(0), tpm2b(encodePublicArea(area)), u32(options.hierarchy ?? TPM_RH.OWNER)),
    responseHandles: 1,
  });
  return await tpm.adopt(response, (handle) => {
    checkName(area, readTpm2b(reader(response.parameters), 'name', 68), 'LoadExternal');
    return new LoadedObject(handle, area, tpm);
  });
}

/** TPM2_ReadPublic (§12.4) of an object that stays where it is. @throws {ERR_TPM_RESPONSE} 0x18B: no such object */
export async function readPublic(tpm: Tpm, handle: number): Promise<LoadedObject> {
  const response = await tpm.execute({
    command: 'ReadPublic',
    parameters: NOTHING,
    handles: [{ handle, name: NOTHING }],
  });
  const from = reader(response.parameters);
  const area = decodePublicArea(readTpm2b(from, 'outPublic'));
  checkName(area, readTpm2b(from, 'name', 68), 'ReadPublic');
  return new LoadedObject(handle, area, null);
}

/** TPM2_EvictControl (§28.5): makes a transient object persistent at `persistentHandle`, or removes a persistent one. */
export async function evictControl(
  tpm: Tpm,
  object: LoadedObject,
  persistentHandle: number,
  auth: Authorization = emptyAuth,
): Promise<void> {
  await tpm.execute({
    command: 'EvictControl',
    handles: [hierarchyUse(TPM_RH.OWNER, auth), object.use()],
    parameters: u32(persistentHandle),
  });
}

/** TPM2_Unseal (§12.7). Give a session with `encrypt`, or the data crosses in clear. The caller owns the secret. */
export async function unseal(
  tpm: Tpm,
  object: LoadedObject,
  auth: Authorization,
  sessions: readonly SessionUse[] = [],
): Promise<Secret> {
  const response = await tpm.execute({ command: 'Unseal', handles: [object.use(auth)], sessions });
  const data = readTpm2b(reader(response.parameters), 'outData', 128);
  response.parameters.fill(0);
  return Secret.take(data);
}

/**
 * TPM2_ObjectChangeAuth (§12.8): a copy of the object with another authValue, under the same Name. The product never
 * calls it: factor objects are made so that the TPM refuses it. It is here for the tests that prove so.
 */
export async function objectChangeAuth(
  tpm: Tpm,
  object: LoadedObject,
  parent: LoadedObject,
  auth: Authorization,
  newAuth: Secret,
  sessions: readonly SessionUse[] = [],
): Promise<ObjectBlob> {
  const response = await tpm.execute({
    command: 'ObjectChangeAuth',
    handles: [object.use(auth), parent.use()],
    parameters: tpm2b(newAuth.expose()),
    sessions,
  });
  return {
    publicArea: encodePublicArea(object.publicArea),
    privateArea: readTpm2b(reader(response.parameters), 'outPrivate'),
  };
}
