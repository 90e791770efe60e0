/**
 * The TPM says ahead that the authority has signed the policy, and its ticket is kept until the policy is passed. One that
 * it does not know again (cleared, restarted, changed on the way) costs another look at the signature, not the unlock.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TraceFrame } from '../../../drivers/base/trace.ts';
import type { TpmHal } from '../../../drivers/hal/tpm.ts';
import { TPM_CC } from '../../../drivers/tpm2/index.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { commandCode, interposed } from '../../support/tpm2/transport.ts';

const UID = 1000;
const PIN = '246813';
/** TPM_RC_P + TPM_RC_4 + TPM_RC_VALUE: checkTicket, the fourth parameter of TPM2_PolicyAuthorize, is not from this TPM. */
const REFUSED = 0x4c4;
const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`a ticket that the TPM does not know${missing ? ` (${missing})` : ''}`, () => {
  let agent: TestAgent;
  let frames: TraceFrame[];
  /** How many tickets are still to be changed on their way. */
  let spoil = 0;

  const between = (tpm: TpmHal): TpmHal => ({
    description: tpm.description,
    open: async (options) =>
      interposed(await tpm.open(options), async (command, submit) => {
        const answer = await submit(command);
        if (commandCode(command) !== TPM_CC.VerifySignature || spoil === 0) return answer;
        spoil--;
        // TPMT_TK_VERIFIED ends in the digest that only this TPM can make.
        return answer.map((byte, at) => (at === answer.length - 1 ? byte ^ 1 : byte));
      }),
  });

  beforeEach(async () => {
    frames = [];
    spoil = 0;
    agent = await TestAgent.start({ between, trace: (frame) => frames.push(frame) });
    await agent.setUpAndEnrol(UID, PIN);
    frames = [];
  });
  afterEach(() => agent.close());

  /** Response codes of a command, in order. */
  const answersTo = (command: string): readonly number[] =>
    frames
      .filter(({ seam, direction, label }) => seam === 'tpm' && direction === 'in' && label === `TPM2_${command}`)
      .map(({ bytes }) => Buffer.from(bytes).readUInt32BE(6));

  it('a good one is used as it is: the signature is looked at once', async () => {
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).failed).toBeNull();
    expect(answersTo('VerifySignature')).toEqual([0]);
    expect(answersTo('PolicyAuthorize')).toEqual([0]);
  });

  it('is refused with 0x4C4; the signature is verified anew, and the unlock goes on', async () => {
    const known = (await agent.run(UID, UNLOCK, { pin: PIN })).out.get('purpose-key');
    frames = [];
    spoil = 1;
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.failed).toBeNull();
    expect(outcome.out.get('purpose-key')).toEqual(known);
    expect(answersTo('PolicyAuthorize')).toEqual([REFUSED, 0]);
    expect(answersTo('VerifySignature')).toEqual([0, 0]);
    expect(outcome.events.filter(({ type }) => type === 'prompt')).toHaveLength(1);
    expect(outcome.events.filter(({ type }) => type === 'touch')).toHaveLength(1);
  });

  it('one after the other: the TPM’s refusal is the end of the unlock, and the next one opens', async () => {
    spoil = Number.POSITIVE_INFINITY;
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.failed?.refusal).toMatchObject({ code: 'ERR_TPM_RESPONSE', detail: { rc: REFUSED } });
    spoil = 0;
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).failed).toBeNull();
  });

  it('a TPM that was restarted while the touch was waited for opens all the same', async () => {
    agent.touch = false;
    const restarted = new Promise<void>((resolve, reject) => {
      const stop = agent.key.presence.onWait(() => {
        stop();
        const again = async (): Promise<void> => {
          await agent.swtpm.kill();
          await agent.swtpm.start();
          agent.key.presence.touch();
        };
        again().then(resolve, reject);
      });
    });
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    await restarted;
    expect(outcome.failed).toBeNull();
    expect(outcome.events.filter(({ type }) => type === 'prompt')).toHaveLength(1);
  });
});
