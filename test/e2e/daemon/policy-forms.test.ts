/**
 * The policy at a real daemon, from the build: written as TOML, signed by a key of the fleet, put in force by the next
 * unlock, brought over from Windows, and told under Windows' event ids.
 */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import type { Stage } from '../../demo/stage.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { ctl, enrolledStage, notRoot } from './ctl.ts';

const PIN = '271828';
const missing = notRoot() ?? (await swtpmMissing()) ?? missingForBridge();
const title = (text: string): string => (missing === null ? text : `${text} (${missing})`);

const TOML = `version = 2

[contexts.unlock]
first = ["pin"]
then = ["securityKey"]

[pin]
minLength = 6
history = 3
`;

const REG = `REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\PassportForWork\\PINComplexity]\r\n"History"=dword:00000007\r\n`;

describe.skipIf(missing !== null)(
  title('policies in their forms, at a real daemon that takes signed ones only'),
  () => {
    let stage: Stage;
    let folder: string;
    let secretKey: string;
    const run = (...args: readonly string[]) => ctl(stage.socket, args);
    const write = async (name: string, text: string): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, text, { mode: 0o600 });
      return path;
    };
    const sign = async (file: string, version: number, key = secretKey): Promise<string> => {
      const output = join(folder, `signed-${version}.json`);
      const ran = await run('policy', 'sign', file, '--key', key, '--document-version', `${version}`, '-o', output);
      expect(ran.status).toBe(0);
      return output;
    };
    const privatePem = (key: ReturnType<typeof generateKeyPairSync>['privateKey']): string =>
      key.export({ type: 'pkcs8', format: 'pem' }).toString();

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'unlockd-e2e-policy-'));
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      secretKey = await write('document-key.pem', privatePem(privateKey));
      const keys = await write('document-keys.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString());
      ({ stage } = await enrolledStage(PIN, [`policy.document_key=${keys}`]));
    });
    afterAll(async () => {
      await stage?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('refuses what is not signed, or not by its key', async () => {
      const toml = await write('policy.toml', TOML);
      expect((await run('policy', 'set', toml)).code).toBe('ERR_POLICY_DOCUMENT_UNSIGNED');
      const other = await write('other-key.pem', privatePem(generateKeyPairSync('ed25519').privateKey));
      const forged = await run('policy', 'set', await sign(toml, 9, other));
      expect(forged.code).toBe('ERR_POLICY_DOCUMENT_SIGNATURE');
    });

    it('takes a signed one, which the next unlock puts in force, and the one before it not again', async () => {
      const first = await sign(await write('policy.toml', TOML), 1);
      const set = await run('policy', 'set', first);
      expect([set.status, (set.answer.result as { pending: string[] }).pending]).toEqual([0, ['root']]);
      const unlocked = await ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret: PIN });
      expect(unlocked.answer.result).toMatchObject({ policyInForce: 2 });
      const second = await sign(await write('next.toml', TOML.replace('history = 3', 'history = 4')), 2);
      expect((await run('policy', 'set', second)).status).toBe(0);
      for (const replayed of [first, second]) {
        expect((await run('policy', 'set', replayed)).code).toBe('ERR_POLICY_DOCUMENT_OLDER');
      }
      const shown = await run('policy', 'export');
      expect((shown.answer.result as { content: string }).content).toContain('history = 4\n');
    });

    it('remembers over a restart which versions it has taken', async () => {
      await stage.stopDaemon();
      await stage.startDaemon();
      const again = await sign(await write('again.toml', TOML), 2);
      expect((await run('policy', 'set', again)).code).toBe('ERR_POLICY_DOCUMENT_OLDER');
    });

    it('takes what came from Windows once it is signed', async () => {
      const imported = join(folder, 'imported.toml');
      expect((await run('policy', 'import', await write('hello.reg', REG), '-o', imported)).status).toBe(0);
      const set = await run('policy', 'set', await sign(imported, 3));
      expect((set.answer.result as { document: { pin: { history: number } } }).document.pin.history).toBe(7);
    });

    it('tells unlocks under the ids of Windows', async () => {
      await ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret: '000000' });
      const events = (await run('events', '--windows', '--last', '100')).answer.result as {
        events: { windows: { id: number; fields: Record<string, unknown> } | null }[];
      };
      const ids = events.events.map(({ windows }) => windows?.id);
      expect(ids.slice(0, 2)).toEqual([3520, 8520]);
      expect(ids).toContain(7520);
      const begun = events.events[0]?.windows?.fields;
      expect(begun).toEqual({
        DeviceUnlockProvider: null,
        DeviceUnlockGroupA: '{D6886603-9D2F-4EB2-B667-1971041FA96B}',
        DeviceUnlockGroupB: 'securityKey',
      });
      expect(events.events[1]?.windows?.fields.ProcessingTime).toBeGreaterThan(0);
    });
  },
);
