/** What lanes tell of signals while a run goes on: over restarts, for one person, and without asking for anything. */
import { describe, expect, it } from 'vitest';
import type { SignalChange } from '../../../agent/api/ports.ts';
import { Sensed } from '../../../agent/lanes/sensed.ts';
import { watchedOverRestarts } from '../../../agent/lanes/watched.ts';
import { SignalLedger } from '../../../agent/signals/ledger.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

const PERSON = 1000;

function wifiAt(clock: ManualClock, detail: string): FactorSignal {
  return {
    kind: 'wifi',
    state: 'unavailable',
    reason: 'failed',
    detail,
    source: 'test',
    observedAt: clock.now(),
    validFor: milliseconds(10_000),
    simulated: true,
  };
}

/** A ledger with a driver that tells these, and then stays. */
function ledgerOf(clock: ManualClock, signals: readonly FactorSignal[], stop: AbortSignal): SignalLedger {
  const ledger = new SignalLedger({ clock });
  const driver: FactorDriver = {
    kind: 'wifi',
    watch: async function* ({ signal }) {
      yield* signals;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
  queueMicrotask(() => void ledger.follow(driver, { signal: stop }));
  return ledger;
}

const collect = (changes: AsyncIterable<SignalChange>): SignalChange[] => {
  const got: SignalChange[] = [];
  void (async () => {
    for await (const change of changes) got.push(change);
  })();
  return got;
};

describe('a daemon in this process', () => {
  it('is listened to over its restarts, and of a kind the newest is told', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const sensed = new Sensed(clock, PERSON);
    sensed.listenTo(ledgerOf(clock, [wifiAt(clock, 'old'), wifiAt(clock, 'new')], stop.signal));
    await settle();
    const got = collect(sensed.changes({ signal: stop.signal }));
    await settle();
    expect(got.map((change) => 'signal' in change && change.signal.detail)).toEqual(['new']);
    sensed.listenTo(ledgerOf(clock, [wifiAt(clock, 'of the next life')], stop.signal));
    await settle();
    expect(got.map((change) => 'signal' in change && change.signal.detail)).toEqual(['new', 'of the next life']);
    stop.abort();
    await settle();
  });
});

describe('a daemon behind a socket', () => {
  it('is watched again when the stream broke off, and no more when nobody listens', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    let lives = 0;
    const client = {
      watchSignals: async function* (): AsyncGenerator<SignalChange> {
        lives++;
        if (lives === 2) throw new UnlockdError('ERR_DAEMON_NOT_RUNNING', 'just now');
        yield { type: 'lost', now: lives, kind: 'wifi' };
        if (lives === 1) throw new UnlockdError('ERR_CLI_CONNECTION_LOST', 'killed');
      },
    };
    const got = collect(watchedOverRestarts(client, clock, { signal: stop.signal }));
    await settle();
    expect(got.map(({ now }) => now)).toEqual([1]);
    await clock.advance(500);
    await clock.advance(500);
    expect(got.map(({ now }) => now)).toEqual([1, 3]);
    stop.abort();
    await clock.advance(5000);
    expect(lives).toBe(3);
  });
});
