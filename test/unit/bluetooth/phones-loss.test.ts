import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { A, Stage } from './phones-stage.ts';

const HINT = { type: 'hint', address: A.address, rssi: null } as const;

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

  it('counts at once when somebody pairs another device at its address, though that proves its own key', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    stage.enrolled = [{ ...A, bond: 'a1' }];
    stage.hal.put({ address: A.address, bond: 'a1' });
    await stage.pass();
    stage.demand();
    await stage.pass(300);
    expect(stage.isProved).toBe(true);
    stage.hal.put({ address: A.address, bond: 'b2' });
    await stage.pass();
    expect(stage.isProved).toBe(false);
    const pages = stage.pages();
    await stage.pass(9000);
    expect(stage.pages()).toBeGreaterThan(pages);
    expect(stage.isProved).toBe(false);
    // Enrolled anew as it is paired now.
    stage.enrolled = [{ ...A, bond: 'b2' }];
    stage.phones.changed();
    await stage.pass(4000);
    expect(stage.isProved).toBe(true);
    stage.hal.put({ address: A.address, bond: 'a1' });
    await stage.pass();
    expect(stage.isProved).toBe(false);
  });

  it('counts at once after a suspend, in which the clock of its age stood still; also while dynamic lock watches', async () => {
    await using stage = await near();
    const stop = stage.watchPresence(60_000);
    await stage.pass();
    stage.hal.answer(A.address, 'nobody');
    stage.phones.driver.forget?.();
    await stage.pass();
    expect(stage.isProved).toBe(false);
    stage.demand();
    await stage.pass(300);
    expect(stage.isProved).toBe(false);
    await stop();
  });

  it('of a proof that is under way when the machine is suspended is void', async () => {
    await using stage = new Stage({ settle: milliseconds(0) });
    stage.hal.answersAfter = milliseconds(1000);
    await stage.pass();
    stage.demand();
    await stage.pass(999);
    stage.phones.driver.forget?.();
    stage.hal.answer(A.address, 'nobody');
    await stage.pass(5000);
    expect(stage.isProved).toBe(false);
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
