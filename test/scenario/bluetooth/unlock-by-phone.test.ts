/**
 * A container that opens with the PIN and the phone: the phone is paged only while somebody waits for it, it has to prove
 * its pairing, and it opens the container of its own user alone. The service and the TPM are real, the radio is a mock.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Phones } from '../../../drivers/bluetooth/phones-driver.ts';
import type { BluetoothObservation } from '../../../drivers/observation.ts';
import { MockBluetooth } from '../../../hal-mocks/bluetooth/mock-bluetooth.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const ANA = 1000;
const BEN = 1001;
const PIN = '246813';
const PHONE_OF_ANA = 'a0:b1:c2:d3:e4:01';
const PHONE_OF_BEN = 'a0:b1:c2:d3:e4:02';

const hal = new MockBluetooth(systemClock);
let agent: TestAgent;
const phones = new Phones({
  hal,
  clock: systemClock,
  settle: milliseconds(20),
  lookEvery: milliseconds(200),
  lookWithin: seconds(2),
  phones: async () => (await agent.parts.phones.all()).map(({ uid, ...phone }) => ({ ...phone, users: [uid] })),
});

const pagesOf = (address: string): number => hal.probes.filter((probe) => probe.address === address).length;
const unlock = () => agent.run(ANA, UNLOCK, { pin: PIN });
/** What was proved counts no more. */
async function forgotten(): Promise<void> {
  hal.setOutage('daemon-gone');
  hal.setOutage(null);
  const told = () => agent.sensors.ledger.latest('bluetooth');
  const isBlank = () => told()?.state === 'observed' && !JSON.stringify(told()).includes('"proved":true');
  for (let n = 0; n < 500 && !isBlank(); n++) await systemClock.sleep(milliseconds(10), {});
  expect(isBlank()).toBe(true);
}

beforeAll(async () => {
  for (const address of [PHONE_OF_ANA, PHONE_OF_BEN]) hal.put({ address });
  agent = await TestAgent.start({
    drivers: [phones.driver],
    bluetooth: hal,
    simulated: true,
    settings: { unlockWithin: seconds(2) },
  });
  await agent.run(0, { kind: 'setup' });
  await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['phone'])));
});
afterAll(() => agent?.close());

describe('"the PIN and the phone"', () => {
  it('refuses an enrolment whose phone is not there, before anything is typed', async () => {
    hal.answer(PHONE_OF_ANA, 'impostor');
    const outcome = await agent.run(ANA, { kind: 'enrol', phone: PHONE_OF_ANA }, { 'new-pin': PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_PHONE_NOT_PROVED');
    expect(outcome.events.some(({ type }) => type === 'prompt')).toBe(false);
    hal.answer(PHONE_OF_ANA, 'phone');
  });

  it('enrols with the phone that proves itself, and looks at it until the container is made', async () => {
    for (const [uid, phone] of [
      [ANA, PHONE_OF_ANA],
      [BEN, PHONE_OF_BEN],
    ] as const) {
      const outcome = await agent.run(uid, { kind: 'enrol', phone }, { 'new-pin': PIN });
      expect(outcome.failed).toBeNull();
    }
  });

  it('pages nobody while nobody waits', async () => {
    const pages = hal.probes.length;
    for (let n = 0; n < 20; n++) {
      hal.tell({ type: 'hint', address: PHONE_OF_ANA, rssi: { scale: 'dBm', value: -30 }, what: 'advertisement' });
      await systemClock.sleep(milliseconds(20), {});
    }
    expect(hal.probes.length).toBe(pages);
  });

  it("asks the phone of who unlocks after the PIN, opens with its proof, and leaves the other's asleep", async () => {
    await forgotten();
    const [ana, ben] = [pagesOf(PHONE_OF_ANA), pagesOf(PHONE_OF_BEN)];
    const outcome = await unlock();
    expect(outcome.done).toMatchObject({ unlocked: true, strength: 'bound-1' });
    expect(pagesOf(PHONE_OF_ANA)).toBeGreaterThan(ana);
    expect(pagesOf(PHONE_OF_BEN)).toBe(ben);
    expect(hal.probes.every(({ minLevel }) => minLevel === 'high')).toBe(true);
  });

  it('pages nobody for who does not know the PIN', async () => {
    await forgotten();
    const pages = hal.probes.length;
    const outcome = await agent.run(ANA, UNLOCK, { pin: ['111111', '111112', '111113', '111114'] });
    expect(outcome.failed).not.toBeNull();
    expect(hal.probes.length).toBe(pages);
  });

  it('does not open by an impostor at the address of the phone, and says that it did not prove itself', async () => {
    await forgotten();
    hal.answer(PHONE_OF_ANA, 'impostor', { scale: 'relative', value: 0 });
    const outcome = await unlock();
    hal.answer(PHONE_OF_ANA, 'phone');
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(outcome.failed?.reasons.map(({ text }) => text).join('\n')).toContain('not proved');
  });

  it('does not open by the phone of somebody else, and says nothing of it', async () => {
    await forgotten();
    hal.answer(PHONE_OF_ANA, 'nobody');
    const stop = new AbortController();
    // Ben waits as well, and his phone is here.
    agent.sensors.demand(['bluetooth'], { user: BEN, signal: stop.signal });
    const outcome = await unlock();
    stop.abort();
    hal.answer(PHONE_OF_ANA, 'phone');
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(JSON.stringify(outcome.events)).not.toContain(PHONE_OF_BEN);
  });

  it('does not open by a strength on another scale', async () => {
    await forgotten();
    hal.answer(PHONE_OF_ANA, 'phone', { scale: 'dBm', value: 0 });
    const outcome = await unlock();
    hal.answer(PHONE_OF_ANA, 'phone', { scale: 'relative', value: 0 });
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(outcome.failed?.reasons.map(({ text }) => text).join('\n')).toContain('another scale');
  });

  it('does not open by a bond that was made without a check, however near', async () => {
    await forgotten();
    hal.put({ address: PHONE_OF_ANA, key: 'unauthenticated' });
    const pages = pagesOf(PHONE_OF_ANA);
    const outcome = await unlock();
    hal.put({ address: PHONE_OF_ANA, key: 'authenticated' });
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(pagesOf(PHONE_OF_ANA)).toBe(pages);
  });

  it('opens when the phone comes while the person waits', async () => {
    await forgotten();
    hal.answer(PHONE_OF_ANA, 'nobody');
    const coming = systemClock.sleep(milliseconds(700), {}).then(() => hal.answer(PHONE_OF_ANA, 'phone'));
    const outcome = await unlock();
    await coming;
    expect(outcome.done).toMatchObject({ unlocked: true });
    expect(outcome.events.some(({ type }) => type === 'waiting')).toBe(true);
  });

  it('is over with the ceremony: nobody is paged afterwards', async () => {
    const pages = hal.probes.length;
    await systemClock.sleep(milliseconds(600), {});
    expect(hal.probes.length).toBe(pages);
  });

  it('shows the phone to its user who asks once, after a look; and nobody is paged afterwards', async () => {
    for (const [answers, proved] of [
      ['phone', true],
      ['impostor', false],
    ] as const) {
      await forgotten();
      hal.answer(PHONE_OF_ANA, answers);
      const { signals } = await agent.service.signals(peer(ANA));
      const seen = signals.find(({ kind }) => kind === 'bluetooth');
      expect(seen).toMatchObject({ state: 'observed', observation: { devices: [{ address: PHONE_OF_ANA, proved }] } });
    }
    hal.answer(PHONE_OF_ANA, 'phone');
    const pages = hal.probes.length;
    await systemClock.sleep(milliseconds(500), {});
    expect(hal.probes.length).toBe(pages);
  });

  it('shows the phone to its user who watches, live', async () => {
    await forgotten();
    const stop = new AbortController();
    for await (const change of agent.service.watchSignals(peer(ANA), { signal: stop.signal })) {
      if (change.type !== 'signal' || change.signal.kind !== 'bluetooth') continue;
      const { devices = [] } = (change.signal.observation ?? {}) as Partial<BluetoothObservation>;
      expect(devices.every(({ address }) => address === PHONE_OF_ANA)).toBe(true);
      if (devices[0]?.proved) break;
    }
    stop.abort();
    const pages = hal.probes.length;
    await systemClock.sleep(milliseconds(500), {});
    expect(hal.probes.length).toBe(pages);
  });
});
