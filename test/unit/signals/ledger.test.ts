import { describe, expect, test } from 'vitest';
import { type LedgerChange, SignalLedger } from '../../../agent/signals/ledger.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { satisfied, unavailable, unsatisfied } from '../../support/policy-fixtures.ts';

const clock: Clock = { ...systemClock, now: () => monotonicMs(5000) };
const driver = (watch: () => AsyncIterable<FactorSignal>): FactorDriver => ({ kind: 'bluetooth', watch });
const never = new AbortController().signal;

describe('the ledger', () => {
  test('keeps the freshest signal of each factor', () => {
    const ledger = new SignalLedger({ clock });
    expect(ledger.record(satisfied('pin', { observedAt: 3000 }))).toBe(true);
    expect(ledger.record(unsatisfied('pin', 'wrong', 2000))).toBe(false);
    expect(ledger.record(unavailable('phone', 'no-device', 4000))).toBe(true);
    expect([...ledger.snapshot()].map(([factor, { state }]) => [factor, state])).toEqual([
      ['pin', 'satisfied'],
      ['bluetooth', 'unavailable'],
    ]);
  });

  test('leaves out of a snapshot what no longer counts, and still tells it to those who explain', () => {
    const ledger = new SignalLedger({ clock });
    ledger.record(satisfied('pin', { observedAt: 3000, validFor: 1000 }));
    expect(ledger.snapshot(monotonicMs(4000)).size).toBe(1);
    expect(ledger.snapshot(monotonicMs(4001)).size).toBe(0);
    expect(ledger.latest('pin')?.observedAt).toBe(3000);
  });

  test.each([
    ['the future', satisfied('pin', { observedAt: 5001 })],
    ['no time', satisfied('pin', { observedAt: Number.NaN })],
    ['no validity', satisfied('pin', { validFor: Number.NaN })],
  ])('does not take a signal of %s', (_, signal) => {
    expect(new SignalLedger({ clock }).record(signal)).toBe(false);
  });

  test('tells every change until it is no longer asked', () => {
    const ledger = new SignalLedger({ clock });
    const seen: LedgerChange['type'][] = [];
    const stop = ledger.onChange(({ type }) => seen.push(type));
    ledger.record(satisfied('pin'));
    ledger.drop('pin');
    ledger.drop('pin');
    ledger.record(satisfied('pin'));
    ledger.clear();
    stop();
    ledger.record(satisfied('pin'));
    expect(seen).toEqual(['signal', 'lost', 'signal', 'lost']);
  });

  test('follows a driver and drops its signal when the stream ends', async () => {
    const ledger = new SignalLedger({ clock });
    const seen: LedgerChange[] = [];
    ledger.onChange((change) => seen.push(change));
    await ledger.follow(
      driver(async function* () {
        yield satisfied('phone', { strength: 'gate' });
        yield satisfied('pin');
      }),
      { signal: never },
    );
    expect(seen.map(({ type }) => type)).toEqual(['signal', 'lost']);
    expect(ledger.snapshot().size).toBe(0);
  });

  test('a driver that throws is an unavailable factor, not an error', async () => {
    const ledger = new SignalLedger({ clock });
    await ledger.follow(
      driver(async function* () {
        yield satisfied('phone', { strength: 'gate' });
        throw new Error('cable cut');
      }),
      { signal: never },
    );
    expect(ledger.latest('bluetooth')).toMatchObject({ state: 'unavailable', reason: 'failed' });
  });

  test('takes nothing over after it was told to stop', async () => {
    const ledger = new SignalLedger({ clock });
    const abort = new AbortController();
    await ledger.follow(
      driver(async function* () {
        abort.abort();
        yield satisfied('phone');
      }),
      { signal: abort.signal },
    );
    expect(ledger.latest('bluetooth')).toBeUndefined();
  });
});
