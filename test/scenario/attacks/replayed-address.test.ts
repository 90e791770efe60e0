/**
 * A private address is recorded beside a phone and sent again, for ever and as strong as one likes. Whoever does it has no
 * key: nothing but a hint may come of it, and a hint neither brings a phone back nor keeps one here.
 */
import { describe, expect, it } from 'vitest';
import { initialState, step } from '../../../agent/dynamic-lock/machine.ts';
import type { DynamicLockEffect, DynamicLockEvent, DynamicLockState } from '../../../agent/dynamic-lock/state.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Phones } from '../../../drivers/bluetooth/phones-driver.ts';
import { BluetoothWithAdvertisements } from '../../../drivers/bluetooth/with-advertisements.ts';
import type { BluetoothEvent } from '../../../drivers/hal/bluetooth.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { hex, privateAddress, reports } from '../../support/bluetooth/reports.ts';
import { at, bondedPhone, ScriptedAir, ScriptedHost } from '../../support/bluetooth/scripted.ts';
import { A, look, ON, sample, session } from '../../support/session/lock-trace.ts';

const KEY = hex('ec0234a357c8ad05341010a60a397d9b');
/** Recorded once, a year ago. */
const RECORDED = privateAddress(KEY, [0x47, 0x11, 0x08]);

/** What comes out of the stream when it is sent once a second from one second to another, as loud as can be. */
async function replayed(from: number, to: number): Promise<readonly BluetoothEvent[]> {
  const host = new ScriptedHost();
  const air = new ScriptedAir();
  host.bonds = [bondedPhone(A.address, KEY)];
  const over = new AbortController();
  const events: BluetoothEvent[] = [];
  const send = (second: number) =>
    air.feed.push({ type: 'reports', at: at(second), reports: reports([RECORDED, -20]) });
  send(from);
  for await (const event of new BluetoothWithAdvertisements(host, air).watch({ signal: over.signal })) {
    events.push(event);
    if (event.at < at(to)) send(event.at / 1000 + 1);
    else over.abort();
  }
  expect(host.probed).toEqual([]);
  return events;
}

const asPresence = (events: readonly BluetoothEvent[]): DynamicLockEvent[] =>
  events.flatMap((event) =>
    event.type === 'hint'
      ? [sample(event.at / 1000, null, A, { source: 'hint', reachable: true, rssi: event.rssi })]
      : [],
  );

function told(events: readonly DynamicLockEvent[]): { state: DynamicLockState; effects: DynamicLockEffect[] } {
  let { state } = step(initialState, { type: 'policy', now: at(0), policy: ON });
  const effects: DynamicLockEffect[] = [];
  for (const event of events.toSorted((a, b) => a.now - b.now)) {
    const next = step(state, event);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}

describe('a private address that is sent again', () => {
  it('is a hint, with a strength on a scale that no rule in dB is held against', async () => {
    const events = await replayed(1, 3);
    expect(events).toHaveLength(3);
    for (const event of events) {
      expect(event).toMatchObject({ type: 'hint', address: A.address, rssi: { scale: 'dBm', value: -20 } });
    }
  });

  it('has the phone asked for a proof while an unlock waits, and whoever has no key gives none', async () => {
    const host = new ScriptedHost();
    const air = new ScriptedAir();
    host.bonds = [bondedPhone(A.address, KEY)];
    host.outcome = { proved: false, reason: 'refused', detail: null };
    host.feed.push({ type: 'available', at: systemClock.now() });
    const hal = new BluetoothWithAdvertisements(host, air);
    const { driver } = new Phones({ hal, clock: systemClock, phones: () => Promise.resolve([A]) });
    const over = new AbortController();
    driver.demand?.({ user: 1000, signal: over.signal });
    const signals: FactorSignal[] = [];
    const watching = (async () => {
      for await (const signal of driver.watch({ signal: over.signal })) signals.push(signal);
    })();
    for (let n = 0; n < 400 && (host.probed.length < 2 || signals.length === 0); n++) {
      air.feed.push({ type: 'reports', at: systemClock.now(), reports: reports([RECORDED, -20]) });
      await systemClock.sleep(milliseconds(20), {});
    }
    over.abort();
    await watching;
    expect(host.probed.length).toBeGreaterThanOrEqual(2);
    expect(signals.length).toBeGreaterThan(0);
    for (const signal of signals) {
      if (signal.kind !== 'bluetooth' || signal.state !== 'observed') continue;
      expect(signal.observation.devices).toMatchObject([{ address: A.address, proved: false, rssi: null }]);
    }
  });

  it('does not bring back a phone that has gone: it asks for a probe, and for no more than come in turn', async () => {
    const left = [sample(0, 0), ...[20, 40, 60].map((seconds) => sample(seconds, null))];
    const { state, effects } = told([...left, ...asPresence(await replayed(61, 161)), look(170, session(0))]);
    expect(state.phones.get(A.address)?.proximity.judged).toBe('far');
    const probes = effects.filter(({ type }) => type === 'probe');
    expect(probes.length).toBeGreaterThan(0);
    expect(probes.length).toBeLessThanOrEqual(1 + 100 / ON.sampleEverySeconds);
    expect(effects.some(({ type }) => type === 'lock')).toBe(true);
  });

  it('does not keep a session open when the phone was taken away without a failed probe', async () => {
    const { effects } = told([sample(0, 0), ...asPresence(await replayed(1, 170)), look(171, session(0))]);
    expect(effects.filter(({ type }) => type === 'lock')).toMatchObject([{ reason: { reason: 'stale' } }]);
  });

  it('makes no phone near that was never near', async () => {
    const { state } = told(asPresence(await replayed(1, 30)));
    expect(state.phones.size).toBe(0);
  });
});
