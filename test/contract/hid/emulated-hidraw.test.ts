/**
 * The contract of the HID seam once more, by the real Linux host with unmodified node-hid, on a /dev/hidraw0 that
 * umockdev pretends and the virtual authenticator answers. The suite runs in a process of its own under the bridge.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { missingForBridge, runUnderBridge } from '../../support/umockdev/bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SUITE = 'the HID seam on the hidraw devices of this machine';
const missing = missingForBridge();

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Listens for the words `remove` and `insert` of the suite. */
async function replugger(authenticator: VirtualAuthenticator) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (data.toString('utf8') === 'remove\n') authenticator.remove();
      else authenticator.insert();
    });
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, [Symbol.dispose]: () => void server.close() };
}

describe.skipIf(missing !== null)(`emulated hidraw${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  it('keeps the whole contract of the HID seam', async () => {
    const authenticator = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy });
    await using server = await TcpServer.start(authenticator, 0);
    using operator = await replugger(authenticator);
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-hid-contract-'));
    try {
      const output = join(folder, 'report.json');
      const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
      const suite = ['run', 'test/contract/hid/hid.test.ts', '-t', SUITE, '--reporter=json', `--outputFile=${output}`];
      const { status, stderr } = await runUnderBridge(
        { protocol: 'tcp', address: `127.0.0.1:${server.port}` },
        [process.execPath, vitest, ...suite],
        {
          cwd: ROOT,
          env: { ...process.env, UNLOCKD_TEST_HIDRAW: '1', UNLOCKD_TEST_HIDRAW_REPLUG_PORT: String(operator.port) },
        },
      );
      const report = JSON.parse(await readFile(output, 'utf8')) as Report;
      const ran = report.testResults.flatMap((file) => file.assertionResults).filter((it) => it.status !== 'skipped');
      expect(ran.filter(({ status }) => status !== 'passed')).toEqual([]);
      expect(ran.map(({ title }) => title)).toContain('says when the device goes and comes');
      expect(ran.length).toBe(8);
      expect(status, stderr).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
