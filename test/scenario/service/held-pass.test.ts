/**
 * The pass that a right PIN begins is held while the key is asked for its touch: it opens the container when the touch
 * comes soon, and is given up without a trace for everybody else.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ceremony, CeremonyEvent } from '../../../agent/api/ports.ts';
import { createFactor } from '../../../agent/container/objects.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { getHandles, HANDLE_RANGE } from '../../../drivers/tpm2/index.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const never = new AbortController().signal;
const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`a pass that is held${missing ? ` (${missing})` : ''}`, () => {
  let agent: TestAgent;
  let owner = '';
  let sent: string[] = [];
  let onSent: (label: string) => void = () => undefined;
  /** The timer of two seconds, by hand. */
  let holdIsOver: (() => void) | null = null;
  let held = 0;
  const clock: Clock = {
    ...systemClock,
    timer: (span, fire) => {
      if (span !== 2000) return systemClock.timer(span, fire);
      held++;
      holdIsOver = fire;
      return () => {
        holdIsOver = null;
      };
    },
  };

  beforeAll(async () => {
    agent = await TestAgent.start({
      clock,
      settings: { touchWithin: milliseconds(10_000) },
      trace: ({ seam, direction, label }) => {
        if (seam !== 'tpm' || direction !== 'out') return;
        sent.push(label ?? '');
        onSent(label ?? '');
      },
    });
    const setup = await agent.run(0, { kind: 'setup' });
    owner = setup.out.get('owner-sheet')?.toString('ascii') ?? '';
    await agent.setUpAndEnrol(UID, PIN);
  });
  afterAll(() => agent.close());
  beforeEach(() => {
    sent = [];
    onSent = () => undefined;
    held = 0;
    agent.touch = false;
    agent.parts.unlocked.forget(UID);
  });
  /** What is loaded in the TPM: nothing, whatever happened. */
  afterEach(async () => {
    const ranges = [HANDLE_RANGE.TRANSIENT, HANDLE_RANGE.HMAC_SESSION, HANDLE_RANGE.POLICY_SESSION];
    const loaded = await agent.parts.tpm.withTpm(never, async (tpm) => {
      const handles: number[] = [];
      for (const range of ranges) handles.push(...(await getHandles(tpm, range)));
      return handles;
    });
    expect(loaded).toEqual([]);
  });

  /** Begins an unlock and gives its PIN. `until` reads on to an event of the type. */
  async function begin(pin = PIN) {
    const { id } = await agent.service.begin(peer(UID), UNLOCK);
    const ceremony: Ceremony = agent.service.ceremony(peer(UID), id);
    const seen: CeremonyEvent[] = [];
    const events = ceremony.events({ signal: never })[Symbol.asyncIterator]();
    const until = async (...types: CeremonyEvent['type'][]): Promise<CeremonyEvent> => {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error(`it ended before ${types.join(', ')}: ${JSON.stringify(seen.at(-1))}`);
        const event: CeremonyEvent = value;
        seen.push(event);
        if (types.includes(event.type)) return event;
      }
    };
    await until('prompt');
    ceremony.supply('pin', Secret.take(utf8(pin)));
    return { ceremony, until, seen };
  }

  /** Waits until everything is loaded that can be. */
  const prepared = async () => {
    while (sent.filter((label) => label === 'TPM2_Load').length < 3) await systemClock.sleep(milliseconds(5), {});
  };
  const count = (label: string) => sent.filter((one) => one === `TPM2_${label}`).length;

  it('opens the container with one policy session when the touch comes soon', async () => {
    const { until } = await begin();
    await until('touch');
    await prepared();
    expect(holdIsOver).not.toBeNull();
    agent.key.presence.touch();
    expect(await until('done', 'failed')).toMatchObject({ result: { unlocked: true, strength: 'bound-2' } });
    expect({ sessions: count('StartAuthSession'), secrets: count('PolicySecret') }).toEqual({
      sessions: 2,
      secrets: 2,
    });
    expect(holdIsOver).toBeNull();
  });

  it('is given up for somebody else who wants the TPM, and both get what they want', async () => {
    const { until } = await begin();
    await until('touch');
    await prepared();
    const status = await agent.service.status(peer(UID));
    expect(status.tpm).toMatchObject({ reachable: true });
    expect(holdIsOver).toBeNull();
    agent.key.presence.touch();
    expect(await until('done', 'failed')).toMatchObject({ result: { unlocked: true } });
    expect(count('PolicySecret')).toBe(3);
  });

  it('is not even begun where somebody else waits by the time the PIN is judged', async () => {
    let waiting: Promise<unknown> | null = null;
    onSent = (label) => {
      if (label === 'TPM2_PolicySecret') waiting ??= agent.parts.tpm.withTpm(never, async () => 'served');
    };
    const { until } = await begin();
    await until('touch');
    expect(await waiting).toBe('served');
    expect(held).toBe(0);
    agent.key.presence.touch();
    expect(await until('done', 'failed')).toMatchObject({ result: { unlocked: true } });
  });

  it('is given up after its time, and a late touch opens all the same', async () => {
    const { until } = await begin();
    await until('touch');
    await prepared();
    holdIsOver?.();
    // Whoever comes from outside finds the TPM free.
    await agent.parts.tpm.withTpm(never, async () => undefined);
    agent.key.presence.touch();
    expect(await until('done', 'failed')).toMatchObject({ result: { unlocked: true } });
    expect(count('PolicySecret')).toBe(3);
  });

  it('is given up when the unlock is cancelled', async () => {
    const { ceremony, until } = await begin();
    await until('touch');
    await prepared();
    ceremony.cancel();
    expect(await until('done', 'failed')).toMatchObject({ refusal: { code: 'ERR_API_CEREMONY_CANCELLED' } });
    expect(holdIsOver).toBeNull();
    expect(count('Unseal')).toBe(0);
  });

  it('does not outlive a key that was not touched', async () => {
    const { until } = await begin();
    await until('touch');
    await prepared();
    agent.key.presence.decline();
    expect(await until('done', 'failed')).toMatchObject({ type: 'failed', refusal: { code: 'ERR_POLICY_DENIED' } });
    expect(holdIsOver).toBeNull();
    expect(count('Unseal')).toBe(0);
  });

  it('opens nothing for a key whose secret the TPM refuses, and a whole pass is refused as well', async () => {
    const { store, tpm, entropy } = agent.parts;
    const [machine, state] = [await store.readMachine(), await store.readContainer(UID)];
    const securityKey = state?.factors.securityKey;
    if (!machine || !state || !securityKey) throw new Error('not enrolled');
    using other = Secret.take(entropy.bytes(32));
    const blob = await tpm.withRoot(never, machine, (root) => createFactor(root, 'securityKey', other, entropy));
    const factors = { ...state.factors, securityKey: { ...securityKey, blob } };
    store.readContainer = async () => ({ ...state, factors });
    try {
      sent = [];
      const { until } = await begin();
      await until('touch');
      await prepared();
      agent.key.presence.touch();
      expect(await until('done', 'failed')).toMatchObject({ refusal: { code: 'ERR_TPM_AUTH_FAILED' } });
      // The PIN and the key in the pass that was held, and both once more in the whole one.
      expect({ secrets: count('PolicySecret'), unseals: count('Unseal') }).toEqual({ secrets: 4, unseals: 0 });
    } finally {
      Reflect.deleteProperty(store, 'readContainer');
    }
    expect(agent.parts.unlocked.stateOf(UID)).toBeNull();
  });

  it('survives a TPM that is restarted under it: a whole pass opens', async () => {
    const { until } = await begin();
    await until('touch');
    await prepared();
    await agent.swtpm.kill();
    await agent.swtpm.start();
    agent.key.presence.touch();
    expect(await until('done', 'failed')).toMatchObject({ result: { unlocked: true } });
    agent.touch = true;
    await agent.resetLockout(owner);
  });

  it('ends with a clear error when the TPM is gone, and the next unlock opens', async () => {
    const { until } = await begin();
    await until('touch');
    await prepared();
    await agent.swtpm.kill();
    agent.key.presence.touch();
    const failed = await until('done', 'failed');
    expect(failed.type === 'failed' ? failed.refusal.code : failed).toMatch(/^ERR_HAL_/);
    await agent.swtpm.start();
    agent.touch = true;
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).failed).toBeNull();
    await agent.resetLockout(owner);
  });

  it('is not there for a wrong PIN, which is told, and counted, before any touch', async () => {
    const { ceremony, until, seen } = await begin('135792');
    const refused = await until('refused');
    expect(refused).toMatchObject({ refusal: { code: 'ERR_PIN_WRONG', detail: { triesLeft: 4 } } });
    expect(seen.map(({ type }) => type)).not.toContain('touch');
    expect(held).toBe(0);
    ceremony.cancel();
    await until('failed');
    await agent.resetLockout(owner);
  });
});
