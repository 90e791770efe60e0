/**
 * Twin TPMs: two software TPMs from one state, so that they have the same seeds and proofs. Ours talks to the first,
 * tpm2-tss to the second; Names, digests, tickets and blobs of the one then mean the same to the other.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { Tpm } from '../../../drivers/tpm2/index.ts';
import { type Swtpm, startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';
import { type Esapi, startEsapi } from './esapi.ts';

export interface Twins extends AsyncDisposable {
  readonly tpm: Tpm;
  readonly esapi: Esapi;
  /** _TPM_Init of both: what a reset line does. They then wait for TPM2_Startup. */
  init(): Promise<void>;
}

/** CMD_INIT of the control channel: command 2 and no flags; the answer is a result code. */
function initOverControlChannel(swtpm: Swtpm): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(swtpm.ctrlPath);
    socket.on('connect', () => socket.write(Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0)));
    socket.on('error', reject);
    socket.on('data', (answer) => {
      socket.destroy();
      if (answer.readUInt32BE() === 0) resolve();
      else reject(new Error('CMD_INIT was refused'));
    });
  });
}

export async function startTwins(): Promise<Twins> {
  const folder = await mkdtemp(join(tmpdir(), 'tpm-twins-'));
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  // The first start makes the seeds; an orderly stop writes them.
  await (await startSwtpm({ dir: first })).close();
  await cp(first, second, { recursive: true });
  const mine = await startSwtpm({ dir: first });
  const theirs = await startSwtpm({ dir: second });
  const transport = await linuxTpm(mine.config).open({ signal: new AbortController().signal });
  const tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
  const esapi = startEsapi(theirs.config);
  return {
    tpm,
    esapi,
    init: async () => {
      await initOverControlChannel(mine);
      await initOverControlChannel(theirs);
    },
    [Symbol.asyncDispose]: async () => {
      await tpm.close();
      await esapi[Symbol.asyncDispose]();
      await mine.close();
      await theirs.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
