/**
 * The same two-factor unlock as a script of tpm2-tools: the objects, the policy and the proofs of a container of ours
 * are written into files as the tools want them, once; `scripts/unlock.sh` is what is timed.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { epochOperand } from '../../agent/container/compile/compile.ts';
import { nameOfBlob } from '../../agent/container/objects.ts';
import { pinAuthValue } from '../../agent/container/pin-value.ts';
import { planOf } from '../../agent/container/plan.ts';
import { normalisePin } from '../../agent/enrolment/pin/characters.ts';
import { CeremonyRun } from '../../agent/service/ceremony-run.ts';
import { askSecurityKey } from '../../agent/service/key-check.ts';
import { concat, toHex, utf8 } from '../../drivers/base/bytes.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { encodePublicArea, nameOf, type ObjectBlob } from '../../drivers/tpm2/index.ts';
import { authorizationHash } from '../../drivers/tpm2/policy-digest.ts';
import { tpm2b } from '../../drivers/tpm2/wire/marshal.ts';
import { encodeSignature } from '../../drivers/tpm2/wire/signature.ts';
import { type Tpm2Tools, tpm2Tools } from '../support/tpm/tpm2-tools.ts';
import { LAB_UID, type Lab } from './lab.ts';
import { PIN } from './person.ts';

const SCRIPT = fileURLToPath(new URL('./scripts/unlock.sh', import.meta.url));

export interface ToolsUnlock extends AsyncDisposable {
  /** Runs the script once. @throws when it fails or releases something else than the first time */
  run(): Promise<void>;
}

async function writeBlob(tools: Tpm2Tools, name: string, blob: ObjectBlob): Promise<void> {
  await writeFile(tools.file(`${name}.pub`), tpm2b(blob.publicArea));
  await writeFile(tools.file(`${name}.priv`), tpm2b(blob.privateArea));
}

/** Exports the container of the lab's user. */
export async function toolsUnlock(lab: Lab): Promise<ToolsUnlock> {
  const { parts, swtpm } = lab.agent;
  const state = await parts.store.readContainer(LAB_UID);
  const machine = await parts.store.readMachine();
  const { pin, securityKey } = state?.factors ?? { pin: null, securityKey: null };
  if (!state || !machine || !pin || !securityKey) throw new Error('the lab has no container with two factors');
  using typed = Secret.take(utf8(PIN));
  using normalised = normalisePin(typed);
  using pinAuth = await pinAuthValue(normalised, pin.salt, pin.logN);
  const run = new CeremonyRun({ id: 'export', kind: 'unlock', uid: LAB_UID });
  const { authValue: keyAuth } = await askSecurityKey(parts, state, run, run.signal);
  const plan = planOf(state);
  const tools = await tpm2Tools(swtpm.config);
  await writeBlob(tools, 'pin', pin.blob);
  await writeBlob(tools, 'key', securityKey.blob);
  await writeBlob(tools, 'sealed', state.sealedKey);
  const { digest, n } = plan.compiled;
  const files = {
    'root.name': machine.rootName,
    'authority.pub': tpm2b(encodePublicArea(plan.authority)),
    'authority.name': nameOf(plan.authority),
    'approved.policy': digest,
    'approved.hash': authorizationHash(digest, plan.policyRef),
    'approved.signature': encodeSignature(plan.signature),
    epoch: epochOperand(n),
    'sealed.name': nameOfBlob(state.sealedKey),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(tools.file(name), concat(bytes));
  const env = {
    ...process.env,
    TPM2TOOLS_TCTI: swtpm.config,
    ROOT: `0x${machine.rootHandle.toString(16)}`,
    COUNTER: `0x${state.counterIndex.toString(16).padStart(8, '0')}`,
    PIN_AUTH: toHex(pinAuth.expose()),
    KEY_AUTH: toHex(keyAuth.expose()),
    POLICY_REF: toHex(plan.policyRef),
    ORDER: plan.compiled.branches[0]?.factors.map((factor) => (factor === 'pin' ? 'pin' : 'key')).join(' ') ?? '',
  };
  keyAuth.dispose();
  let released: string | null = null;
  return {
    run: async () => {
      const options = { cwd: tools.folder, env, encoding: 'latin1', timeout: 60_000 } as const;
      const { stdout } = await promisify(execFile)('sh', [SCRIPT], options);
      if (stdout.length !== 32) throw new Error(`the tools released ${stdout.length} bytes`);
      released ??= stdout;
      if (stdout !== released) throw new Error('the tools released another secret');
    },
    [Symbol.asyncDispose]: () => tools[Symbol.asyncDispose](),
  };
}
