/** What a caller sees of the surroundings: once and as they change, the own phones and nobody else's, and what the policy says of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SignalChange } from '../../../agent/api/ports.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { BluetoothDevice } from '../../../drivers/observation.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { documentOf, officeNetwork } from '../../support/policy-fixtures.ts';
import { peer, TestAgent } from '../../support/service/test-agent.ts';

const [ALICE, BOB] = [1000, 1001];
const phoneOf = (user: number): BluetoothDevice => ({
  address: `02:00:00:00:00:${user === ALICE ? '01' : '02'}`,
  name: `phone of ${user}`,
  classOfDevice: 0x5a020c,
  users: [user],
  proved: true,
  rssi: { scale: 'relative', value: 0 },
  rssiBest: null,
});

const world = new SimulatedSurroundings(systemClock);
let agent: TestAgent;
beforeAll(async () => {
  world.set({ kind: 'bluetooth', observation: { devices: [phoneOf(ALICE), phoneOf(BOB)] } });
  world.set({ kind: 'ipConfig', observation: officeNetwork('198.51.100.7/24') });
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
  for (let i = 0; i < 200 && agent.sensors.ledger.all().size < 3; i++) await systemClock.sleep(milliseconds(10), {});
  await agent.run(0, { kind: 'setup' });
  const policy = documentOf(['pin'], ['securityKey', 'phone', 'network']);
  await agent.service.setPolicy(peer(0), formatDocument(policy));
});
afterAll(() => agent?.close());

const phones = (signals: readonly { readonly kind: string; readonly observation?: unknown }[]): readonly string[] => {
  const seen = signals.find(({ kind }) => kind === 'bluetooth')?.observation as { devices: BluetoothDevice[] };
  return seen.devices.map(({ address }) => address);
};

describe('the signals', () => {
  it.each([
    ['alice', ALICE, ['02:00:00:00:00:01']],
    ['bob', BOB, ['02:00:00:00:00:02']],
    ['root, who is nobody’s proxy', 0, []],
  ])('of phones show %s the own ones', async (_, uid, own) => {
    const { signals, now } = await agent.service.signals(peer(uid));
    expect(signals.map(({ kind }) => kind).sort()).toEqual(['bluetooth', 'ipConfig', 'wifi']);
    expect(phones(signals)).toEqual(own);
    for (const { observedAt } of signals) expect(observedAt).toBeLessThanOrEqual(now);
  });

  it('are told as they change, with nobody else’s phone in them', async () => {
    const stop = new AbortController();
    const seen: SignalChange[] = [];
    for await (const change of agent.service.watchSignals(peer(ALICE), { signal: stop.signal })) {
      if (change.type !== 'gesture') seen.push(change);
      if (seen.length === 3) world.set({ kind: 'bluetooth', observation: { devices: [phoneOf(BOB)] } });
      if (change.type === 'signal' && change.signal.kind === 'bluetooth' && seen.length > 3) stop.abort();
    }
    const last = seen.at(-1);
    expect(last?.type === 'signal' ? phones([last.signal]) : null).toEqual([]);
    expect(JSON.stringify(seen)).not.toContain('02:00:00:00:00:02');
    world.set({ kind: 'bluetooth', observation: { devices: [phoneOf(ALICE), phoneOf(BOB)] } });
  });

  it('show a phone that two people share to both, and to neither that the other has it', async () => {
    const shared = { ...phoneOf(ALICE), users: [ALICE, BOB] };
    world.set({ kind: 'bluetooth', observation: { devices: [shared] } });
    const told = () => JSON.stringify(agent.sensors.ledger.latest('bluetooth') ?? null).includes(`[${ALICE},${BOB}]`);
    for (let i = 0; i < 200 && !told(); i++) await systemClock.sleep(milliseconds(10), {});
    for (const uid of [ALICE, BOB]) {
      const { signals } = await agent.service.signals(peer(uid));
      expect(signals.find(({ kind }) => kind === 'bluetooth')?.observation).toMatchObject({
        devices: [{ users: [uid] }],
      });
    }
    world.set({ kind: 'bluetooth', observation: { devices: [phoneOf(ALICE), phoneOf(BOB)] } });
    for (let i = 0; i < 200 && told(); i++) await systemClock.sleep(milliseconds(10), {});
  });

  it('end when nobody listens any more, also while nothing changes', async () => {
    const stop = new AbortController();
    const changes = agent.service.watchSignals(peer(ALICE), { signal: stop.signal })[Symbol.asyncIterator]();
    // Three signals, four gestures.
    for (let i = 0; i < 7; i++) await changes.next();
    const next = changes.next();
    stop.abort();
    expect((await next).done).toBe(true);
  });
});

describe('the explanation of the policy', () => {
  it('is of the machine’s policy for who is not enrolled, with the own phone and without the other’s', async () => {
    const explained = await agent.service.explainPolicy(peer(ALICE));
    expect(explained).toMatchObject({ of: 'machine', verdict: 'denied', missing: [['pin']] });
    const bobs = await agent.service.explainPolicy(peer(1002));
    expect(bobs.missing).toEqual([
      ['phone', 'pin'],
      ['network', 'pin'],
      ['pin', 'securityKey'],
    ]);
    const text = bobs.reasons.map((line) => line.text).join('\n');
    expect(text).toContain('ipv4Prefix: 198.51.100.7/24, asked for is 192.0.2.0/24');
    expect(text).not.toContain('02:00:00:00:00:0');
    expect(text).not.toMatch(/phone of|uid 100[01]/);
  });

  it('is of the own container’s policy for who is', async () => {
    await agent.setUpAndEnrol(BOB);
    const explained = await agent.service.explainPolicy(peer(BOB));
    expect(explained).toMatchObject({ of: 'container', words: 'first PIN, then security key or phone or network' });
    expect(explained.missingWords).toBe('the PIN');
  });
});
