/** Hints from the air in the stream of the host: whom they are of, how often, and what they cannot do. */
import { describe, expect, it } from 'vitest';
import { BluetoothWithAdvertisements } from '../../../drivers/bluetooth/with-advertisements.ts';
import type { BluetoothEvent } from '../../../drivers/hal/bluetooth.ts';
import { hex, privateAddress, reports } from '../../support/bluetooth/reports.ts';
import { at, bondedPhone, ScriptedAir, ScriptedHost } from '../../support/bluetooth/scripted.ts';

const KEY = hex('ec0234a357c8ad05341010a60a397d9b');
const PHONE = 'aa:bb:cc:dd:ee:01';
const heard = (seconds: number, n: number, strength = -60) => ({
  type: 'reports' as const,
  at: at(seconds),
  reports: reports([privateAddress(KEY, [0x50, n >> 8, n & 255]), strength]),
});

class Stage {
  readonly host = new ScriptedHost();
  readonly air = new ScriptedAir();
  readonly both = new BluetoothWithAdvertisements(this.host, this.air);
  readonly events: BluetoothEvent[] = [];
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor() {
    this.host.bonds = [bondedPhone(PHONE, KEY)];
    this.#done = (async () => {
      for await (const event of this.both.watch({ signal: this.#over.signal })) this.events.push(event);
    })();
  }

  /** Lets everything that is on its way arrive. */
  async settle(): Promise<void> {
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#done;
  }

  get told(): readonly string[] {
    return this.events.map((event) => (event.type === 'hint' ? `${event.what} ${event.at / 1000}` : event.type));
  }
}

describe('a host with an ear for advertisements', () => {
  it('tells its own events in order, and hints of its bonds between them', async () => {
    const stage = new Stage();
    stage.host.feed.push({ type: 'available', at: at(0) });
    await stage.settle();
    stage.air.feed.push(heard(1, 1, -61));
    await stage.settle();
    stage.host.feed.push({ type: 'bonds-changed', at: at(2) });
    await stage.settle();
    expect(stage.events).toEqual([
      { type: 'available', at: at(0) },
      { type: 'hint', at: at(1), address: PHONE, rssi: { scale: 'dBm', value: -61 }, what: 'advertisement' },
      { type: 'bonds-changed', at: at(2) },
    ]);
    await stage.end();
    expect([stage.host.feed.readers, stage.air.feed.readers]).toEqual([0, 0]);
  });

  it('is silent about everybody else', async () => {
    const stage = new Stage();
    stage.air.feed.push({ type: 'reports', at: at(1), reports: reports(['50:00:00:00:00:01', -60]) });
    await stage.settle();
    expect(stage.events).toEqual([]);
    await stage.end();
  });

  it('tells of one device once a second, whatever is sent', async () => {
    const stage = new Stage();
    for (let n = 0; n < 300; n++) stage.air.feed.push(heard(n / 100, n));
    for (let n = 0; n < 20; n++) await stage.settle();
    expect(stage.told).toEqual(['advertisement 0', 'advertisement 1', 'advertisement 2']);
    await stage.end();
  });

  it('reads the bonds once, and again when they have changed', async () => {
    const stage = new Stage();
    for (let n = 0; n < 5; n++) stage.air.feed.push(heard(n * 2, n));
    await stage.settle();
    expect(stage.host.reads).toBe(1);
    stage.host.bonds = [];
    stage.host.feed.push({ type: 'bonds-changed', at: at(10) });
    await stage.settle();
    stage.air.feed.push(heard(11, 6), heard(13, 7));
    await stage.settle();
    expect([stage.host.reads, stage.told.at(-1)]).toEqual([2, 'bonds-changed']);
    await stage.end();
  });

  it('whose bonds cannot be read hears nobody, and does not ask for each report', async () => {
    const stage = new Stage();
    stage.host.bonds = null;
    stage.air.feed.push(heard(0, 1), heard(2, 2), heard(4, 3));
    await stage.settle();
    expect([stage.host.reads, stage.events.length]).toEqual([1, 0]);
    stage.host.bonds = [bondedPhone(PHONE, KEY)];
    stage.host.feed.push({ type: 'available', at: at(5) });
    await stage.settle();
    stage.air.feed.push(heard(6, 4));
    await stage.settle();
    expect(stage.told).toEqual(['available', 'advertisement 6']);
    await stage.end();
  });

  it('drops what it knew when the host knows nothing any more', async () => {
    const stage = new Stage();
    stage.air.feed.push(heard(0, 1));
    await stage.settle();
    stage.host.bonds = null;
    stage.host.feed.push({ type: 'unavailable', at: at(1), reason: 'daemon-gone' });
    await stage.settle();
    stage.air.feed.push(heard(5, 2));
    await stage.settle();
    expect(stage.told).toEqual(['advertisement 0', 'unavailable']);
    await stage.end();
  });

  it('goes on without hints when the air fails', async () => {
    const stage = new Stage();
    stage.air.feed.fail(new Error('no radio'));
    await stage.settle();
    stage.host.feed.push({ type: 'available', at: at(1) });
    await stage.settle();
    expect(stage.told).toEqual(['available']);
    await stage.end();
  });

  it('probes and reads as the host does, and closes it', async () => {
    const stage = new Stage();
    const { signal } = new AbortController();
    const options = { minLevel: 'high', within: at(1), signal } as never;
    expect(await stage.both.probe(PHONE, options)).toMatchObject({ outcome: { proved: false } });
    expect(await stage.both.bonded({ signal })).toHaveLength(1);
    expect([stage.both.name, stage.both.simulated]).toEqual(['script', false]);
    await stage.both[Symbol.asyncDispose]();
    expect(stage.host.disposed).toBe(true);
    await stage.end();
  });
});
