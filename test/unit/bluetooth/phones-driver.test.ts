import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { A, B, BEN, enrolled, PHONE_CLASS, Stage } from './phones-stage.ts';

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
