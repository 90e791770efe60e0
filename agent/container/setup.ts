/**
 * Set-up of a machine, once and by its owner: the storage root key is found or made and its Name pinned; the
 * dictionary-attack protection is turned on with a random lockoutAuth, which is wrapped for the owner's sheet *before*
 * the TPM is told, so that a crash in between cannot lose it.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import {
  createPrimary,
  dictionaryAttackParameters,
  emptyAuth,
  encodePublicArea,
  evictControl,
  hierarchyChangeAuth,
  isTpmResponse,
  type LoadedObject,
  nameOf,
  type PublicArea,
  readPublic,
  SRK_ECC,
  SRK_RSA,
  TPM_ALG,
  TPM_RH,
  TPMA_OBJECT,
  type Tpm,
} from '../../drivers/tpm2/index.ts';
import { ownerAuthError } from './counter.ts';
import { DICTIONARY_ATTACK, type Lockout, protectsPin, readLockout } from './lockout.ts';
import { openRoot } from './root.ts';
import { deriveKey, openBox, sealBox } from './secret-box.ts';
import type { MachineState } from './state.ts';

const TPM_RC_HANDLE_1 = 0x18b;
/** What a storage root key has to be, whatever its template: made in this TPM, a storage parent, used without a password. */
const ROOT_KEY_ATTRIBUTES =
  TPMA_OBJECT.FIXED_TPM |
  TPMA_OBJECT.FIXED_PARENT |
  TPMA_OBJECT.SENSITIVE_DATA_ORIGIN |
  TPMA_OBJECT.USER_WITH_AUTH |
  TPMA_OBJECT.RESTRICTED |
  TPMA_OBJECT.DECRYPT;

function checkRootKey(area: PublicArea): void {
  const missing = ROOT_KEY_ATTRIBUTES & ~area.attributes;
  const usable = area.nameAlg === TPM_ALG.SHA256 && missing === 0;
  if (area.type !== 'keyedhash' && usable && area.symmetric?.keyBits === 128) return;
  throw new UnlockdError('ERR_TPM_ROOT_KEY_UNUSABLE', 'the persistent object is not a storage key of this TPM', {
    detail: { type: area.type, attributes: area.attributes },
  });
}

async function makeRootKey(tpm: Tpm): Promise<LoadedObject> {
  try {
    return await createPrimary(tpm, SRK_ECC);
  } catch (error) {
    // TPM_RC_CURVE, TPM_RC_VALUE or TPM_RC_ASYMMETRIC of the template parameter: a TPM without P-256.
    if (isTpmResponse(error, 0x2e6, 0x2c4, 0x2c1)) return await createPrimary(tpm, SRK_RSA);
    throw ownerAuthError(error);
  }
}

/**
 * The storage root key at `handle`: the one that is there, or one made from the usual template and kept there.
 * @throws {ERR_TPM_ROOT_KEY_UNUSABLE | ERR_TPM_OWNER_AUTH_SET}
 */
export async function ensureRootKey(tpm: Tpm, handle: number): Promise<PublicArea> {
  try {
    const { publicArea } = await readPublic(tpm, handle);
    checkRootKey(publicArea);
    return publicArea;
  } catch (error) {
    if (!isTpmResponse(error, TPM_RC_HANDLE_1)) throw error;
  }
  await using made = await makeRootKey(tpm);
  try {
    await evictControl(tpm, made, handle);
  } catch (error) {
    throw ownerAuthError(error);
  }
  return made.publicArea;
}

export interface SetupParts {
  readonly tpm: Tpm;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly rootHandle: number;
  readonly managedAuthority: MachineState['managedAuthority'];
  /** The secret of the owner's sheet, shown and confirmed already. */
  readonly sheet: Secret;
  /** An earlier set-up that was begun and not finished; null: none. */
  readonly earlier: MachineState | null;
  readonly write: (state: MachineState) => Promise<void>;
}

/** @returns null when the sheet is not the owner's, or nothing is wrapped */
export function openLockoutAuth(sheet: Secret, machine: MachineState): Secret | null {
  if (machine.lockout.wrap === null) return null;
  using key = deriveKey(sheet, 'owner recovery v1', machine.machineId);
  return openBox(key, machine.lockout.wrap, machine.machineId);
}

/**
 * @returns the machine's state, and the protection as it is now
 * @throws {ERR_TPM_OWNER_AUTH_SET | ERR_TPM_ROOT_KEY_UNUSABLE | ERR_STATE_WRITE_FAILED}
 */
export async function setUpMachine(parts: SetupParts): Promise<{ machine: MachineState; lockout: Lockout }> {
  const { tpm, entropy } = parts;
  const rootPublic = await ensureRootKey(tpm, parts.rootHandle);
  const rootName = nameOf(rootPublic);
  const before = await readLockout(tpm);
  const machineId = parts.earlier?.machineId ?? entropy.bytes(16);
  const base = {
    machineId,
    setUpAt: parts.clock.wall(),
    rootHandle: parts.rootHandle,
    rootPublic: encodePublicArea(rootPublic),
    rootName,
    managedAuthority: parts.managedAuthority,
  };
  if (before.lockoutAuthSet) {
    // Begun by us before a crash, or set by somebody else: it stays as it is, and counts for what it is worth.
    const ours = parts.earlier !== null && parts.earlier.lockout.wrap !== null;
    const lockout = {
      auth: ours ? ('ours' as const) : ('foreign' as const),
      protects: protectsPin(before),
      wrap: ours ? parts.earlier.lockout.wrap : null,
    };
    const machine: MachineState = { ...base, complete: true, lockout };
    await parts.write(machine);
    return { machine, lockout: before };
  }
  using lockoutAuth = Secret.take(entropy.bytes(32));
  using key = deriveKey(parts.sheet, 'owner recovery v1', machineId);
  const wrap = sealBox(key, lockoutAuth.expose(), machineId, entropy);
  await parts.write({ ...base, complete: false, lockout: { auth: 'ours', protects: false, wrap } });
  await dictionaryAttackParameters(tpm, emptyAuth, DICTIONARY_ATTACK);
  await using root = await openRoot(tpm, { handle: parts.rootHandle, name: rootName });
  await hierarchyChangeAuth(tpm, TPM_RH.LOCKOUT, emptyAuth, lockoutAuth, [
    { session: root.session, flags: { decrypt: true } },
  ]);
  const after = await readLockout(tpm);
  const machine: MachineState = {
    ...base,
    complete: true,
    lockout: { auth: 'ours', protects: protectsPin(after), wrap },
  };
  await parts.write(machine);
  return { machine, lockout: after };
}
