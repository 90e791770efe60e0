/**
 * A managed machine with today's commands, as docs/guides/managed-machine.md tells it: the real daemon with
 * `policy.authority_file`, the real command line, and the signer as a process that alone has the key.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { type Ctl, Stage } from '../../demo/stage.ts';
import { approvalOf, type Signer, SignerProgram } from '../../support/authority/signer-program.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { requireBuild } from '../demo/built.ts';

const missing = (await swtpmMissing()) ?? missingForBridge();
const PIN = '604182793561';
const uid = process.getuid?.() ?? 0;

describe.skipIf(missing !== null)(
  `a managed machine by the command line${missing === null ? '' : ` (${missing})`}`,
  () => {
    let program: SignerProgram;
    let signer: Signer;
    let stage: Stage;
    beforeAll(async () => {
      requireBuild();
      program = await SignerProgram.build();
      signer = await program.authority('authority');
      stage = await Stage.set({ settings: [`policy.authority_file=${signer.publicFile}`] });
      await stage.startDaemon();
      expect((await stage.ctlWithSheet(['setup'])).answer).toMatchObject({ ok: true });
    }, 120_000);
    afterAll(async () => {
      await stage?.close();
      await program?.[Symbol.asyncDispose]();
    });

    const unlock = (...context: string[]): Promise<Ctl> =>
      stage.ctl(['unlock', '--purpose', 'test', ...context, '--pin-fd', '3', '--out-fd', '4'], { extra: [PIN, null] });
    const keyOf = ({ extra }: Ctl): string => extra[1]?.toString('hex') ?? '';

    /** `policy request -o`, the signer, `policy apply -`. */
    async function signAndApply(): Promise<Ctl> {
      const file = join(stage.folder, 'request.json');
      expect((await stage.ctl(['policy', 'request', '--output', file])).answer).toMatchObject({ ok: true });
      const approval = approvalOf(await signer.sign(await readFile(file, 'utf8')));
      return await stage.ctl(['policy', 'apply', '-', '--pin-fd', '3'], { extra: [PIN], input: approval });
    }

    it('enrols, and refuses to unlock before the signer has spoken', async () => {
      const enrolled = await stage.ctlWithSheet(['enrol', '--new-pin-fd', '5'], [PIN]);
      expect(enrolled.answer).toMatchObject({ ok: true, result: { state: 'pending-signature' } });
      const refused = await unlock();
      expect(refused.answer).toMatchObject({ ok: false, error: { code: 'ERR_CONTAINER_PENDING_SIGNATURE' } });
      expect(refused.extra[1]).toHaveLength(0);
    });

    it('opens after two requests: for the counter, and for the policy', async () => {
      expect((await signAndApply()).answer).toMatchObject({ ok: true, result: { counterWritten: true } });
      expect((await signAndApply()).answer).toMatchObject({ ok: true, result: { applied: true } });
      const opened = await unlock();
      expect(opened.answer).toMatchObject({ ok: true });
      expect(opened.extra[1]).toHaveLength(32);
    });

    it('refuses a PIN change, and every byte of the state file stays', async () => {
      const state = () => readFile(join(stage.stateFolder, 'containers', `${uid}.state`), 'hex');
      const before = await state();
      const { answer } = await stage.ctl(['pin', 'change', '--pin-fd', '3', '--new-pin-fd', '4'], {
        extra: [PIN, '930574826194'],
      });
      expect(answer).toMatchObject({ ok: false, error: { code: 'ERR_POLICY_SIGNER_UNREACHABLE' } });
      expect(await state()).toBe(before);
      expect((await unlock()).answer).toMatchObject({ ok: true });
    });

    it('is managed after a restart as well', async () => {
      await stage.stopDaemon();
      await stage.startDaemon();
      expect((await stage.ctl(['policy', 'show'])).answer).toMatchObject({
        ok: true,
        result: { authority: 'managed' },
      });
      expect((await unlock()).answer).toMatchObject({ ok: true });
    });

    it('has a wallet of its own by one request and one answer; the file from before opens it no more', async () => {
      const wallet = () => unlock('--context', 'wallet');
      const set = async (minLength: number): Promise<void> => {
        const file = join(stage.folder, 'policy.json');
        const pair = { require: { all: ['pin', 'securityKey'] } };
        await writeFile(
          file,
          JSON.stringify({ version: 2, contexts: { unlock: pair, wallet: pair }, pin: { minLength } }),
        );
        expect((await stage.ctl(['policy', 'set', file])).answer).toMatchObject({ ok: true });
        const { answer } = await signAndApply();
        expect(answer).toMatchObject({ ok: true, result: { applied: true, contexts: 'wallet' } });
      };
      const withFile = async (name: string): Promise<Ctl> => {
        await stage.stopDaemon();
        await copyFile(join(stage.folder, name), state);
        await stage.startDaemon();
        return await wallet();
      };
      const state = join(stage.stateFolder, 'containers', `${uid}.state`);
      await set(6);
      const [desk, own] = [keyOf(await unlock()), keyOf(await wallet())];
      expect([desk.length, own.length, desk === own]).toEqual([64, 64, false]);
      await copyFile(state, join(stage.folder, 'before'));
      await set(8);
      await copyFile(state, join(stage.folder, 'now'));
      const old = await withFile('before');
      expect([old.status, old.answer.error?.code, keyOf(old)]).toEqual([8, 'ERR_EPOCH_AHEAD', '']);
      expect(keyOf(await withFile('now'))).toBe(own);
    });
  },
);
