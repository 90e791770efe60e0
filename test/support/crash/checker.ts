/**
 * Looks at the files and the TPM of a crash test from outside, while no ceremony runs: the TPM serves one connection at a
 * time. It also plays the thief, who has old copies of the files, an old PIN and the key, and who asks the TPM himself.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCounter } from '../../../agent/container/counter.ts';
import { decodeState } from '../../../agent/container/envelope.ts';
import { groupAuthValue, unwrapGroupSecret, wrapKeyOf } from '../../../agent/container/key-group.ts';
import { readLockout } from '../../../agent/container/lockout.ts';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy } from '../../../agent/container/pass.ts';
import { pinAuthValue } from '../../../agent/container/pin-value.ts';
import { counterOf, planOf } from '../../../agent/container/plan.ts';
import { parseSheet } from '../../../agent/container/recovery-sheet.ts';
import { openRoot, type RootSession } from '../../../agent/container/root.ts';
import { openLockoutAuth } from '../../../agent/container/setup.ts';
import { CONTAINER_STATE, type ContainerState, MACHINE_STATE } from '../../../agent/container/state.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { bytesEqual, utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { noTrace } from '../../../drivers/base/trace.ts';
import { deriveFromSecurityKey } from '../../../drivers/fido2/security-key.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { dictionaryAttackLockReset, getHandles, load, sessionAuth, Tpm, unseal } from '../../../drivers/tpm2/index.ts';
import { refusal } from '../container/thief.ts';
import { tcpHid } from './tcp-hid.ts';
import type { CrashWorld } from './world.ts';

const FIRST_INDEX = 0x01800000;
const LAST_INDEX = 0x01bfffff;
const PATIENCE = milliseconds(10_000);

/** One connection for one look. */
async function withTpm<T>(world: CrashWorld, use: (tpm: Tpm) => Promise<T>): Promise<T> {
  const transport = await linuxTpm(world.swtpm.config).open({ signal: AbortSignal.timeout(PATIENCE) });
  await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy, trace: noTrace });
  return await use(tpm);
}

const machineOf = async (world: CrashWorld) =>
  decodeState(MACHINE_STATE, new Uint8Array(await readFile(join(world.stateFolder, 'machine.state'))));

async function withRoot<T>(world: CrashWorld, use: (root: RootSession) => Promise<T>): Promise<T> {
  const { rootHandle, rootName } = await machineOf(world);
  return await withTpm(world, async (tpm) => {
    await using root = await openRoot(tpm, { handle: rootHandle, name: rootName });
    return await use(root);
  });
}

/** NV indexes of the owner's range: one a container, and none left over. */
export const ownerIndexes = (world: CrashWorld): Promise<readonly number[]> =>
  withTpm(world, async (tpm) =>
    (await getHandles(tpm, FIRST_INDEX, 256)).filter((index) => index >= FIRST_INDEX && index <= LAST_INDEX),
  );

/** The state file as it is on disk; null: there is none. @throws {ERR_STATE_CORRUPT} */
export async function containerOnDisk(world: CrashWorld, uid: number): Promise<ContainerState | null> {
  const content = await readFile(join(world.stateFolder, 'containers', `${uid}.state`)).catch(() => null);
  return content === null ? null : decodeState(CONTAINER_STATE, new Uint8Array(content));
}

/** Names of what lies in the folder of the containers. */
export const containerFiles = (world: CrashWorld): Promise<readonly string[]> =>
  readdir(join(world.stateFolder, 'containers'));

export const epochInTpm = (world: CrashWorld, state: ContainerState): Promise<number> =>
  withRoot(world, (root) => readCounter(root, counterOf(state)));

/** TPM_PT_LOCKOUT_COUNTER; then the owner resets it with the sheet that set-up gave him. */
export async function readAndResetLockout(world: CrashWorld, ownerSheet: string): Promise<number> {
  using typed = Secret.take(utf8(ownerSheet));
  using secret = parseSheet(typed);
  using lockoutAuth = openLockoutAuth(secret, await machineOf(world));
  if (lockoutAuth === null) throw new Error('the sheet is not the one of the machine owner');
  return await withRoot(world, async (root) => {
    const { counter, inLockout } = await readLockout(root.tpm);
    if (inLockout) throw new Error('the TPM is locked out: the wrong PINs of the rounds were not reset');
    await dictionaryAttackLockReset(root.tpm, sessionAuth(root.session, lockoutAuth));
    return counter;
  });
}

/** The authValue of the security-key object, from the key itself. */
async function keyAuthValue(world: CrashWorld, state: ContainerState): Promise<Secret> {
  const enrolled = state.factors.securityKey;
  if (enrolled === null) throw new Error('no security key is enrolled');
  const derived = await deriveFromSecurityKey({
    hid: tcpHid(world.keyAddress),
    clock: systemClock,
    entropy: systemEntropy,
    signal: AbortSignal.timeout(PATIENCE),
    trace: noTrace,
    insertWithin: PATIENCE,
    touchWithin: PATIENCE,
    requestKeyPin: () => Promise.reject(new Error('the key has no PIN')),
    onTouch: () => undefined,
    onInsert: () => undefined,
    credentials: enrolled.credentials,
  });
  using hmacSecret = derived.hmacSecret;
  const { credentialId } = derived;
  const credential = enrolled.credentials.find((one) => bytesEqual(one.credentialId, credentialId));
  using wrapKey = wrapKeyOf(hmacSecret, credentialId);
  const context = { containerId: state.containerId, credentialId, generation: enrolled.generation };
  using group = credential ? unwrapGroupSecret(wrapKey, credential.wrap, context) : null;
  if (group === null) throw new Error('the key does not unwrap the group secret');
  return groupAuthValue(group, state.containerId);
}

/**
 * The thief's own program with these files, this PIN and the key: which command the TPM refuses and how, or `done`.
 * A wrong PIN costs a try of the dictionary-attack protection.
 */
export async function thiefOpens(world: CrashWorld, state: ContainerState, pin: string): Promise<string> {
  if (state.factors.pin === null || state.factors.securityKey === null)
    throw new Error('the container has two factors');
  using clear = Secret.take(utf8(pin));
  using pinAuth = await pinAuthValue(clear, state.factors.pin.salt, state.factors.pin.logN);
  using keyAuth = await keyAuthValue(world, state);
  const proofs = new Map<FactorKind, FactorProof>([
    ['pin', { check: 'secret', blob: state.factors.pin.blob, authValue: pinAuth }],
    ['securityKey', { check: 'secret', blob: state.factors.securityKey.blob, authValue: keyAuth }],
  ]);
  return await withRoot(world, async (root) => {
    const { tpm, srk, session } = root;
    const attempt = async (): Promise<Secret> => {
      const name = nameOfBlob(state.sealedKey);
      await using policy = await satisfyPolicy(root, planOf(state), ['pin', 'securityKey'], proofs, name);
      await using object = await load(tpm, srk, state.sealedKey, { auth: sessionAuth(session) });
      return await unseal(tpm, object, sessionAuth(policy), [{ session, flags: { encrypt: true } }]);
    };
    return await refusal(attempt());
  });
}
