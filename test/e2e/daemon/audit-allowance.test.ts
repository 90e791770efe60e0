/**
 * A user who asks for a key over and over, at the real daemon: twenty of its events are in the audit log one by one, and
 * the others as their number, which people are shown. Nobody else's events are counted with them.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../../agent/api/client.ts';
import { verifyFiles } from '../../../agent/audit/verify.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import type { Stage } from '../../demo/stage.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { ctl, enrolledStage } from './ctl.ts';

const PIN = '271828';
const ASKED = 33;
const ONE_BY_ONE = 20;
const missing = (await swtpmMissing()) ?? missingForBridge();

interface Shown {
  readonly seq: number;
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

describe.skipIf(missing !== null)(`one event over and over${missing === null ? '' : ` (${missing})`}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    ({ stage } = await enrolledStage(PIN));
    expect((await ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret: PIN })).answer.ok).toBe(true);
  });
  afterAll(() => stage?.close());

  const events = async (): Promise<readonly Shown[]> => {
    const { answer } = await stage.ctl(['events', '--last', '1000']);
    return (answer.result?.events ?? []) as readonly Shown[];
  };
  const keysAsked = async (): Promise<readonly Shown[]> =>
    (await events()).filter(({ event }) => event === 'purpose-key');

  it('is written twenty times', async () => {
    const check = { peerOf: async (socket: Parameters<typeof peerCredentials>[0]) => peerCredentials(socket) };
    const trusts = (uid: number): boolean => uid === process.getuid?.();
    const client = createClient({ socketPath: stage.socket, check: { ...check, trusts } });
    for (let n = 0; n < ASKED; n++) (await client.purposeKey(`purpose-${n}`)).dispose();
    const purposes = (await keysAsked()).map(({ detail }) => detail.purpose);
    expect(purposes).toEqual(Array.from({ length: ONE_BY_ONE }, (_, n) => `purpose-${n}`));
  });

  it('leaves other events alone meanwhile', async () => {
    expect((await stage.ctl(['lock'])).answer.result).toEqual({ wasUnlocked: true });
    expect((await events()).at(-1)?.event).toBe('locked');
  });

  it('the others become one line with their number, at the latest when the daemon stops', async () => {
    await stage.stopDaemon();
    await stage.startDaemon();
    const shown = await keysAsked();
    expect(shown).toHaveLength(ONE_BY_ONE + 1);
    expect(shown.at(-1)?.detail).toEqual({ more: ASKED - ONE_BY_ONE, withinSeconds: 600 });
    const folder = join(stage.stateFolder, 'audit');
    expect(await verifyFiles({ folder, maxBytes: 4_194_304, keepFiles: 8 })).toMatchObject({ ok: true, problem: null });
  });

  it('people are shown that number', async () => {
    const { stdout } = await ctl(stage.socket, ['events', '--last', '1000'], { json: false });
    const lines = stdout.split('\n').filter((line) => line.includes(' purpose-key'));
    expect(lines).toHaveLength(ONE_BY_ONE + 1);
    expect(lines.at(-1)).toContain(`more=${ASKED - ONE_BY_ONE} withinSeconds=600`);
  });
});
