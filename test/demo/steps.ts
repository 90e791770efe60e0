/**
 * The script of the demo, told with the real parts of a stage. Secrets of the script (PINs, sheets) go in through
 * descriptors, as they do for people who script the command line.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { run } from './child.ts';
import type { Outcome, Scene } from './scene.ts';
import { proofOf, sealedProof } from './sealed.ts';
import { BUILD, type Ctl, type Stage } from './stage.ts';

export interface Pins {
  readonly first: string;
  readonly next: string;
  readonly wrong: string;
}

const PINS: Pins = { first: '271828', next: '161803', wrong: '999999' };
export const PURPOSE = 'demo';

interface Attempt {
  readonly what: string;
  readonly rc: number | null;
  readonly text: string;
  readonly released: boolean;
}

const hex = (rc: number | null): string => (rc === null ? 'no response code' : `0x${rc.toString(16).toUpperCase()}`);
const refusal = ({ answer }: Ctl): string => answer.error?.code ?? 'no error';
const said = (ctl: Ctl): string[] =>
  ctl.events.flatMap(({ type, text, refusal: refused }) => {
    if (type === 'touch' || type === 'insert') return [String(text)];
    return type === 'refused' ? [String((refused as { message?: string }).message)] : [];
  });
const reasons = (ctl: Ctl): string[] =>
  (ctl.answer.reasons ?? []).map(({ ok, text, depth }) => `${'  '.repeat(depth)}${ok ? '✓' : '✗'} ${text}`);

/** Runs the attacker's program beside the key, which answers it as it answers anybody who is touched. */
async function attackerTries(stage: Stage, folder: string, pin: string, withKey: boolean): Promise<Attempt[]> {
  const program = [process.execPath, join(BUILD, 'test/attacker/main.js')];
  const args = ['--tcti', stage.tcti, '--state', folder, '--uid', String(process.getuid?.() ?? 0), '--pin-fd', '0'];
  const command = [...program, ...args, ...(withKey ? ['--key'] : [])];
  const ended = await run(withKey ? stage.besideTheKey(command) : command, { input: pin });
  const line = ended.stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`the attacker's program failed: ${ended.stderr}`);
  return (JSON.parse(line) as { attempts: Attempt[] }).attempts;
}

export class Script {
  readonly #stage: Stage;
  readonly #scene: Scene;
  readonly #pins: Pins;
  #sheet = '';
  #ownerSheet = '';
  #oldFiles = '';

  constructor(stage: Stage, scene: Scene, pins: Pins = PINS) {
    this.#stage = stage;
    this.#scene = scene;
    this.#pins = pins;
  }

  /** The sheets that were shown so far. */
  get sheets(): { readonly recovery: string; readonly owner: string } {
    return { recovery: this.#sheet, owner: this.#ownerSheet };
  }

  /** The files as they were before the PIN change. */
  get oldFiles(): string {
    return this.#oldFiles;
  }

  async play(): Promise<void> {
    await this.#enrolment();
    await this.#unlocking();
    await this.#pinChange();
    await this.#attack();
    await this.#stage.stopDaemon();
  }

  /** Unlocks for the purpose of the demo and returns the key that came over descriptor 4. */
  async #unlock(pin: string): Promise<{ ctl: Ctl; key: Buffer }> {
    const args = ['unlock', '--purpose', PURPOSE, '--pin-fd', '3', '--out-fd', '4'];
    const ctl = await this.#stage.ctl(args, { extra: [pin, null] });
    return { ctl, key: ctl.extra[1] ?? Buffer.alloc(0) };
  }

  /** Whether a released key is the sealed one, by an HMAC over a fresh nonce from both ends. */
  async #isSealedKey(key: Buffer): Promise<Outcome> {
    const uid = process.getuid?.() ?? 0;
    const nonce = randomBytes(16);
    const sealed = await sealedProof(this.#stage.stateFolder, uid, this.#sheet, PURPOSE, nonce);
    const released = proofOf(key, nonce);
    const ok = key.length === 32 && sealed === released;
    return { ok, got: ok ? 'granted; the released key is the sealed one' : 'another key was released' };
  }

  async #enrolment(): Promise<void> {
    const stage = this.#stage;
    await this.#scene.step('the daemon starts', 'it listens on its socket', async () => {
      await stage.startDaemon();
      return { ok: true, got: 'it listens on its socket' };
    });
    await this.#scene.step(
      'unmodified node-hid looks for security keys',
      '/dev/hidraw0 with usage page 0xF1D0',
      async () => {
        const command = [process.execPath, join(BUILD, 'test/demo/list-keys.js')];
        const { stdout, stderr } = await run(stage.besideTheKey(command));
        const got = stdout.trim() || stderr.trim();
        return { ok: got.startsWith('/dev/hidraw0 ') && got.includes('0xF1D0'), got };
      },
    );
    await this.#scene.step('unlockctl setup', 'the TPM limits PIN tries: the PIN counts as bound', async () => {
      const { answer, sheet } = await stage.ctlWithSheet(['setup']);
      this.#ownerSheet = sheet;
      const bound = answer.result?.pinIsBound === true;
      const guesses = `${answer.result?.maxTries} tries, then ${answer.result?.guessesPerDay} a day`;
      return { ok: answer.ok && bound, got: answer.ok ? guesses : String(answer.error?.code) };
    });
    await this.#scene.step('unlockctl policy show', 'first PIN, then security key', async () => {
      const { answer } = await stage.ctl(['policy', 'show']);
      const words = String(answer.result?.words);
      return { ok: words === 'first PIN, then security key', got: words };
    });
    await this.#scene.step('unlockctl enrol', 'enrolled; opens with both factors only', async () => {
      const ctl = await stage.ctlWithSheet(['enrol', '--new-pin-fd', '5'], [this.#pins.first]);
      this.#sheet = ctl.sheet;
      const { answer } = ctl;
      const got = answer.ok ? `opens with ${answer.result?.opensWith} (${answer.result?.strength})` : refusal(ctl);
      return { ok: answer.ok && answer.result?.strength === 'bound-2', got, lines: said(ctl) };
    });
  }

  async #unlocking(): Promise<void> {
    const stage = this.#stage;
    await this.#scene.step(
      'unlockctl unlock, the key is not touched',
      'denied: the security key is missing',
      async () => {
        stage.touches = false;
        const { ctl, key } = await this.#unlock(this.#pins.first);
        stage.touches = true;
        const missing = String(ctl.answer.error?.detail.missing);
        const ok =
          ctl.status === 3 && refusal(ctl) === 'ERR_POLICY_DENIED' && missing === 'a security key' && key.length === 0;
        return { ok, got: `${refusal(ctl)}; missing: ${missing}`, lines: [...said(ctl), ...reasons(ctl)] };
      },
    );
    await this.#scene.step(
      'unlockctl unlock, both factors',
      'granted; the released key is the sealed one',
      async () => {
        const { ctl, key } = await this.#unlock(this.#pins.first);
        if (!ctl.answer.ok) return { ok: false, got: refusal(ctl), lines: reasons(ctl) };
        return { ...(await this.#isSealedKey(key)), lines: said(ctl) };
      },
    );
    await this.#scene.step(
      'unlockctl unlock, a wrong PIN',
      'refused before a touch is asked; one try fewer',
      async () => {
        const before = await this.#pinTries();
        const { ctl } = await this.#unlock(this.#pins.wrong);
        const after = await this.#pinTries();
        const touched = ctl.events.some(({ type }) => type === 'touch');
        const ok = !ctl.answer.ok && !touched && after.soft === before.soft - 1 && after.tpm === before.tpm + 1;
        const counted = `${before.soft} → ${after.soft} tries; the TPM counts ${before.tpm} → ${after.tpm}`;
        return { ok, got: `${touched ? 'a touch was asked' : 'no touch asked'}; ${counted}`, lines: said(ctl) };
      },
    );
  }

  async #pinTries(): Promise<{ soft: number; tpm: number }> {
    const { answer } = await this.#stage.ctl(['status']);
    const { own, tpm } = answer.result as { own: { pinTriesLeft: number }; tpm: { lockout: { counter: number } } };
    return { soft: own.pinTriesLeft, tpm: tpm.lockout.counter };
  }

  async #pinChange(): Promise<void> {
    const stage = this.#stage;
    await this.#scene.step('unlockctl pin change', 'changed, the old state revoked in the TPM', async () => {
      this.#oldFiles = await stage.copyFiles('old-files');
      const ctl = await stage.ctl(['pin', 'change', '--pin-fd', '3', '--new-pin-fd', '4'], {
        extra: [this.#pins.first, this.#pins.next],
      });
      const { answer } = ctl;
      return {
        ok: answer.ok,
        got: answer.ok ? `changed; epoch ${answer.result?.epoch}` : refusal(ctl),
        lines: said(ctl),
      };
    });
    await this.#scene.step('unlockctl unlock, the new PIN', 'granted; the released key is the sealed one', async () => {
      const { ctl, key } = await this.#unlock(this.#pins.next);
      if (!ctl.answer.ok) return { ok: false, got: refusal(ctl), lines: reasons(ctl) };
      return await this.#isSealedKey(key);
    });
  }

  async #attack(): Promise<void> {
    const stage = this.#stage;
    await this.#scene.step(
      'attacker: the old files, the old PIN and the key',
      'the TPM refuses with 0x126 (TPM_RC_POLICY): the old policy is revoked',
      async () => {
        const [first] = await attackerTries(stage, this.#oldFiles, this.#pins.first, true);
        const ok = first !== undefined && !first.released && first.rc === 0x126;
        const meaning = ok ? ': refused by the TPM, the epoch counter has moved on' : '';
        return { ok, got: `${hex(first?.rc ?? null)}${meaning}`, lines: [first?.text ?? ''] };
      },
    );
    await this.#scene.step(
      'attacker: all files and the PIN, no key, evaluate() skipped',
      'the TPM refuses with 0x1C4 (TPM_RC_VALUE): this is not the approved policy',
      async () => {
        const files = await stage.copyFiles('stolen-files');
        const attempts = await attackerTries(stage, files, this.#pins.next, false);
        const released = attempts.some((attempt) => attempt.released);
        const codes = attempts.map(({ what, rc, text }) => `${what}: ${hex(rc)}${text === '' ? '' : ` (${text})`}`);
        const expected = [0x1c4, 0x9a2, 0x99d, 0x12f];
        const ok = !released && expected.every((rc, index) => attempts[index]?.rc === rc);
        const meaning = ok ? `all ${attempts.length} attempts refused by the TPM: ` : '';
        return { ok, got: `${meaning}${attempts.map(({ rc }) => hex(rc)).join(', ')}`, lines: codes };
      },
    );
    await this.#scene.step('unlockctl unlock afterwards', 'granted; the rightful user lost nothing', async () => {
      const { ctl, key } = await this.#unlock(this.#pins.next);
      if (!ctl.answer.ok) return { ok: false, got: refusal(ctl), lines: reasons(ctl) };
      return await this.#isSealedKey(key);
    });
  }
}
