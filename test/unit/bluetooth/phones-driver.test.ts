import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { A, ANA, B, BEN, enrolled, PHONE_CLASS, Stage } from './phones-stage.ts';

const HINT = { type: 'hint', address: A.address, rssi: null } as const;

describe('the phones, while nobody asks', () => {
  it('page nobody and wait for no time', async () => {
    await using stage = new Stage();
    await stage.pass();
    for (let minute = 0; minute < 60; minute++) {
      stage.hal.tell({ ...HINT, what: 'advertisement', rssi: { scale: 'dBm', value: -40 } });
      stage.hal.tell({ ...HINT, what: 'link-up' });
      stage.hal.tell({ ...HINT, what: 'link-down' });
      await stage.pass(60_000);
    }
    expect(stage.pages()).toBe(0);
    expect(stage.clock.pending).toBe(0);
  });

  it('are told as they were pinned, and not proved', async () => {
    await using stage = new Stage();
    await stage.pass();
    expect(stage.last).toMatchObject({ kind: 'bluetooth', state: 'observed', source: 'mock', simulated: true });
    expect(stage.device()).toEqual({ ...A, proved: false, rssi: null, rssiBest: null });
  });

  it('are unavailable where there is no adapter, no daemon, no right', async () => {
    await using stage = new Stage();
    for (const [outage, reason] of [
      ['no-adapter', 'no-device'],
      ['radio-off', 'no-device'],
      ['daemon-gone', 'failed'],
      ['no-permission', 'no-permission'],
    ] as const) {
      stage.hal.setOutage(outage);
      await stage.pass();
      expect(stage.last).toMatchObject({ state: 'unavailable', reason });
    }
  });
});

describe('the phones, while an unlock waits', () => {
  it('are proved, and told so after the settling time', async () => {
    await using stage = new Stage();
    await stage.pass();
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: -3 });
    stage.demand();
    await stage.pass(299);
    expect(stage.pages(A.address)).toBe(1);
    expect(stage.hal.probes[0]?.minLevel).toBe('high');
    expect(stage.isProved).toBe(false);
    await stage.pass(1);
    expect(stage.device()).toEqual({
      ...A,
      proved: true,
      rssi: { scale: 'relative', value: -3 },
      rssiBest: -3,
    });
  });

  it('are told at once where nothing has to settle', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    await stage.pass();
    stage.demand();
    await stage.pass();
    expect(stage.isProved).toBe(true);
  });

  it('are looked at again and again, so that the proof never grows old', async () => {
    await using stage = new Stage();
    await stage.pass();
    stage.demand();
    await stage.pass(300);
    for (let second = 0; second < 60; second++) {
      await stage.pass(1000);
      expect(stage.isProved).toBe(true);
    }
    expect(stage.pages()).toBe(16);
  });

  it('are paged no more when nobody waits any longer, and the proof ends within seconds', async () => {
    await using stage = new Stage({ validFor: seconds(3600) });
    await stage.pass();
    const end = stage.demand();
    await stage.pass(300);
    end();
    expect(stage.isProved).toBe(true);
    const pages = stage.pages();
    await stage.pass(9_600);
    expect(stage.isProved).toBe(true);
    await stage.pass(100);
    expect(stage.isProved).toBe(false);
    await stage.pass(3_600_000);
    expect(stage.pages()).toBe(pages);
    expect(stage.clock.pending).toBe(0);
  });

  it('are not proved by an impostor, however strong, connected and of whatever class', async () => {
    await using stage = new Stage();
    stage.hal.put({ address: A.address, answers: 'impostor', rssi: { scale: 'relative', value: 0 } });
    await stage.pass();
    stage.demand();
    for (let n = 0; n < 10; n++) {
      stage.hal.tell({ ...HINT, what: 'link-up' });
      stage.hal.tell({ ...HINT, what: 'advertisement', rssi: { scale: 'dBm', value: -20 } });
      await stage.pass(1000);
    }
    expect(stage.pages()).toBeGreaterThan(1);
    expect(stage.signals.every((signal) => signal.kind === 'bluetooth' && signal.state === 'observed')).toBe(true);
    expect(JSON.stringify(stage.signals)).not.toContain('"proved":true');
  });

  it('keep the class that was pinned, whatever the host has learned since', async () => {
    await using stage = new Stage();
    stage.enrolled = [{ ...A, classOfDevice: 0x240404 }];
    stage.hal.put({ address: A.address, classOfDevice: PHONE_CLASS });
    await stage.pass();
    stage.demand();
    await stage.pass(300);
    expect(stage.device()).toMatchObject({ proved: true, classOfDevice: 0x240404 });
  });

  it("page the phones of whoever waits, and those of nobody, and no other person's", async () => {
    await using stage = new Stage();
    const shared = enrolled('0c:00:00:00:00:0c', []);
    stage.enrolled = [A, B, shared];
    stage.hal.put({ address: shared.address });
    await stage.pass();
    const end = stage.demand(BEN);
    await stage.pass(20_000);
    end();
    expect(stage.pages(A.address)).toBe(0);
    expect(stage.pages(B.address)).toBeGreaterThan(1);
    expect(stage.pages(shared.address)).toBeGreaterThan(1);
    stage.demand(null);
    await stage.pass();
    expect(stage.pages(A.address)).toBe(1);
  });

  it('are looked for at once by who begins to wait, though they were not found a moment ago', async () => {
    await using stage = new Stage();
    stage.hal.answer(A.address, 'nobody');
    await stage.pass();
    stage.demand()();
    const end = stage.demand();
    await stage.pass();
    end();
    stage.hal.answer(A.address, 'phone');
    const pages = stage.pages();
    stage.demand();
    await stage.pass(300);
    expect(stage.pages()).toBe(pages + 1);
    expect(stage.isProved).toBe(true);
  });

  it('are not paged to the end for somebody who has given up', async () => {
    await using stage = new Stage();
    stage.hal.silentFor = seconds(5);
    stage.hal.answer(A.address, 'nobody');
    await stage.pass();
    const end = stage.demand();
    await stage.pass(1000);
    expect(stage.clock.pending).toBe(1);
    end();
    await stage.pass();
    expect(stage.clock.pending).toBe(0);
  });

  it('are smoothed downwards only, and remember the best since they were near', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    await stage.pass();
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: 0 });
    stage.demand();
    await stage.pass();
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: -10 });
    await stage.pass(4000);
    expect(stage.device()).toMatchObject({ rssi: { scale: 'relative', value: -6 }, rssiBest: 0 });
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: -1 });
    await stage.pass(4000);
    expect(stage.device()).toMatchObject({ rssi: { scale: 'relative', value: -1 }, rssiBest: 0 });
  });

  it('do not smooth over a time in which nobody looked', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    await stage.pass();
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: 0 });
    stage.demand()();
    const end = stage.demand();
    await stage.pass();
    end();
    await stage.pass(120_000);
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: -20 });
    stage.demand();
    await stage.pass();
    expect(stage.device()).toMatchObject({ proved: true, rssi: { value: -20 }, rssiBest: null });
  });

  it('tell a strength on the scale that it was measured on, and mix two never', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    await stage.pass();
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: -2 });
    stage.demand();
    await stage.pass();
    stage.hal.answer(A.address, 'phone', { scale: 'dBm', value: -50 });
    await stage.pass(4000);
    expect(stage.device()).toMatchObject({ rssi: { scale: 'dBm', value: -50 }, rssiBest: -50 });
    stage.hal.answer(A.address, 'phone', null);
    await stage.pass(4000);
    expect(stage.device()).toMatchObject({ proved: true });
  });

  it('are weak where their bond is', async () => {
    await using stage = new Stage();
    stage.hal.put({ address: A.address, key: 'unauthenticated' });
    await stage.pass();
    stage.demand();
    await stage.pass(10_000);
    expect(stage.device()).toMatchObject({ proved: false });
    expect(stage.pages()).toBe(0);
  });
});

describe('the loss of a phone', () => {
  async function near(options = {}): Promise<Stage> {
    const stage = new Stage(options);
    await stage.pass();
    stage.demand();
    await stage.pass(300);
    expect(stage.isProved).toBe(true);
    return stage;
  }

  it('counts at once when the daemon dies, and nothing of before comes back with it', async () => {
    await using stage = await near();
    stage.hal.setOutage('daemon-gone');
    await stage.pass();
    expect(stage.last).toMatchObject({ state: 'unavailable', detail: 'the Bluetooth daemon is not running' });
    stage.hal.answer(A.address, 'impostor');
    stage.hal.setOutage(null);
    await stage.pass();
    expect(stage.device()).toMatchObject({ proved: false });
    await stage.pass(10_000);
    expect(stage.isProved).toBe(false);
    stage.hal.answer(A.address, 'phone');
    await stage.pass(4300);
    expect(stage.isProved).toBe(true);
  });

  it('of a proof that is under way when the daemon dies is void', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    stage.hal.answersAfter = milliseconds(1000);
    await stage.pass();
    stage.demand();
    await stage.pass(999);
    stage.hal.setOutage('daemon-gone');
    stage.hal.setOutage(null);
    await stage.pass(1);
    expect(stage.isProved).toBe(false);
    await stage.pass(1000);
    expect(stage.isProved).toBe(true);
  });

  it('counts at once when a look does not find it', async () => {
    await using stage = await near();
    stage.hal.answer(A.address, 'nobody');
    await stage.pass(3700);
    expect(stage.isProved).toBe(false);
  });

  it('counts at once when a link of it goes down, and it is looked for again', async () => {
    await using stage = await near();
    await stage.pass(1000);
    // A link for something else, which stands over several looks.
    stage.hal.tell({ ...HINT, what: 'link-up' });
    await stage.pass(19_000);
    const pages = stage.pages();
    stage.hal.tell({ ...HINT, what: 'link-down' });
    await stage.pass();
    expect(stage.device()).toMatchObject({ proved: false });
    await stage.pass(2300);
    expect(stage.pages()).toBe(pages + 1);
    expect(stage.isProved).toBe(true);
  });

  it('is not what the end of our own link means', async () => {
    await using stage = await near();
    const pages = stage.pages();
    stage.hal.tell({ ...HINT, what: 'link-up' });
    await stage.pass(2000);
    stage.hal.tell({ ...HINT, what: 'link-down' });
    await stage.pass();
    expect(stage.isProved).toBe(true);
    expect(stage.pages()).toBe(pages);
  });

  it('counts at once when it is paired no more, or enrolled no more', async () => {
    await using stage = await near();
    stage.hal.forget(A.address);
    await stage.pass();
    expect(stage.device()).toMatchObject({ proved: false });
    stage.enrolled = [];
    stage.phones.changed();
    await stage.pass();
    expect(stage.last).toMatchObject({ state: 'observed', observation: { devices: [] } });
  });

  it('counts at once when the enrolled phones cannot be read, until they can', async () => {
    await using stage = await near();
    stage.enrolled = new Error('no disk');
    stage.phones.changed();
    await stage.pass();
    expect(stage.last).toMatchObject({ state: 'unavailable', reason: 'failed' });
    stage.enrolled = [A];
    await stage.pass(5_000);
    await stage.pass(300);
    expect(stage.isProved).toBe(true);
  });
});

describe('a host that fails', () => {
  it('is told as unavailable, and as well again when it is', async () => {
    await using stage = new Stage();
    await stage.pass();
    stage.hal.fails = 'no-permission';
    stage.demand();
    await stage.pass();
    expect(stage.last).toMatchObject({ state: 'unavailable', reason: 'no-permission' });
    stage.hal.fails = null;
    await stage.pass(4300);
    expect(stage.isProved).toBe(true);
  });

  it('that cannot look at any of them says so, and it does not count as their absence', async () => {
    await using stage = new Stage();
    await stage.pass();
    stage.watchPresence(20_000);
    await stage.pass();
    stage.presence.length = 0;
    stage.hal.fails = 'unsupported';
    stage.demand();
    await stage.pass(20_000);
    expect(stage.last).toMatchObject({ state: 'unavailable', reason: 'unsupported' });
    expect(stage.presence.filter(({ type }) => type === 'sample')).toEqual([]);
    stage.hal.fails = null;
    await stage.pass(4300);
    expect(stage.isProved).toBe(true);
  });

  it('that throws is asked no more often than one that answers', async () => {
    await using stage = new Stage();
    await stage.pass();
    let asked = 0;
    stage.hal.probe = async () => {
      asked++;
      throw new Error('broken');
    };
    stage.demand();
    await stage.pass(40_000);
    expect(asked).toBe(11);
    expect(stage.isProved).toBe(false);
  });

  it('whose events end is unavailable, and watched again', async () => {
    await using stage = new Stage();
    await stage.pass();
    const { hal } = stage;
    const watch = hal.watch.bind(hal);
    let begun = 0;
    const broken = new Stage({
      hal: Object.assign(Object.create(hal), {
        watch: async function* (options: { signal: AbortSignal }) {
          if (begun++ > 0) yield* watch(options);
        },
      }),
    });
    await using other = broken;
    await other.pass();
    expect(other.last).toMatchObject({ state: 'unavailable', reason: 'failed' });
    await other.pass(5000);
    expect(other.last).toMatchObject({ state: 'observed' });
  });
});

describe('the presence of phones', () => {
  it('is one look at each phone in each interval, and ends with who watches', async () => {
    await using stage = new Stage();
    stage.enrolled = [A, B];
    stage.hal.answer(A.address, 'phone', { scale: 'relative', value: -4 });
    stage.hal.answer(B.address, 'nobody');
    await stage.pass();
    const end = stage.watchPresence(20_000);
    await stage.pass(60_000);
    const samples = stage.presence.filter((event) => event.type === 'sample');
    expect(samples).toHaveLength(8);
    expect(samples.filter(({ phone }) => phone.address === A.address)[0]).toMatchObject({
      source: 'probe',
      reachable: true,
      rssi: { scale: 'relative', value: -4 },
      phone: A,
    });
    expect(samples.filter(({ phone }) => phone.address === B.address)[0]).toMatchObject({ reachable: false });
    await end();
    await stage.pass(60_000);
    expect(stage.pages()).toBe(8);
  });

  it('takes what an unlock has found, and uses the radio once for both', async () => {
    await using stage = new Stage();
    await stage.pass();
    const end = stage.demand();
    stage.watchPresence(20_000);
    await stage.pass(39_000);
    end();
    const samples = stage.presence.filter((event) => event.type === 'sample');
    expect(samples).toHaveLength(10);
    expect(stage.pages()).toBe(10);
  });

  it('looks out of turn when it is asked to', async () => {
    await using stage = new Stage();
    await stage.pass();
    stage.watchPresence(600_000);
    await stage.pass();
    stage.phones.presence.probe(A.address);
    await stage.pass();
    expect(stage.pages()).toBe(2);
    stage.phones.presence.probe('0c:00:00:00:00:77');
    await stage.pass(1000);
    expect(stage.pages()).toBe(2);
  });

  it('hands on hints as hints, and outages as what they are', async () => {
    await using stage = new Stage();
    await stage.pass();
    stage.watchPresence(600_000);
    await stage.pass(6000);
    stage.hal.tell({ ...HINT, what: 'advertisement', rssi: { scale: 'dBm', value: -60 } });
    stage.hal.setOutage('daemon-gone');
    stage.hal.setOutage('radio-off');
    stage.hal.setOutage(null);
    await stage.pass();
    expect(stage.presence.map((event) => (event.type === 'unavailable' ? event.reason : event.type))).toEqual([
      'available',
      'sample',
      'sample',
      'daemon-gone',
      'radio-off',
      'available',
      'sample',
    ]);
    expect(stage.presence[2]).toMatchObject({ source: 'hint', rssi: { scale: 'dBm', value: -60 } });
  });

  it('holds a bounded number of events for who does not take them', async () => {
    await using stage = new Stage();
    await stage.pass();
    const abort = new AbortController();
    const events = stage.phones.presence.watch({ everyMs: 600_000, signal: abort.signal })[Symbol.asyncIterator]();
    await events.next();
    for (let n = 0; n < 5000; n++) stage.hal.tell({ ...HINT, what: 'advertisement' });
    stage.hal.setOutage('radio-off');
    await stage.pass();
    let taken = 0;
    for (;;) {
      const { value } = await events.next();
      taken++;
      if (value !== undefined && value.type === 'unavailable') break;
    }
    expect(taken).toBeLessThanOrEqual(256);
    abort.abort();
    await events.next();
  });

  it('pages for hints no more often than every two seconds', async () => {
    await using stage = new Stage({ lookEvery: seconds(600) });
    stage.hal.answer(A.address, 'nobody');
    await stage.pass();
    stage.demand(ANA);
    for (let n = 0; n < 200; n++) {
      stage.hal.tell({ ...HINT, what: 'advertisement' });
      await stage.pass(100);
    }
    expect(stage.pages()).toBeLessThanOrEqual(11);
    expect(stage.pages()).toBeGreaterThan(5);
  });
});
