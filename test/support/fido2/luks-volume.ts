/** A LUKS2 volume in a file that systemd-cryptenroll has enrolled a security key into, and who opens it. */
import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BridgeAddress, type Finished, runToEnd, runUnderBridge, SYSTEM_PYTHON } from '../umockdev/bridge.ts';

const PTY = fileURLToPath(new URL('../umockdev/pty_answers.py', import.meta.url));
const SIZE = 32 * 1024 * 1024;

/** What the header of the volume says of the key. */
export interface LuksToken {
  readonly credentialId: Uint8Array;
  readonly salt: Uint8Array;
  readonly rpId: string;
  readonly wantsPin: boolean;
}

export class LuksVolume {
  readonly #file: string;
  readonly #keyFile: string;

  private constructor(file: string, keyFile: string) {
    this.#file = file;
    this.#keyFile = keyFile;
  }

  /** A new one in `folder`, with a passphrase that nobody types. */
  static async create(folder: string): Promise<LuksVolume> {
    const volume = new LuksVolume(join(folder, 'volume'), join(folder, 'passphrase'));
    const file = await open(volume.#file, 'w');
    await file.truncate(SIZE);
    await file.close();
    await writeFile(volume.#keyFile, randomBytes(32).toString('hex'));
    // The cheapest derivation: what is tested is the key, not the passphrase.
    const cheap = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
    const format = ['luksFormat', '--batch-mode', '--type', 'luks2', ...cheap, volume.#file, volume.#keyFile];
    const { status, stderr } = await runToEnd(['cryptsetup', ...format]);
    if (status !== 0) throw new Error(stderr);
    return volume;
  }

  /** Enrols the key at /dev/hidraw0, which asks for its PIN. */
  enrol(at: BridgeAddress, pin: string): Promise<Finished> {
    const options = ['--fido2-device=/dev/hidraw0', `--unlock-key-file=${this.#keyFile}`];
    const command = ['systemd-cryptenroll', ...options, '--fido2-with-client-pin=yes', this.#file];
    return runUnderBridge(at, [SYSTEM_PYTHON, PTY, pin, '--', ...command]);
  }

  async token(): Promise<LuksToken> {
    const { stdout } = await runToEnd(['cryptsetup', 'luksDump', '--dump-json-metadata', this.#file]);
    const tokens = JSON.parse(stdout).tokens as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    const token = Object.values(tokens).find(({ type }) => type === 'systemd-fido2');
    if (token === undefined) throw new Error('no security key is enrolled');
    return {
      credentialId: Uint8Array.from(Buffer.from(String(token['fido2-credential']), 'base64')),
      salt: Uint8Array.from(Buffer.from(String(token['fido2-salt']), 'base64')),
      rpId: String(token['fido2-rp']),
      wantsPin: token['fido2-clientPin-required'] === true,
    };
  }

  /** Whether the volume opens with this secret of the key, as systemd hands it to LUKS: in base64. */
  async opensWith(secret: Uint8Array): Promise<boolean> {
    const command = ['cryptsetup', 'open', '--test-passphrase', '--key-file', '-', this.#file];
    const { status } = await runToEnd(command, { input: Buffer.from(secret).toString('base64') });
    return status === 0;
  }
}
