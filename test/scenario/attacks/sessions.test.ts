/**
 * An interposer between this program and the TPM, who has a policy session of his own: the HMAC of PolicySecret covers
 * the policy session by its handle only, so he puts his session under that handle. nonceTPM in the command, and an audit
 * session that authenticates nonceTPM, close that.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { satisfyPolicy } from '../../../agent/container/pass.ts';
import { planOf } from '../../../agent/container/plan.ts';
import { openRoot, type RootSession } from '../../../agent/container/root.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import {
  flushContext,
  load,
  policyGetDigest,
  policySecret,
  type Session,
  sessionAuth,
  startAuthSession,
  TPM_CC,
  Tpm,
} from '../../../drivers/tpm2/index.ts';
import { ROOT_HANDLE, type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { policySession, refusal } from '../../support/container/thief.ts';
import { commandCode, interposed } from '../../support/tpm2/transport.ts';

let machine: TestMachine;
let container: TestContainer;
beforeAll(async () => {
  machine = await TestMachine.start();
  container = await machine.enrol(1000);
});
afterAll(() => machine.close());

describe('PolicySecret into a session that the interposer put under the handle', () => {
  /** The victim's session is flushed behind his back and another one started: the TPM gives it the same handle. */
  async function exchanged(
    root: RootSession,
    use: (victim: Session, own: Session) => Promise<string>,
  ): Promise<string> {
    const victim = await policySession(root);
    await flushContext(root.tpm, victim.handle);
    await using own = await policySession(root);
    expect(own.handle).toBe(victim.handle);
    return await use(victim, own);
  }

  async function prove(root: RootSession, victim: Session, withNonce: boolean): Promise<string> {
    const proof = machine.proofs(container.state, { pin: '246813' }).get('pin');
    if (proof?.check !== 'secret') throw new Error('no PIN');
    await using object = await load(root.tpm, root.srk, proof.blob, { auth: sessionAuth(root.session) });
    const auth = sessionAuth(root.session, proof.authValue);
    const { nonceTPM } = victim;
    return await refusal(policySecret(root.tpm, victim, object, auth, withNonce ? { nonceTPM } : {}));
  }

  it('with the nonce of the session that was meant: 0x1CF', async () => {
    const code = await machine.withRoot((root) => exchanged(root, (victim) => prove(root, victim, true)));
    expect(code).toBe('PolicySecret 0x1CF');
  });

  it('without it, the factor lands in the session of the interposer: that is why the product always sends it', async () => {
    await machine.withRoot((root) =>
      exchanged(root, async (victim, own) => {
        const before = await policyGetDigest(root.tpm, own);
        const code = await prove(root, victim, false);
        expect(code).toBe('done');
        expect(await policyGetDigest(root.tpm, own)).not.toEqual(before);
        return code;
      }),
    );
  });

  it('with the nonce, in the session that was meant: done', async () => {
    const code = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      return await prove(root, policy, true);
    });
    expect(code).toBe('done');
  });
});

describe('what the product sends in a pass', () => {
  it('carries a 32-byte nonceTPM in every PolicySecret, that of its own session', async () => {
    const transport = await linuxTpm(machine.swtpm.config).open({ signal: new AbortController().signal });
    const sent: Uint8Array[] = [];
    const watched = interposed(transport, (command, submit) => {
      sent.push(new Uint8Array(command));
      return submit(command);
    });
    await using tpm = new Tpm(watched, { clock: systemClock, entropy: systemEntropy });
    await using root = await openRoot(tpm, { handle: ROOT_HANDLE, name: machine.machine.rootName });
    const proofs = machine.proofs(container.state, { pin: '246813', group: container.group });
    const name = nameOfBlob(container.state.sealedKey);
    await using policy = await satisfyPolicy(root, planOf(container.state), ['pin', 'securityKey'], proofs, name);
    const proved = sent.filter((command) => commandCode(command) === TPM_CC.PolicySecret);
    expect(proved.length).toBe(2);
    for (const command of proved) {
      const authSize = Buffer.from(command).readUInt32BE(18);
      const parameters = command.subarray(22 + authSize);
      expect(Buffer.from(parameters).readUInt16BE(0)).toBe(32);
      expect(parameters.subarray(2, 34)).toEqual(policy.nonceTPM);
    }
  });

  it('a nonceTPM that the interposer exchanged in the answer of StartAuthSession is noticed: nothing is proved', async () => {
    const transport = await linuxTpm(machine.swtpm.config).open({ signal: new AbortController().signal });
    const sent: number[] = [];
    const interposer = interposed(transport, async (command, submit) => {
      sent.push(commandCode(command));
      const answer = new Uint8Array(await submit(command));
      const withSessions = Buffer.from(command).readUInt16BE(0) === 0x8002;
      // tag, size, code, handle, parameterSize, nonceTPM.size, then nonceTPM.
      if (withSessions && commandCode(command) === TPM_CC.StartAuthSession) answer[20] = (answer[20] ?? 0) ^ 1;
      return answer;
    });
    await using tpm = new Tpm(interposer, { clock: systemClock, entropy: systemEntropy });
    const root = await openRoot(tpm, { handle: ROOT_HANDLE, name: machine.machine.rootName });
    const proofs = machine.proofs(container.state, { pin: '246813', group: container.group });
    const name = nameOfBlob(container.state.sealedKey);
    await expect(
      satisfyPolicy(root, planOf(container.state), ['pin', 'securityKey'], proofs, name),
    ).rejects.toMatchObject({ code: 'ERR_TPM_MALFORMED_RESPONSE' });
    expect(sent).not.toContain(TPM_CC.PolicySecret);
  });

  it('and afterwards the machine opens as before', async () => {
    await machine.withTpm((tpm) => tpm.flushLeftovers());
    expect(await refusal(machine.open(container.state, { pin: '246813', group: container.group }))).toBe('done');
    await machine.withRoot(async (root) => {
      await using audited = await startAuthSession(root.tpm, {
        kind: 'policy',
        sessions: [{ session: root.session, flags: { audit: true } }],
      });
      expect(audited.nonceTPM.length).toBe(32);
    });
  });
});
