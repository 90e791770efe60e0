/**
 * The table of response codes against two sources that know nothing of it: the codes that experiments on a software
 * TPM met, and `tpm2_rc_decode` of tpm2-tools for every code of the table in every place.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodeResponseCode, RESPONSE_CODES } from '../../../drivers/tpm2/wire/response-codes.ts';
import { toolMissing } from '../../support/tpm/tpm2-tools.ts';

const run = promisify(execFile);

/** Response code, text; each was seen on swtpm in the situation that the product has to recognise. */
const VECTORS = [
  [0x98e, 'TPM_RC_AUTH_FAIL (session 1)'],
  [0x9a2, 'TPM_RC_BAD_AUTH (session 1)'],
  [0x921, 'TPM_RC_LOCKOUT'],
  [0x922, 'TPM_RC_RETRY'],
  [0x1c4, 'TPM_RC_VALUE (parameter 1)'],
  [0x126, 'TPM_RC_POLICY'],
  [0x149, 'TPM_RC_NV_AUTHORIZATION'],
  [0x12f, 'TPM_RC_AUTH_UNAVAILABLE'],
  [0x124, 'TPM_RC_AUTH_TYPE'],
  [0x99d, 'TPM_RC_POLICY_FAIL (session 1)'],
  [0x5db, 'TPM_RC_SIGNATURE (parameter 5)'],
  [0x2db, 'TPM_RC_SIGNATURE (parameter 2)'],
  [0x4c4, 'TPM_RC_VALUE (parameter 4)'],
  [0x1cf, 'TPM_RC_NONCE (parameter 1)'],
  [0x902, 'TPM_RC_OBJECT_MEMORY'],
  [0x903, 'TPM_RC_SESSION_MEMORY'],
  [0x101, 'TPM_RC_FAILURE'],
  [0x1df, 'TPM_RC_INTEGRITY (parameter 1)'],
  [0x14a, 'TPM_RC_NV_UNINITIALIZED'],
  [0x9a3, 'TPM_RC_EXPIRED (session 1)'],
  [0x1d5, 'TPM_RC_SIZE (parameter 1)'],
  [0x18b, 'TPM_RC_HANDLE (handle 1)'],
  [0xfc4, 'TPM_RC_VALUE (parameter 15)'],
  [0x084, 'TPM_RC_VALUE'],
  [0x000, 'TPM_RC_SUCCESS'],
  [0x01e, 'TPM_RC_BAD_TAG'],
] as const;

describe('a response code', () => {
  for (const [rc, text] of VECTORS) {
    it(`0x${rc.toString(16)} is ${text}`, () => expect(decodeResponseCode(rc).text).toBe(text));
  }

  it('says which session, handle or parameter it is about', () => {
    expect(decodeResponseCode(0x98e)).toMatchObject({ format: 1, session: 1, base: 0x08e, name: 'TPM_RC_AUTH_FAIL' });
    expect(decodeResponseCode(0x18b)).toMatchObject({ format: 1, handle: 1, base: 0x08b });
    expect(decodeResponseCode(0x5db)).toMatchObject({ format: 1, parameter: 5, base: 0x09b });
    expect(decodeResponseCode(0x921)).toMatchObject({ format: 0, severity: 'warning', base: 0x921 });
    expect(decodeResponseCode(0x101)).toMatchObject({ format: 0, severity: 'error', base: 0x101 });
  });

  it('that no table has keeps its number', () => {
    expect(decodeResponseCode(0x5ff).name).toBe('TPM_RC 0x0BF');
    expect(decodeResponseCode(0x1ff)).toMatchObject({ base: 0xbf, parameter: 1 });
    expect(decodeResponseCode(0x57f)).toMatchObject({ name: 'TPM_RC 0x57F', words: 'a code of the vendor' });
    expect(decodeResponseCode(0xa000a)).toMatchObject({ name: 'TPM_RC 0xA000A', format: 0, base: 0xa000a });
    expect(decodeResponseCode(0xffffffff).name).toBe('TPM_RC 0xFFFFFFFF');
  });

  it('is listed once', () => {
    expect(new Set(RESPONSE_CODES.map(([code]) => code)).size).toBe(RESPONSE_CODES.length);
    expect(new Set(RESPONSE_CODES.map(([, name]) => name)).size).toBe(RESPONSE_CODES.length);
  });
});

/** What tpm2-tools makes of a code: the place it names, and its words when it knows the code. */
async function fromTools(rc: number): Promise<{ place: string; words: string }> {
  const { stdout } = await run('tpm2_rc_decode', [`0x${rc.toString(16)}`]);
  const [, place = '', words = ''] = /^tpm:([^:]*):\s*(.*)$/.exec(stdout.trim()) ?? [];
  return { place, words };
}

function expectedPlace(rc: number): string {
  const { format, handle, session, parameter, severity } = decodeResponseCode(rc);
  if (format === 0) return severity === 'warning' ? 'warn(2.0)' : 'error(2.0)';
  if (parameter !== undefined) return `parameter(${parameter})`;
  if (session !== undefined) return `session(${session})`;
  return `handle(${handle ?? 'unk'})`;
}

const missing = await toolMissing('tpm2_rc_decode');
const title = missing === null ? 'tpm2-tools agrees' : `tpm2-tools agrees (skipped: ${missing})`;

describe.skipIf(missing !== null)(title, () => {
  it('about the place of every vector, and knows it', async () => {
    for (const [rc] of VECTORS) {
      // TPM 1.2 shares the codes below; and the tool reads three of the four bits of a parameter number.
      if (rc < 0x080 || (decodeResponseCode(rc).parameter ?? 0) > 7) continue;
      const { place, words } = await fromTools(rc);
      expect(`0x${rc.toString(16)} ${place}`).toBe(`0x${rc.toString(16)} ${expectedPlace(rc)}`);
      expect(words).not.toMatch(/unknown|null/);
    }
  });

  it('that every code of the table exists, and that no code between them does', async () => {
    const known = new Set(RESPONSE_CODES.map(([code]) => code));
    const ranges = [
      [0x100, 0x160],
      [0x080, 0x0b0],
      [0x900, 0x930],
    ] as const;
    for (const [from, to] of ranges) {
      for (let code = from; code < to; code++) {
        const { words } = await fromTools(code);
        const exists = words !== '' && !/unknown|\(null\)/.test(words);
        expect(`0x${code.toString(16)}: ${exists}`).toBe(`0x${code.toString(16)}: ${known.has(code)}`);
      }
    }
  });
});
