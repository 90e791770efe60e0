/** The rules of the authority: a statement that violates just one is refused, naming the field; the good one is compiled. */
import { describe, expect, it } from 'vitest';
import {
  compileStatement,
  type FactorClaim,
  type PolicyStatement,
} from '../../../agent/container/authority/statement.ts';
import { epochReference } from '../../../agent/container/references.ts';
import {
  counterPublic,
  emptyPolicy,
  encodeNvPublic,
  encodePublicArea,
  externalKey,
  factorTemplate,
  type KeyedHashPublic,
  type NvPublic,
  nameOf,
  policyAuthorizeDigest,
  SIGNING_KEY,
  TPM_ALG,
  TPMA_NV,
  TPMA_OBJECT,
} from '../../../drivers/tpm2/index.ts';

const id = new Uint8Array(16).fill(7);
const authority = nameOf(externalKey(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)));
const nv = counterPublic(0x01800001, policyAuthorizeDigest(authority, epochReference(id)), true);
const unique = (value: number) => new Uint8Array(32).fill(value);
const object = (da: boolean, value: number, change: Partial<KeyedHashPublic> = {}) =>
  encodePublicArea({ ...factorTemplate(da), unique: unique(value), ...change });
const signer = (value: number, attributes = SIGNING_KEY.attributes) =>
  encodePublicArea({ ...SIGNING_KEY, attributes, x: unique(value), y: unique(value) });
const pin: FactorClaim = { factor: 'pin', check: 'secret', publicArea: object(true, 1) };
const key: FactorClaim = { factor: 'securityKey', check: 'secret', publicArea: object(false, 2) };
const face: FactorClaim = { factor: 'face', check: 'signed', publicArea: signer(3) };
const closing = { counter: encodeNvPublic(nv), counterValue: 4, n: 5 };
const good: PolicyStatement = {
  containerId: id,
  context: 'unlock',
  factors: [pin, key, face],
  branches: [
    ['pin', 'securityKey'],
    ['face', 'pin'],
  ],
  closing,
  highestSigned: 4,
};
const counter = (change: Partial<NvPublic>) => ({
  closing: { ...closing, counter: encodeNvPublic({ ...nv, ...change }) },
});
const noAdmin = factorTemplate(true).attributes & ~TPMA_OBJECT.ADMIN_WITH_POLICY;

it('a good statement is compiled, and its digests differ', () => {
  const { compiled, hashes } = compileStatement(good, authority);
  expect(compiled.branches.map(({ factors }) => factors)).toEqual(good.branches);
  expect(compiled.digest).not.toEqual(emptyPolicy());
  expect(hashes.policy).not.toEqual(hashes.bump);
});

describe('refused with ERR_AUTHORITY_REFUSED', () => {
  it.each<[string, string, Partial<PolicyStatement>]>([
    ['a container id of 15 bytes', 'containerId', { containerId: new Uint8Array(15) }],
    ['an unknown context', 'context', { context: 'elsewhere' }],
    ['no branch', 'branches', { branches: [] }],
    ['65 branches', 'branches', { branches: Array(65).fill(['pin', 'securityKey']) }],
    ['an empty branch', 'branches', { branches: [[]] }],
    ['a branch of one factor', 'branches', { branches: [['pin']] }],
    ['a branch of one factor twice', 'branches', { branches: [['pin', 'pin']] }],
    ['a branch that names one of its two factors twice', 'branches', { branches: [['pin', 'securityKey', 'pin']] }],
    ['a factor that is not enrolled', 'branches', { branches: [['pin', 'phone']] }],
    ['one factor twice', 'factors', { factors: [pin, key, face, { ...key, publicArea: object(false, 9) }] }],
    ['two observations with one signer', 'factors', { factors: [pin, key, face, { ...face, factor: 'phone' }] }],
    [
      'an object without adminWithPolicy',
      'factors',
      { factors: [{ ...pin, publicArea: object(true, 1, { attributes: noAdmin }) }, key, face] },
    ],
    [
      'a PIN without dictionary-attack protection',
      'factors',
      { factors: [{ ...pin, publicArea: object(false, 1) }, key, face] },
    ],
    [
      'an object with a policy of its own',
      'factors',
      { factors: [{ ...pin, publicArea: object(true, 1, { authPolicy: unique(1) }) }, key, face] },
    ],
    [
      'an object with another hash',
      'factors',
      { factors: [{ ...pin, publicArea: object(true, 1, { nameAlg: TPM_ALG.SHA1 }) }, key, face] },
    ],
    ['a PIN that is asserted', 'factors', { factors: [{ ...pin, check: 'signed', publicArea: signer(1) }, key, face] }],
    [
      'a face that is a secret',
      'factors',
      { factors: [pin, key, { ...face, check: 'secret', publicArea: object(false, 3) }] },
    ],
    [
      'a signer that is no key of this TPM',
      'factors',
      { factors: [pin, key, { ...face, publicArea: signer(3, TPMA_OBJECT.SIGN_ENCRYPT) }] },
    ],
    ['a public area that is none', 'factors', { factors: [{ ...pin, publicArea: new Uint8Array(5) }, key, face] }],
    ['no closing PolicyNV', 'closing', { closing: null }],
    ['a counter that is not written', 'closing', { closing: { ...closing, counterValue: null } }],
    ['the number that is in force', 'closing', { closing: { ...closing, n: 4 } }],
    ['a number too far ahead', 'closing', { closing: { ...closing, n: 6 } }],
    ['a number that was burned', 'closing', { highestSigned: 5 }],
    ['a number that is none', 'closing', { closing: { ...closing, counterValue: 4.5, n: 5.5 } }],
    ['not a number', 'closing', { closing: { ...closing, counterValue: Number.NaN, n: Number.NaN } }],
    ['an index out of the range', 'counter', counter({ index: 0x01500000 })],
    ['an index of another size', 'counter', counter({ dataSize: 16 })],
    ['a counter that its password increments', 'counter', counter({ attributes: nv.attributes | TPMA_NV.AUTHWRITE })],
    ['a counter that loses its value', 'counter', counter({ attributes: nv.attributes | TPMA_NV.ORDERLY })],
    [
      "another container's counter",
      'counter',
      counter({ authPolicy: policyAuthorizeDigest(authority, epochReference(unique(1).subarray(16))) }),
    ],
    [
      "another authority's counter",
      'counter',
      counter({ authPolicy: policyAuthorizeDigest(nameOf(SIGNING_KEY), epochReference(id)) }),
    ],
    ['a counter that is none', 'counter', { closing: { ...closing, counter: new Uint8Array(3) } }],
  ])('%s, in %s', (_, field, change) => {
    expect(() => compileStatement({ ...good, ...change }, authority)).toThrow(
      expect.objectContaining({ code: 'ERR_AUTHORITY_REFUSED', detail: { field } }),
    );
  });
});
