/**
 * Starts the signer as a process for tests: compiled once a test file into a folder of its own, with key pairs that are
 * made for the test. The tests themselves never see a private key.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { authorityCoordinates } from '../../../agent/container/authority/authority-key.ts';
import { runToEnd } from '../umockdev/bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export type Signed =
  | { readonly approval: string; readonly refusal: null }
  | { readonly approval: null; readonly refusal: { readonly code: string; readonly message: string } };

/** One authority: a key pair in files, and the way to have it sign. */
export interface Signer {
  /** The public half, PEM: for `policy.authority_file`. */
  readonly publicFile: string;
  readonly privateFile: string;
  readonly coordinates: { readonly x: Uint8Array; readonly y: Uint8Array };
  /** @param request JSON text or the object of it. @param policyFile the only document it may sign */
  sign(request: unknown, policyFile?: string): Promise<Signed>;
}

export class SignerProgram implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async build(): Promise<SignerProgram> {
    await mkdir(join(ROOT, 'dist'), { recursive: true });
    const folder = await mkdtemp(join(ROOT, 'dist', 'signer-'));
    const config = join(folder, 'tsconfig.json');
    const compilerOptions = { rootDir: ROOT, outDir: folder, incremental: false, tsBuildInfoFile: null };
    const files = [join(ROOT, 'test/support/authority/signer.ts')];
    await writeFile(
      config,
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }),
    );
    const result = await runToEnd([join(ROOT, 'node_modules/.bin/tsc'), '-p', config]);
    if (result.status !== 0) throw new Error(`tsc: ${result.stdout}${result.stderr}`);
    return new SignerProgram(folder);
  }

  /** A new authority under this name. */
  async authority(name: string): Promise<Signer> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const publicFile = join(this.folder, `${name}.pub.pem`);
    const privateFile = join(this.folder, `${name}.pem`);
    await writeFile(publicFile, publicKey, { mode: 0o644 });
    await writeFile(privateFile, privateKey, { mode: 0o600 });
    return {
      publicFile,
      privateFile,
      coordinates: authorityCoordinates(publicKey),
      sign: (request, policyFile) => this.#sign(privateFile, request, policyFile),
    };
  }

  async #sign(privateFile: string, request: unknown, policyFile: string | undefined): Promise<Signed> {
    const main = join(this.folder, 'test/support/authority/signer.js');
    const policy = policyFile === undefined ? [] : ['--policy', policyFile];
    const input = typeof request === 'string' ? request : JSON.stringify(request);
    const ended = await runToEnd([process.execPath, main, '--key', privateFile, ...policy], { input });
    if (ended.status === 0) return { approval: ended.stdout.trim(), refusal: null };
    return { approval: null, refusal: JSON.parse(ended.stderr) as { code: string; message: string } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The approval of an answer that has to be one. */
export function approvalOf(signed: Signed): string {
  if (signed.approval === null) throw new Error(`${signed.refusal.code}: ${signed.refusal.message}`);
  return signed.approval;
}
