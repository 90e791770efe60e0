/** The rules of a PIN from end to end: what is refused, what is remembered, and what a limit does not destroy. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { endOf, kept, refusals } from '../bad-input/scene.ts';

const PIN = { pin: '246813' };
const WRONG = { pin: ['000001', '000002', '000003'] };
let agent: TestAgent;
let sheet = '';
beforeEach(async () => {
  agent = await TestAgent.start();
  sheet = await agent.setUpAndEnrol(1000);
});
afterEach(() => agent.close());

const change = (from: string, ...to: readonly string[]) =>
  agent.run(1000, { kind: 'pin-change' }, { pin: from, 'new-pin': to });

describe('a new PIN', () => {
  it('too short, simple, not text: each refused by its own code and asked again, and the last good one is taken', async () => {
    const changed = await change('246813', '13579', '111111', '123456', '97531\u0007', '975310');
    expect(refusals(changed)).toEqual(['ERR_PIN_TOO_SHORT', 'ERR_PIN_SIMPLE', 'ERR_PIN_SIMPLE', 'ERR_PIN_NOT_TEXT']);
    expect(changed.done).toMatchObject({ changed: true });
    expect(endOf(await agent.run(1000, UNLOCK, { pin: '975310' }))).toBe('done');
  });

  it('five bad ones end the change with the code of the last, and the old PIN stays', async () => {
    const before = await kept(agent.folder);
    expect(endOf(await change('246813', '1', '2', '3', '4', '135'))).toBe('ERR_PIN_TOO_SHORT');
    expect(await kept(agent.folder)).toEqual(before);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('with a history of three, none of the last three comes again, the fourth does, and a refusal changes nothing', async () => {
    await agent.service.setPolicy(
      peer(0),
      '{"version": 1, "first": ["pin"], "then": ["securityKey"], "pin": {"history": 3}}',
    );
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
    expect(endOf(await change('246813', '975310'))).toBe('done');
    expect(endOf(await change('975310', '864209'))).toBe('done');
    for (const again of ['864209', '975310']) expect(endOf(await change('864209', again))).toBe('ERR_PIN_REUSED');
    expect(endOf(await agent.run(1000, UNLOCK, { pin: '864209' }))).toBe('done');
    expect(endOf(await change('864209', '314159'))).toBe('done');
    expect(endOf(await change('314159', '975310'))).toBe('ERR_PIN_REUSED');
    expect(endOf(await change('314159', '271828'))).toBe('done');
    expect(endOf(await change('271828', '975310'))).toBe('done');
  });
});

describe('five wrong PINs', () => {
  const limit = async (): Promise<void> => {
    await agent.run(1000, UNLOCK, WRONG);
    await agent.run(1000, UNLOCK, WRONG);
  };

  it('make it wait, survive a restart, and leave the TPM where it was: the sixth is not asked of it', async () => {
    const before = await kept(agent.folder);
    await limit();
    await agent.restart();
    const limited = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(limited)).toBe('ERR_PIN_SOFT_LIMIT');
    const refused = limited.events.find((event) => event.type === 'refused');
    expect(refused).toMatchObject({ refusal: { detail: { waitSeconds: expect.any(Number) } } });
    const { own, tpm } = await agent.service.status(peer(1000));
    expect([own.pinTriesLeft, own.state, tpm.lockout?.counter]).toEqual([0, 'locked', 5]);
    expect(await kept(agent.folder)).toEqual(before);
  });

  it('do not keep the recovery sheet from opening the container, which the new PIN then does', async () => {
    await limit();
    const recovered = await agent.run(1000, { kind: 'recover' }, { recovery: sheet, 'new-pin': '975310' });
    expect(endOf(recovered)).toBe('done');
    expect(endOf(await agent.run(1000, UNLOCK, { pin: '975310' }))).toBe('done');
  });

  it('of one user cost another one nothing but the tries of the TPM', async () => {
    await agent.setUpAndEnrol(1001, '314159');
    await limit();
    expect((await agent.service.status(peer(1001))).own.pinTriesLeft).toBe(5);
    expect(endOf(await agent.run(1001, UNLOCK, { pin: '314159' }))).toBe('done');
  });
});

describe('what is written down of it', () => {
  it('the events of a flow, in order, each of its own user, and no PIN or group of the sheet', async () => {
    await agent.run(1000, UNLOCK, { pin: ['000001', '246813'] });
    await agent.service.lock(peer(1000));
    expect(endOf(await change('246813', '975310'))).toBe('done');
    await agent.run(1000, { kind: 'unenrol', uid: null });
    expect(agent.audit.map(({ event, uid }) => `${event} ${uid}`)).toEqual([
      'machine-set-up null',
      'enrolled 1000',
      'unlock-begun 1000',
      'pin-wrong 1000',
      'unlocked 1000',
      'locked 1000',
      'pin-changed 1000',
      'counter-freed 1000',
      'unenrolled 1000',
    ]);
    const text = JSON.stringify(agent.audit);
    for (const secret of ['246813', '000001', '975310', ...sheet.split('-')]) expect(text).not.toContain(secret);
  });
});
