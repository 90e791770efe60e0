import { describe, expect, it } from 'vitest';
import { seconds } from '../../../drivers/base/brand.ts';
import { A, ANA, B, Stage } from './phones-stage.ts';

const HINT = { type: 'hint', address: A.address, rssi: null } as const;

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

  it('begins with a phone that is enrolled while somebody watches already', async () => {
    await using stage = new Stage();
    stage.enrolled = [];
    await stage.pass();
    stage.watchPresence(20_000);
    await stage.pass(60_000);
    expect(stage.pages()).toBe(0);
    stage.enrolled = [A];
    stage.phones.changed();
    await stage.pass();
    expect(stage.pages(A.address)).toBe(1);
    await stage.pass(20_000);
    expect(stage.pages(A.address)).toBe(2);
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
