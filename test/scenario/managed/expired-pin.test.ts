/** A PIN that has expired on a machine that cannot change it by itself: told at each unlock, and nobody is kept out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { approvalOf, type Signer, SignerProgram } from '../../support/authority/signer-program.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const DAY = 86_400_000;
const POLICY = '{"version":1,"first":["pin"],"then":["securityKey"],"pin":{"expiryDays":30}}';

describe('a PIN that expires on a managed machine', () => {
  let days = 0;
  const clock: Clock = { ...systemClock, wall: () => unixMs(systemClock.wall() + days * DAY) };
  let program: SignerProgram;
  let signer: Signer;
  let agent: TestAgent;
  beforeAll(async () => {
    program = await SignerProgram.build();
    signer = await program.authority('authority');
    agent = await TestAgent.start({ settings: { managedAuthority: () => signer.coordinates }, clock });
    await agent.service.setPolicy(peer(0), POLICY);
    await agent.setUpAndEnrol(1000);
    for (const _request of ['first-write', 'policy']) {
      const document = approvalOf(await signer.sign(await agent.service.policyRequest(peer(1000))));
      expect((await agent.run(1000, { kind: 'policy-apply', document }, { pin: '246813' })).failed).toBeNull();
    }
  });
  afterAll(async () => {
    await agent?.close();
    await program?.[Symbol.asyncDispose]();
  });

  it('says how long it is still good', async () => {
    const outcome = await agent.run(1000, UNLOCK, { pin: '246813' });
    expect(outcome.done).toMatchObject({ unlocked: true, pinExpiresInDays: 30 });
  });

  it('opens when it has expired, asks for no new one, and says why', async () => {
    days = 31;
    const outcome = await agent.run(1000, UNLOCK, { pin: '246813' });
    expect(outcome.failed).toBeNull();
    expect(outcome.done).toMatchObject({ unlocked: true, pinExpired: true });
    expect(outcome.events.filter(({ type }) => type === 'prompt')).toHaveLength(1);
    expect(outcome.events.find(({ type }) => type === 'refused')).toMatchObject({
      refusal: { code: 'ERR_POLICY_SIGNER_UNREACHABLE' },
    });
  });
});
