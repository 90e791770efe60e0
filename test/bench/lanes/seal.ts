/**
 * Sealing and unsealing under the root key with a PIN: a salted session, TPM2_Create, TPM2_Load, TPM2_Unseal, and the
 * two flushed. Ours, a script of tpm2-tools, and tpm2-tss' ESAPI (timed inside its own process), each on a software TPM
 * of its own, one after the other in every round.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Closers } from '../../../drivers/base/closers.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import {
  create,
  createPrimary,
  evictControl,
  factorTemplate,
  type LoadedObject,
  load,
  readPublic,
  SRK_ECC,
  sessionAuth,
  startAuthSession,
  Tpm,
  unseal,
} from '../../../drivers/tpm2/index.ts';
import { type Swtpm, startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';
import { SYSTEM_PYTHON } from '../../support/umockdev/bridge.ts';
import { timed } from '../bare-parts.ts';
import { comparedLane, type Lane } from '../lane.ts';

const ROOT_HANDLE = 0x81000001;
const WARM_UP = 10;
const ROUNDS = 100;
const TOOLS_EVERY = 5;

const script = (name: string): string => fileURLToPath(new URL(`../scripts/${name}`, import.meta.url));

async function openTpm(swtpm: Swtpm): Promise<Tpm> {
  const transport = await linuxTpm(swtpm.config).open({ signal: new AbortController().signal });
  return new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
}

/** A TPM with a storage root key in its place. */
async function machine(opened: Closers): Promise<Swtpm> {
  const swtpm = await startSwtpm();
  opened.add(() => swtpm.close());
  await using tpm = await openTpm(swtpm);
  await using root = await createPrimary(tpm, SRK_ECC);
  await evictControl(tpm, root, ROOT_HANDLE);
  return swtpm;
}

async function sealAndUnseal(tpm: Tpm, root: LoadedObject, auth: Uint8Array, secret: Uint8Array): Promise<void> {
  using authValue = Secret.copyOf(auth);
  using data = Secret.copyOf(secret);
  await using session = await startAuthSession(tpm, { kind: 'hmac', salt: root });
  const sealing = { auth: sessionAuth(session, undefined, { decrypt: true }), sensitive: { authValue, data } };
  const blob = await create(tpm, root, factorTemplate(true), sealing);
  await using object = await load(tpm, root, blob, { auth: sessionAuth(session) });
  using released = await unseal(tpm, object, sessionAuth(session, authValue, { encrypt: true }));
  if (toHex(released.expose()) !== toHex(secret)) throw new Error('another secret came back');
}

type Round = (auth: Uint8Array, secret: Uint8Array) => Promise<number>;

async function withTools(opened: Closers): Promise<Round> {
  const swtpm = await machine(opened);
  const cwd = await mkdtemp(join(tmpdir(), 'unlockd-bench-tools-'));
  opened.add(() => rm(cwd, { recursive: true, force: true }));
  const fixed = { ...process.env, TPM2TOOLS_TCTI: swtpm.config, ROOT: `0x${ROOT_HANDLE.toString(16)}` };
  return async (auth, secret) => {
    const text = toHex(secret);
    const env = { ...fixed, PIN_AUTH: toHex(auth), SECRET: text };
    let stdout = '';
    const took = await timed(async () => {
      ({ stdout } = await promisify(execFile)('sh', [script('seal.sh')], { cwd, env, timeout: 60_000 }));
    });
    if (stdout !== text) throw new Error('the tools released another secret');
    return took;
  };
}

async function withEsapi(opened: Closers): Promise<Round> {
  const swtpm = await machine(opened);
  const env = { ...process.env, TSS2_LOG: 'all+NONE' };
  const args = [script('seal.py'), swtpm.config, ROOT_HANDLE.toString(16)];
  const child = spawn(SYSTEM_PYTHON, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdin.on('error', () => undefined);
  opened.add(async () => {
    child.stdin.end();
    await ended;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (auth, secret) => {
    child.stdin.write(`${JSON.stringify({ auth: toHex(auth), secret: toHex(secret) })}\n`);
    const line = await lines.next();
    if (line.done) throw new Error('the ESAPI process ended');
    const { ms } = JSON.parse(line.value) as { ms: number };
    return ms;
  };
}

/** @param only the lanes that are wanted */
export async function sealLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using opened = new Closers();
  const swtpm = await machine(opened);
  const tpm = await openTpm(swtpm);
  opened.add(() => tpm.close());
  const root = await readPublic(tpm, ROOT_HANDLE);
  const tools = only('seal/tools') ? await withTools(opened) : null;
  const esapi = only('seal/esapi') ? await withEsapi(opened) : null;
  const [ours, byTools, byEsapi]: number[][] = [[], [], []];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const [auth, secret] = [systemEntropy.bytes(32), systemEntropy.bytes(32)];
    const mine = await timed(() => sealAndUnseal(tpm, root, auth, secret));
    const theirs = esapi === null ? null : await esapi(auth, secret);
    const scripted = tools === null || round % TOOLS_EVERY !== 0 ? null : await tools(auth, secret);
    if (round < 0) continue;
    ours?.push(mine);
    if (theirs !== null) byEsapi?.push(theirs);
    if (scripted !== null) byTools?.push(scripted);
  }
  const lane = (name: string, what: string, samples: readonly number[] = []): Lane =>
    comparedLane({ name, unit: 'ms', ours: ours ?? [], other: { what, samples }, limit: null });
  return [
    ...(tools === null ? [] : [lane('seal/tools', 'a script of tpm2-tools', byTools)]),
    ...(esapi === null ? [] : [lane('seal/esapi', "tpm2-tss' ESAPI in process (python3-tpm2-pytss)", byEsapi)]),
  ];
}
