/**
 * Another TPM for the machine: a second swtpm, which the guest's kernel has as a device of its own (tpm_vtpm_proxy). It
 * knows nothing of the first one, which stays where it is and is not asked any more.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { until } from '../../radio/guest/world.ts';
import { ask, Service } from './programs.ts';

export class OtherTpms implements AsyncDisposable {
  readonly #tpms: Service[] = [];

  get count(): number {
    return this.#tpms.length;
  }

  /** @returns the node of the new one */
  async next(): Promise<string> {
    const number = this.#tpms.length + 1;
    if (number === 1) await ask('modprobe', 'tpm_vtpm_proxy');
    const folder = `/run/tpm-${number}`;
    mkdirSync(folder, { mode: 0o700 });
    const tpm = new Service(`swtpm-${number}`, [
      'swtpm',
      'chardev',
      '--vtpm-proxy',
      '--tpm2',
      '--tpmstate',
      `dir=${folder}`,
    ]);
    tpm.start();
    this.#tpms.push(tpm);
    const node = `/dev/tpmrm${number}`;
    await until(node, 60, () => existsSync(node));
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tpm of this.#tpms) await tpm.end('SIGKILL');
  }
}
