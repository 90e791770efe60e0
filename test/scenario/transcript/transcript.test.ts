import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { readTranscript, TranscriptRecorder } from '../../../hal-mocks/transcript.ts';
import { TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

describe('a transcript of an unlock', () => {
  const recorder = new TranscriptRecorder();
  let agent: TestAgent;
  let transcript: Uint8Array;
  beforeAll(async () => {
    agent = await TestAgent.start({ trace: recorder.sink });
    await agent.setUpAndEnrol(1000);
    const before = recorder.length;
    const outcome = await agent.run(1000, UNLOCK, { pin: '246813' });
    expect(outcome.failed).toBeNull();
    expect(recorder.length).toBeGreaterThan(before);
    transcript = recorder.bytes();
  });
  afterAll(() => agent.close());

  it('holds both seams, each command with its response', () => {
    const frames = readTranscript(transcript);
    expect(frames).toHaveLength(recorder.length);
    for (const seam of ['tpm', 'hid'] as const) {
      const own = frames.filter((frame) => frame.seam === seam);
      expect(own.some(({ direction }) => direction === 'out')).toBe(true);
      expect(own.some(({ direction }) => direction === 'in')).toBe(true);
    }
    const unseals = frames.filter(({ label, direction }) => label === 'TPM2_Unseal' && direction === 'in');
    expect(unseals.length).toBeGreaterThan(0);
  });

  it('is a value or a typed error, whatever is done to it', () => {
    const piece = transcript.slice(0, 4096);
    fc.assert(
      fc.property(fc.nat(piece.length - 1), fc.nat(255), fc.nat(piece.length), (at, byte, length) => {
        const changed = piece.slice(0, length);
        if (at < changed.length) changed[at] = byte;
        try {
          for (const { bytes } of readTranscript(changed)) expect(bytes).toBeInstanceOf(Uint8Array);
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_HAL_IO')).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});
