/** What is waited for when a phone and a network would each do: all of it is named, and whichever comes first opens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CeremonyEvent } from '../../../agent/api/ports.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor } from '../../../agent/policy/model.ts';
import { thatWouldDo } from '../../../agent/service/surroundings.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorSignal, SignalKind, SurroundingKind, UnavailableReason } from '../../../drivers/signal.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { documentOf, officeNetwork, RULES, satisfied, USER } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const HOME = officeNetwork('198.51.100.7/24');
const NOW = monotonicMs(2000);

const unavailable = (kind: SurroundingKind, reason: UnavailableReason): [SignalKind, FactorSignal] => [
  kind,
  {
    kind,
    state: 'unavailable',
    reason,
    source: 'a test',
    observedAt: NOW,
    validFor: milliseconds(9000),
    simulated: false,
  },
];
const seen = (factor: 'pin' | 'securityKey'): [SignalKind, FactorSignal] => [factor, satisfied(factor)];
const elsewhere: [SignalKind, FactorSignal] = [
  'ipConfig',
  { ...satisfied('network'), kind: 'ipConfig', state: 'observed', observation: HOME } as FactorSignal,
];
const situation = {
  machineSimulated: false,
  pinIsBound: true,
  user: USER,
  localTime: { day: 'monday', minute: 600 },
} as const;
const wouldDo = (require: unknown, snapshot: readonly [SignalKind, FactorSignal][], more: object = {}) => {
  const document = checkedDocument({ version: 2, contexts: { unlock: { require } }, rules: RULES, ...more });
  const decision = evaluate(policyFor(document, 'unlock'), new Map(snapshot), NOW, situation);
  return thatWouldDo(decision, 'phone');
};
const EITHER = { all: ['pin', { any: ['phone', 'network'] }] };

describe('what would do', () => {
  it('is each factor that alone is missing for a way, the one that is asked for first', () => {
    expect(wouldDo(EITHER, [seen('pin'), unavailable('bluetooth', 'no-device'), elsewhere])).toEqual([
      'phone',
      'network',
    ]);
  });

  it('is nothing that no driver here will ever say', () => {
    const around = [unavailable('bluetooth', 'no-device'), unavailable('ipConfig', 'no-driver')];
    expect(wouldDo(EITHER, [seen('pin'), ...around])).toEqual(['phone']);
    const odd = unavailable('ipConfig', 'unsupported');
    expect(wouldDo(EITHER, [seen('pin'), unavailable('bluetooth', 'no-device'), odd])).toEqual(['phone']);
  });

  it('is nothing of a way whose hours are over', () => {
    const require = { any: [{ all: ['pin', 'phone'] }, { during: 'evening', need: { all: ['pin', 'network'] } }] };
    const at = (from: string, to: string) => ({ windows: { evening: { days: ['monday'], from, to } } });
    const around = [seen('pin'), unavailable('bluetooth', 'no-device'), elsewhere];
    expect(wouldDo(require, around, at('20:00', '22:00'))).toEqual(['phone']);
    expect(wouldDo(require, around, at('09:00', '22:00'))).toEqual(['phone', 'network']);
  });

  it('is nothing of a way for which something else is missing as well', () => {
    const require = { any: [{ all: ['pin', 'phone'] }, { all: ['pin', 'securityKey', 'network'] }] };
    const around = [unavailable('bluetooth', 'no-device'), elsewhere];
    expect(wouldDo(require, [seen('pin'), ...around])).toEqual(['phone']);
    expect(wouldDo(require, [seen('pin'), seen('securityKey'), ...around])).toEqual(['phone', 'network']);
  });
});

describe('"the PIN, and the phone or the network of the office"', () => {
  const world = new SimulatedSurroundings(systemClock);
  let agent: TestAgent;
  beforeAll(async () => {
    world.set({ kind: 'ipConfig', observation: officeNetwork() });
    world.set({ kind: 'bluetooth', observation: { devices: [] } });
    agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
    const knows = () => agent.sensors.ledger.latest('ipConfig')?.state === 'observed';
    for (let i = 0; i < 200 && !knows(); i++) await systemClock.sleep(milliseconds(10), {});
    expect((await agent.run(0, { kind: 'setup' })).failed).toBeNull();
    await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['phone', 'network'])));
    expect((await agent.run(UID, { kind: 'enrol' }, { 'new-pin': PIN })).failed).toBeNull();
  });
  afterAll(() => agent?.close());

  it('waits for both, says why neither is there, and opens with the one that comes', async () => {
    world.set({ kind: 'ipConfig', observation: HOME });
    const isHome = () => JSON.stringify(agent.sensors.ledger.latest('ipConfig')).includes('198.51.100.7');
    for (let i = 0; i < 200 && !isHome(); i++) await systemClock.sleep(milliseconds(10), {});
    const ceremony = await agent.service.begin(peer(UID), UNLOCK);
    const events: CeremonyEvent[] = [];
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      events.push(event);
      if (event.type === 'prompt') ceremony.supply('pin', Secret.take(utf8(PIN)));
      if (event.type === 'waiting') world.set({ kind: 'ipConfig', observation: officeNetwork() });
    }
    const [first] = events.filter((event) => event.type === 'waiting');
    expect(first?.text).toBe(
      first?.factor === 'phone'
        ? 'Waiting for the phone near, or the network office'
        : 'Waiting for the network office, or the phone near',
    );
    const reasons = first?.reasons.map(({ text }) => text).join('\n');
    expect(reasons).toContain('rule near: does not hold');
    expect(reasons).toContain('ipv4Prefix: 198.51.100.7/24, asked for is 192.0.2.0/24');
    expect(events.at(-1)).toMatchObject({ type: 'done', result: { unlocked: true, strength: 'bound-1' } });
  });
});
