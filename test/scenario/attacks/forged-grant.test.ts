/**
 * The door of the release room: it opens to a grant that the policy room minted from a decision, once, soon, for one
 * container and branch. Everything that only looks like one releases nothing, and the TPM is not even asked.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planOf } from '../../../agent/container/plan.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { GRANT_LIFETIME_MS, Grant, grantFor } from '../../../agent/policy/grant.ts';
import { openDoor, type Release } from '../../../agent/release/release.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { toHex } from '../../../drivers/base/bytes.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import type { TraceFrame } from '../../../drivers/base/trace.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { policyOf, satisfied, snapshotOf } from '../../support/policy-fixtures.ts';

let machine: TestMachine;
let alice: TestContainer;
let bob: TestContainer;
const frames: TraceFrame[] = [];
beforeAll(async () => {
  machine = await TestMachine.start({ trace: (frame) => frames.push(frame) });
  alice = await machine.enrol(1000);
  bob = await machine.enrol(1001);
});
afterAll(() => machine.close());

const DECIDED_AT = 2000;
const at = (now: number): Clock => ({ ...systemClock, now: () => monotonicMs(now) });
const decide = () =>
  evaluate(
    policyOf(['pin'], ['securityKey']),
    snapshotOf(satisfied('pin'), satisfied('securityKey')),
    monotonicMs(DECIDED_AT),
    { machineSimulated: false, pinIsBound: true },
  );
const grant = (of: TestContainer = alice): Grant =>
  grantFor(decide(), { container: toHex(of.state.containerId), context: 'unlock' });

/** Everything but the grant is right: both proofs, the real plan, the real object. */
const through = (candidate: Grant, of: TestContainer = alice, clock: Clock = at(DECIDED_AT + 1)) =>
  machine.withRoot(async (root) => {
    frames.length = 0;
    const { state, group } = of;
    const proofs = machine.proofs(state, { pin: '246813', group });
    const release: Release = { root, plan: planOf(state), proofs, sealed: state.sealedKey };
    using door = openDoor(candidate, clock);
    using secret = await door.release(release);
    return secret.length;
  });

const sentNothing = () => frames.filter(({ direction, label }) => direction === 'out' && label !== 'TPM2_FlushContext');

it('a minted grant releases the key of its container', async () => {
  expect(await through(grant())).toBe(32);
});

describe('what is no grant is refused with ERR_POLICY_GRANT_FORGED', () => {
  it.each<[string, (genuine: Grant) => unknown]>([
    [
      'a structural copy',
      (genuine) => ({
        branch: genuine.branch,
        strength: genuine.strength,
        context: genuine.context,
        issuedAt: genuine.issuedAt,
        spent: false,
        spend: () => undefined,
      }),
    ],
    ['an object with the prototype', () => Object.create(Grant.prototype)],
    ['an object that inherits from a genuine one', (genuine) => Object.create(genuine)],
    ['its JSON', (genuine) => JSON.parse(JSON.stringify(genuine))],
    ['a proxy of a genuine one', (genuine) => new Proxy(genuine, {})],
    [
      'an own class with the same members',
      () =>
        new (class {
          branch = decide();
          spend() {}
        })(),
    ],
    ['null', () => null],
  ])('%s', async (_, forge) => {
    await expect(through(forge(grant()) as Grant)).rejects.toMatchObject({ code: 'ERR_POLICY_GRANT_FORGED' });
    expect(sentNothing()).toEqual([]);
  });
});

describe('a genuine grant opens no more than it says', () => {
  it('spent: ERR_POLICY_GRANT_SPENT', async () => {
    const once = grant();
    expect(await through(once)).toBe(32);
    await expect(through(once)).rejects.toMatchObject({ code: 'ERR_POLICY_GRANT_SPENT' });
    expect(sentNothing()).toEqual([]);
  });

  it('expired: ERR_POLICY_GRANT_EXPIRED, and it is used up by the attempt', async () => {
    const late = grant();
    await expect(through(late, alice, at(DECIDED_AT + GRANT_LIFETIME_MS + 1))).rejects.toMatchObject({
      code: 'ERR_POLICY_GRANT_EXPIRED',
    });
    await expect(through(late)).rejects.toMatchObject({ code: 'ERR_POLICY_GRANT_SPENT' });
    expect(sentNothing()).toEqual([]);
  });

  it("for another container: ERR_GRANT_INVALID, though that container's factors are all there", async () => {
    await expect(through(grant(alice), bob)).rejects.toMatchObject({ code: 'ERR_GRANT_INVALID' });
    expect(sentNothing()).toEqual([]);
    expect(await through(grant(bob), bob)).toBe(32);
  });

  it('after its operation has ended: ERR_GRANT_INVALID', async () => {
    await machine.withRoot(async (root) => {
      const proofs = machine.proofs(alice.state, { pin: '246813', group: alice.group });
      const release: Release = { root, plan: planOf(alice.state), proofs, sealed: alice.state.sealedKey };
      const door = openDoor(grant(), at(DECIDED_AT + 1));
      using secret = await door.release(release);
      expect(secret.length).toBe(32);
      door[Symbol.dispose]();
      await expect(door.release(release)).rejects.toMatchObject({ code: 'ERR_GRANT_INVALID' });
    });
  });

  it('without the proofs: ERR_GRANT_INVALID; with a wrong PIN: the TPM says 0x98E all the same', async () => {
    const attempt = (factors: { pin: string; group?: TestContainer['group'] }) =>
      machine.withRoot(async (root) => {
        const proofs = machine.proofs(alice.state, factors);
        using door = openDoor(grant(), at(DECIDED_AT + 1));
        return await door.release({ root, plan: planOf(alice.state), proofs, sealed: alice.state.sealedKey });
      });
    await expect(attempt({ pin: '246813' })).rejects.toMatchObject({ code: 'ERR_GRANT_INVALID' });
    await expect(attempt({ pin: '000000', group: alice.group })).rejects.toMatchObject({ rc: 0x98e });
  });
});
