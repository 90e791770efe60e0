import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../../agent/policy/decision.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { assertGrant, GRANT_LIFETIME_MS, Grant, grantFor } from '../../../agent/policy/grant.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { policyOf, satisfied, snapshotOf } from '../../support/policy-fixtures.ts';

const context = { container: '00112233445566778899aabbccddeeff', context: 'login' };
const decide = (...factors: ('pin' | 'securityKey')[]): Decision =>
  evaluate(policyOf(['pin'], ['securityKey']), snapshotOf(...factors.map((f) => satisfied(f))), monotonicMs(2000), {
    machineSimulated: false,
    pinIsBound: true,
  });
const granted = () => decide('pin', 'securityKey');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('a grant', () => {
  test('carries branch, strength, context and the time of the decision', () => {
    const grant = grantFor(granted(), context);
    expect(() => assertGrant(grant)).not.toThrow();
    expect([grant.branch.factors, grant.strength, grant.context, grant.issuedAt]).toEqual([
      ['pin', 'securityKey'],
      'bound-2',
      context,
      2000,
    ]);
  });

  test('is not minted for a denial', () => {
    expect(() => grantFor(decide('pin'), context)).toThrow(code('ERR_POLICY_DENIED'));
  });

  test('is minted once a decision', () => {
    const decision = granted();
    grantFor(decision, context);
    expect(() => grantFor(decision, context)).toThrow(code('ERR_POLICY_GRANT_SPENT'));
  });

  test('opens once', () => {
    const grant = grantFor(granted(), context);
    grant.spend();
    expect(grant.spent).toBe(true);
    expect(() => grant.spend()).toThrow(code('ERR_POLICY_GRANT_SPENT'));
  });

  test.each([
    ['too late', 2001 + GRANT_LIFETIME_MS],
    ['before it was issued', 1999],
    ['at no time', Number.NaN],
  ])('is refused and used up %s', (_, now) => {
    const grant = grantFor(granted(), context);
    expect(() => grant.spend(monotonicMs(now))).toThrow(code('ERR_POLICY_GRANT_EXPIRED'));
    expect(() => grant.spend()).toThrow(code('ERR_POLICY_GRANT_SPENT'));
  });

  test('is of a context that nobody can change, and of nothing else that stood there', () => {
    const given = { ...context, more: 'x' };
    const grant = grantFor(granted(), given);
    given.context = 'sudo';
    expect(grant.context).toEqual(context);
    expect(Object.isFrozen(grant.context)).toBe(true);
  });

  test('names the decision that it was minted from', () => {
    const decision = granted();
    const grant = grantFor(decision, context);
    expect(grant.decision).toBe(decision);
    expect(grant.spent).toBe(false);
  });

  test('says in words why it is refused', () => {
    const grant = grantFor(granted(), context);
    const late = { message: 'this grant is too old', detail: { ageMs: 30_001 } };
    expect(() => grant.spend(monotonicMs(32_001))).toThrow(expect.objectContaining(late));
    expect(() => grant.spend()).toThrow('this grant was used before');
    expect(() => grantFor(grant.decision, context)).toThrow('this decision has given its grant before');
    expect(() => grantFor(decide('pin'), context)).toThrow('the unlock policy is not satisfied');
    expect(() => assertGrant({})).toThrow('what was presented as a grant was not minted by the policy room');
  });

  test('can be spent from its issue until the end of its lifetime', () => {
    for (const now of [2000, 2000 + GRANT_LIFETIME_MS]) {
      expect(() => grantFor(granted(), context).spend(monotonicMs(now))).not.toThrow();
    }
  });
});

describe('a forged decision gives no grant', () => {
  const genuine = granted();
  test.each<[string, unknown]>([
    ['a copy', { ...genuine }],
    ['a structured clone', structuredClone(genuine)],
    ['its JSON', JSON.parse(JSON.stringify(genuine))],
    ['an object that inherits from it', Object.create(genuine)],
    ['a proxy of it', new Proxy(genuine, {})],
    ['a denial with another verdict', { ...decide('pin'), verdict: 'granted', branch: {}, strength: 'bound-2' }],
  ])('%s', (_, decision) => {
    expect(() => grantFor(decision as Decision, context)).toThrow(code('ERR_POLICY_GRANT_FORGED'));
  });
});

describe('a forged grant is refused', () => {
  const genuine = grantFor(granted(), context);
  const shape = { branch: genuine.branch, strength: 'bound-2', context, issuedAt: 2000, spent: false, spend() {} };
  test.each<[string, unknown]>([
    ['nothing', null],
    ['what is not there', undefined],
    ['a string', 'grant'],
    ['an object of the same shape', shape],
    ['the JSON of a grant', JSON.parse(JSON.stringify(genuine))],
    ['an object with the prototype', Object.create(Grant.prototype)],
    ['the same shape with the prototype', Object.setPrototypeOf({ ...shape }, Grant.prototype)],
    ['an object that inherits from a grant', Object.create(genuine)],
    ['a proxy of a grant', new Proxy(genuine, {})],
    ['the prototype itself', Grant.prototype],
    ['a function', () => genuine],
  ])('%s', (_, candidate) => {
    expect(() => assertGrant(candidate)).toThrow(code('ERR_POLICY_GRANT_FORGED'));
  });

  test('the constructor wants a key that is nowhere to be had', () => {
    for (const key of [Symbol('mint'), Symbol.for('mint'), Symbol.iterator]) {
      expect(() => new Grant(key, granted(), context)).toThrow(code('ERR_POLICY_GRANT_FORGED'));
      expect(() => Reflect.construct(Grant, [key, granted(), context])).toThrow(code('ERR_POLICY_GRANT_FORGED'));
    }
    class Look extends Grant {}
    expect(() => new Look(Symbol('mint'), granted(), context)).toThrow(code('ERR_POLICY_GRANT_FORGED'));
    expect(inspect(genuine, { showHidden: true })).not.toContain('mint');
  });

  test('its methods and its check cannot be replaced', () => {
    expect(() => Object.assign(Grant.prototype, { spend: () => undefined })).toThrow(TypeError);
    expect(() => Object.assign(Grant, { isGrant: () => true })).toThrow(TypeError);
  });
});
