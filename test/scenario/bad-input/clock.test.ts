/** The civil clock of the machine jumps: it lifts no limit, and locks nobody out for good. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { DAY, endOf, kept, MINUTE, refusals, SettableClock } from './scene.ts';

const PIN = { pin: '246813' };
const WRONG = { pin: ['000001', '000002', '000003'] };
let clock: SettableClock;
let agent: TestAgent;
const waitSeconds = async (): Promise<number> => {
  const { events } = await agent.run(1000, UNLOCK, PIN);
  const refused = events.find((event) => event.type === 'refused');
  return refused?.type === 'refused' ? Number(refused.refusal.detail.waitSeconds) : 0;
};

async function reachTheLimit(): Promise<void> {
  await agent.run(1000, UNLOCK, WRONG);
  await agent.run(1000, UNLOCK, WRONG);
}

beforeEach(async () => {
  clock = new SettableClock();
  agent = await TestAgent.start({ clock });
  await agent.setUpAndEnrol(1000);
});
afterEach(() => agent.close());

describe('the limit on wrong PINs', () => {
  it('a clock that goes back makes the wait start again, and does not make it longer than it ever is', async () => {
    await reachTheLimit();
    clock.shift = -30 * DAY;
    const wait = await waitSeconds();
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(600);
  });

  it('after a clock that went back, the wait ends in its time: not when the old date comes again', async () => {
    await reachTheLimit();
    clock.shift = -30 * DAY;
    expect(await waitSeconds()).toBeGreaterThan(0);
    clock.shift = -30 * DAY + 11 * MINUTE;
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('a clock that goes forward gives tries back as time does, and the TPM still counts', async () => {
    await reachTheLimit();
    expect((await agent.service.status(peer(1000))).own.pinTriesLeft).toBe(0);
    clock.shift = 11 * MINUTE;
    expect((await agent.service.status(peer(1000))).own.pinTriesLeft).toBe(1);
    expect((await agent.service.status(peer(1000))).tpm.lockout?.counter).toBe(5);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});

describe('an unlocked container with a time limit', () => {
  it('is not kept open by a clock that goes back: the time is measured, not read from the date', async () => {
    expect(endOf(await agent.run(1000, { ...UNLOCK, forSeconds: 1 }, PIN))).toBe('done');
    clock.shift = -DAY;
    await agent.parts.clock.sleep(milliseconds(1300), {});
    expect((await agent.service.status(peer(1000))).own.state).toBe('locked');
    await expect(agent.service.purposeKey(peer(1000), 'test')).rejects.toMatchObject({ code: 'ERR_CONTAINER_LOCKED' });
  });

  it('shows when it ends, and is closed by a clock that goes past it: a suspend looks like that', async () => {
    expect(endOf(await agent.run(1000, { ...UNLOCK, forSeconds: 60 }, PIN))).toBe('done');
    const { own } = await agent.service.status(peer(1000));
    expect(own.state).toBe('unlocked');
    const left = (own.unlockedUntil ?? 0) - agent.parts.clock.wall();
    expect(left).toBeGreaterThan(0);
    clock.shift = left + 1;
    expect((await agent.service.status(peer(1000))).own.state).toBe('locked');
  });
});

describe('a PIN that expires', () => {
  const EXPIRY = '{"version": 1, "first": ["pin"], "then": ["securityKey"], "pin": {"expiryDays": 1}}';
  beforeEach(async () => {
    await agent.service.setPolicy(peer(0), EXPIRY);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('a day later, unlocking asks for a new one; the old one is revoked, the purpose keys stay', async () => {
    const before = await agent.run(1000, UNLOCK, PIN);
    clock.shift = DAY + MINUTE;
    const expired = await agent.run(1000, UNLOCK, { ...PIN, 'new-pin': '975310' });
    expect(expired.done).toMatchObject({ unlocked: true, pinChanged: true });
    expect(expired.out.get('purpose-key')).toEqual(before.out.get('purpose-key'));
    expect(refusals(await agent.run(1000, UNLOCK, { pin: ['246813', '975310'] }))).toEqual(['ERR_PIN_WRONG']);
    expect((await agent.run(1000, UNLOCK, { pin: '975310' })).done).not.toHaveProperty('pinChanged');
  });

  it('without a new one nothing changes and no key is handed out; the old PIN still answers the next time', async () => {
    await agent.service.lock(peer(1000));
    clock.shift = DAY + MINUTE;
    const before = await kept(agent.folder);
    const refused = await agent.run(1000, UNLOCK, PIN);
    expect(refused.done).toBeNull();
    expect(refused.out.has('purpose-key')).toBe(false);
    expect((await agent.service.status(peer(1000))).own.state).toBe('locked');
    expect(await kept(agent.folder)).toEqual(before);
    expect(endOf(await agent.run(1000, UNLOCK, { ...PIN, 'new-pin': '975310' }))).toBe('done');
  });

  it('a clock that went back does not make it expire, nor fail', async () => {
    clock.shift = -400 * DAY;
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});
