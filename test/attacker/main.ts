/**
 * The attacker: a program that owns the machine, its disk and the TPM, knows what it is told of the factors, and asks
 * nobody for a verdict. It is no part of the product; it shows what is left when every `if` of the product is skipped.
 *
 *   main.js --tcti STRING --state FOLDER --uid N [--pin-fd N] [--key]
 *
 * Prints one JSON object: each attempt with the response code of the TPM, and whether anything was released.
 */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DurableFiles } from '../../agent/container/durable-files.ts';
import { groupAuthValue, unwrapGroupSecret, wrapKeyOf } from '../../agent/container/key-group.ts';
import { nameOfBlob } from '../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy } from '../../agent/container/pass.ts';
import { pinAuthValue } from '../../agent/container/pin-value.ts';
import { planOf } from '../../agent/container/plan.ts';
import { openRoot, type RootSession } from '../../agent/container/root.ts';
import type { ContainerState } from '../../agent/container/state.ts';
import { StateStore } from '../../agent/container/store.ts';
import { utf8 } from '../../drivers/base/bytes.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { systemEntropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { deriveFromSecurityKey } from '../../drivers/fido2/security-key.ts';
import { openLinuxHid } from '../../drivers/linux/hid/linux-hid.ts';
import { linuxTpm } from '../../drivers/linux/tpm/open.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import {
  type Authorization,
  emptyAuth,
  isTpmResponse,
  load,
  sessionAuth,
  startAuthSession,
  Tpm,
  unseal,
} from '../../drivers/tpm2/index.ts';

interface Attempt {
  readonly what: string;
  /** The TPM's response code; null: it released the key, or the program itself could not go on. */
  readonly rc: number | null;
  readonly text: string;
  readonly released: boolean;
}

const never = new AbortController().signal;

/** Factors as far as the attacker has them. */
async function proofsOf(
  state: ContainerState,
  pin: string | undefined,
  withKey: boolean,
): Promise<Map<FactorKind, FactorProof>> {
  const proofs = new Map<FactorKind, FactorProof>();
  const { pin: pinState, securityKey } = state.factors;
  if (pin !== undefined && pinState) {
    const authValue = await pinAuthValue(Secret.take(utf8(pin)), pinState.salt, pinState.logN);
    proofs.set('pin', { check: 'secret', blob: pinState.blob, authValue });
  }
  if (withKey && securityKey) {
    const derived = await deriveFromSecurityKey({
      hid: openLinuxHid(),
      clock: systemClock,
      entropy: systemEntropy,
      signal: never,
      credentials: securityKey.credentials,
      requestKeyPin: () => Promise.reject(new Error('the attacker has no PIN of the key')),
      onTouch: () => undefined,
      onInsert: () => undefined,
    });
    const { credentialId } = derived;
    const own = securityKey.credentials.find((entry) => Buffer.from(entry.credentialId).equals(credentialId));
    const context = { containerId: state.containerId, credentialId, generation: securityKey.generation };
    const group = own && unwrapGroupSecret(wrapKeyOf(derived.hmacSecret, credentialId), own.wrap, context);
    if (group) {
      const authValue = groupAuthValue(group, state.containerId);
      proofs.set('securityKey', { check: 'secret', blob: securityKey.blob, authValue });
    }
  }
  return proofs;
}

async function open(root: RootSession, state: ContainerState, auth: Authorization): Promise<Secret> {
  const { tpm, srk, session } = root;
  await using object = await load(tpm, srk, state.sealedKey, { auth: sessionAuth(session) });
  const sessions = auth.type === 'session' ? [{ session, flags: { encrypt: true } }] : [];
  return await unseal(tpm, object, auth, sessions);
}

async function attempt(what: string, work: () => Promise<Secret>): Promise<Attempt> {
  try {
    using key = await work();
    const proof = createHmac('sha256', key.expose()).update('released').digest('hex').slice(0, 16);
    return { what, rc: null, text: `RELEASED (${proof})`, released: true };
  } catch (error) {
    const rc = isTpmResponse(error) ? error.rc : null;
    return { what, rc, text: error instanceof Error ? error.message : String(error), released: false };
  }
}

/** The whole policy, with the factors that are there standing in for those that are not. */
function pass(root: RootSession, state: ContainerState, proofs: Map<FactorKind, FactorProof>): Promise<Secret> {
  const plan = planOf(state);
  const [branch] = plan.compiled.branches;
  return (async () => {
    const factors = (branch?.factors ?? []).filter((factor) => proofs.has(factor));
    // A branch that claims to be whole and proves only what is at hand: what a patched daemon would try.
    const patched = {
      ...plan,
      compiled: { ...plan.compiled, branches: [{ factors, digest: new Uint8Array(32), orPath: branch?.orPath ?? [] }] },
    };
    await using policy = await satisfyPolicy(root, patched, factors, proofs, nameOfBlob(state.sealedKey));
    return await open(root, state, sessionAuth(policy));
  })();
}

async function attack(
  tcti: string,
  folder: string,
  uid: number,
  pin: string | undefined,
  withKey: boolean,
): Promise<Attempt[]> {
  const store = new StateStore(folder, new DurableFiles(), systemClock);
  const machine = await store.readMachine();
  const state = await store.readContainer(uid);
  if (machine === null || state === null) throw new Error(`no container of ${uid} in ${folder}`);
  const proofs = await proofsOf(state, pin, withKey);
  await using tpm = new Tpm(await linuxTpm(tcti).open({ signal: never }), {
    clock: systemClock,
    entropy: systemEntropy,
  });
  await using root = await openRoot(tpm, { handle: machine.rootHandle, name: machine.rootName });
  const has = [...proofs.keys()].join(' + ') || 'nothing';
  const guessed = new Map(proofs);
  if (!guessed.has('securityKey') && state.factors.securityKey) {
    const authValue = Secret.take(new Uint8Array(createHash('sha256').update('a guess').digest()));
    guessed.set('securityKey', { check: 'secret', blob: state.factors.securityKey.blob, authValue });
  }
  const attempts = [await attempt(`the policy with ${has}`, () => pass(root, state, proofs))];
  if (proofs.size < 2) {
    attempts.push(
      await attempt(`the policy with ${has} and a guess for the rest`, () => pass(root, state, guessed)),
      await attempt('an empty policy session', async () => {
        await using policy = await startAuthSession(tpm, { kind: 'policy' });
        return await open(root, state, sessionAuth(policy));
      }),
      await attempt('no policy at all, the empty password', () => open(root, state, emptyAuth)),
    );
  }
  return attempts;
}

const { values } = parseArgs({
  options: {
    tcti: { type: 'string' },
    state: { type: 'string' },
    uid: { type: 'string', default: '0' },
    'pin-fd': { type: 'string' },
    key: { type: 'boolean', default: false },
  },
});
const pinFd = values['pin-fd'];
const pin = pinFd === undefined ? undefined : readFileSync(Number(pinFd), 'utf8').trim();
const attempts = await attack(values.tcti ?? '', values.state ?? '', Number(values.uid), pin, values.key);
process.stdout.write(`${JSON.stringify({ attempts, released: attempts.some(({ released }) => released) })}\n`);
process.exit(0);
