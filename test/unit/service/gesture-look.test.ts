/** What `signals` tells of PIN, security key, finger and face: whether each could be presented, and with what. */
import { describe, expect, it } from 'vitest';
import type { SensedSignal } from '../../../agent/api/ports.ts';
import { followGestures, lookAtGestures } from '../../../agent/service/gesture-look.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { BiometricHal } from '../../../drivers/hal/biometric.ts';
import type { HidDeviceInfo, HidEvent, HidHal } from '../../../drivers/hal/hid.ts';
import { MockBiometric } from '../../../hal-mocks/biometric/mock-biometric.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

type Parts = Parameters<typeof lookAtGestures>[0];
const UID = 1000;
const KEY: HidDeviceInfo = {
  path: '/dev/hidraw0',
  vendorId: 0x1209,
  productId: 0xbeee,
  manufacturer: null,
  product: 'Key',
  serial: null,
  usagePage: 0xf1d0,
  usage: 1,
};

/** Keys that are plugged and pulled by the test; opening one would throw. */
class Keys implements HidHal {
  there: HidDeviceInfo[] = [];
  problem: Error | null = null;
  readonly #watchers = new Set<(event: HidEvent) => void>();

  async list(): Promise<readonly HidDeviceInfo[]> {
    if (this.problem !== null) throw this.problem;
    return this.there;
  }

  open(): Promise<never> {
    throw new Error('a key is looked at, never opened');
  }

  plug(device: HidDeviceInfo): void {
    this.there = [...this.there, device];
    for (const told of this.#watchers) told({ type: 'arrived', device });
  }

  async *watch({ signal }: { signal: AbortSignal }): AsyncGenerator<HidEvent> {
    const events: HidEvent[] = [];
    let wake: () => void = () => undefined;
    const told = (event: HidEvent) => {
      events.push(event);
      wake();
    };
    this.#watchers.add(told);
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted) {
      const next = events.shift();
      if (next !== undefined) yield next;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    this.#watchers.delete(told);
  }
}

const containerOf = (biometrics: readonly string[]) => ({ biometrics }) as unknown as object;

function world({ enrolled = true, biometrics = ['fingerprint'] as readonly string[] } = {}) {
  const clock = new ManualClock();
  const hid = new Keys();
  const biometric = new MockBiometric(clock);
  const parts = {
    clock,
    hid,
    biometric: biometric as BiometricHal | null,
    userName: () => 'ana',
    simulated: false,
    store: { readContainer: async () => (enrolled ? containerOf(biometrics) : null) },
  } as unknown as Parts;
  return { clock, hid, biometric, parts };
}

const never = () => ({ signal: new AbortController().signal });
async function rows(parts: Parts): Promise<Readonly<Record<string, SensedSignal>>> {
  const found = await lookAtGestures(parts, UID, never());
  return Object.fromEntries(found.map((row) => [row.kind, row]));
}

describe('the gestures', () => {
  it('are four rows that satisfy nothing, whatever is there', async () => {
    const { parts, hid, biometric } = world();
    hid.plug(KEY);
    biometric.plug({ name: 'reader', modality: 'fingerprint', manner: 'press' });
    biometric.enrol('ana', 'fingerprint', 'right-index-finger');
    const found = await lookAtGestures(parts, UID, never());
    expect(found.map(({ kind }) => kind)).toEqual(['pin', 'securityKey', 'fingerprint', 'face']);
    expect(found.map(({ state }) => state)).toEqual(['unsatisfied', 'unsatisfied', 'unsatisfied', 'unavailable']);
    for (const row of found) expect(row).toMatchObject({ observedAt: parts.clock.now(), validFor: 60_000 });
  });

  it('name the keys that are plugged in, whose names write no line of their own', async () => {
    const { parts, hid } = world();
    expect((await rows(parts)).securityKey).toMatchObject({ state: 'unavailable', reason: 'no-device' });
    hid.there = [
      { ...KEY, product: 'Key\n\u202e\u001b[2J' },
      { ...KEY, product: null, productId: 1 },
    ];
    const { securityKey } = await rows(parts);
    expect(securityKey).toMatchObject({ state: 'unsatisfied', reason: 'not-presented' });
    expect(securityKey?.detail).toBe('plugged in: Key\ufffd\ufffd\ufffd[2J 1209:beee, a key 1209:0001');
    hid.there = [{ ...KEY, product: 'x'.repeat(5000) }];
    expect((await rows(parts)).securityKey?.detail?.length).toBeLessThan(100);
  });

  it.each([
    ['ERR_HAL_PERMISSION', 'no-permission'],
    ['ERR_HAL_MODULE_MISSING', 'no-driver'],
    ['ERR_HAL_IO', 'failed'],
  ] as const)('say of keys that cannot be listed for %s: %s', async (code, reason) => {
    const { parts, hid } = world();
    hid.problem = new UnlockdError(code, 'no list');
    expect((await rows(parts)).securityKey).toMatchObject({ state: 'unavailable', reason, detail: 'no list' });
  });

  it('say what a finger lacks: a reader, a template, the container’s word', async () => {
    const { parts, biometric } = world({ biometrics: [] });
    expect((await rows(parts)).fingerprint).toMatchObject({ state: 'unavailable', reason: 'no-device' });
    biometric.plug({ name: 'reader', modality: 'fingerprint', manner: 'press' });
    const unknown = (await rows(parts)).fingerprint;
    expect(unknown).toMatchObject({ reason: 'not-enrolled', detail: 'reader: it knows nothing of this user' });
    biometric.enrol('ana', 'fingerprint', 'right-index-finger');
    expect((await rows(parts)).fingerprint).toMatchObject({
      reason: 'not-enrolled',
      detail: 'reader: not yet added (`unlockctl biometric add fingerprint`)',
    });
  });

  it('say that no reader of faces is driven, and of a mock that it is simulated', async () => {
    const { parts, biometric } = world({ biometrics: ['face'] });
    const none = (await rows(parts)).face;
    expect(none).toMatchObject({ reason: 'no-driver', detail: 'no reader of faces is driven on this system' });
    biometric.plug({ name: 'camera', modality: 'face', manner: null });
    biometric.enrol('ana', 'face', 'face');
    expect((await rows(parts)).face).toMatchObject({ reason: 'not-presented', simulated: true, source: 'mock' });
    expect((await rows(parts)).pin?.simulated).toBe(false);
  });

  it('say of a service of readers that cannot be asked why, and nothing new of faces', async () => {
    const { parts, biometric } = world();
    await biometric[Symbol.asyncDispose]();
    const { fingerprint, face } = await rows(parts);
    expect(fingerprint).toMatchObject({ state: 'unavailable', reason: 'failed', source: 'mock' });
    expect(face).toMatchObject({ reason: 'no-driver', detail: 'no reader of faces is driven on this system' });
  });

  it('say that a PIN is set at the enrolment, to who is not enrolled', async () => {
    const { parts } = world({ enrolled: false });
    expect((await rows(parts)).pin).toMatchObject({ state: 'unsatisfied', reason: 'not-enrolled' });
  });

  it('say of what is switched off which setting does it', async () => {
    const { parts } = world();
    const off = await rows({ ...parts, hid: null, biometric: null });
    expect(off.securityKey?.detail).toContain('hid.enabled');
    expect(off.fingerprint?.detail).toContain('signals.biometric');
    expect(off.face?.detail).toContain('signals.biometric');
  });
});

describe('gestures that are followed', () => {
  it('are told once, a key at once when it comes, a reader within 30 s, and all again before they are too old', async () => {
    const { parts, clock, hid, biometric } = world();
    const stop = new AbortController();
    const told: SensedSignal[] = [];
    const done = followGestures(parts, UID, (row) => told.push(row), stop);
    await clock.advance(0);
    expect(told).toHaveLength(4);
    hid.plug(KEY);
    await clock.advance(0);
    expect(told.slice(4)).toMatchObject([{ kind: 'securityKey', state: 'unsatisfied' }]);
    biometric.plug({ name: 'reader', modality: 'fingerprint', manner: 'press' });
    await clock.advance(29_999);
    expect(told).toHaveLength(5);
    await clock.advance(1);
    expect(told.slice(5).map(({ kind }) => kind)).toContain('fingerprint');
    await clock.advance(30_000);
    for (const kind of ['pin', 'securityKey', 'face'])
      expect(clock.now() - (told.findLast((row) => row.kind === kind)?.observedAt ?? 0)).toBeLessThan(60_000);
    stop.abort();
    await done;
  });
});
