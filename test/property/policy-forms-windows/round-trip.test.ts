/** Properties of the Windows form: reading what was written gives the policy, and what is written is canonical. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  readWindowsPolicies,
  readWindowsPolicy,
  readWindowsStrings,
} from '../../../agent/policy/forms/windows/read.ts';
import { writeReg } from '../../../agent/policy/forms/windows/reg-write.ts';
import { readSignalRules } from '../../../agent/policy/forms/windows/rule-schema.ts';
import { writeSignalRules } from '../../../agent/policy/forms/windows/rule-write.ts';
import { writeOmaSettings, writeWindowsNodes, writeWindowsStrings } from '../../../agent/policy/forms/windows/write.ts';
import { cspPolicies, registryPolicies, signalRules, stringsPolicies } from './policies.ts';

const tenantId = '00000000-0000-4000-8000-000000000001';
const RUNS = { numRuns: 120 };

describe('reading what was written', () => {
  test('signal rules', () => {
    fc.assert(
      fc.property(signalRules, (rules) => {
        const written = writeSignalRules(rules);
        expect(written.reasons).toEqual([]);
        expect(readSignalRules(written.text)).toEqual({ rules, notes: [] });
      }),
      RUNS,
    );
  });
  test('the three strings', () => {
    fc.assert(
      fc.property(stringsPolicies, (policy) => {
        expect(readWindowsStrings(writeWindowsStrings(policy)).policy).toEqual(policy);
      }),
      RUNS,
    );
  });
  test('a registry file', () => {
    fc.assert(
      fc.property(registryPolicies, (policy) => {
        expect(readWindowsPolicy(writeReg(policy)).policy).toEqual(policy);
      }),
      RUNS,
    );
  });
  test('a custom profile of Intune', () => {
    fc.assert(
      fc.property(cspPolicies, (policy) => {
        expect(readWindowsPolicy(writeOmaSettings(policy, { tenantId })).policy).toEqual(policy);
      }),
      RUNS,
    );
  });
  test('CSP nodes as a list', () => {
    fc.assert(
      fc.property(cspPolicies, (policy) => {
        const nodes = JSON.stringify(writeWindowsNodes(policy, { tenantId }));
        expect(readWindowsPolicy(nodes, { format: 'csp' }).policy).toEqual(policy);
      }),
      RUNS,
    );
  });
});

describe('writing what was read', () => {
  test('a registry file has one text for one policy', () => {
    fc.assert(
      fc.property(registryPolicies, (policy) => {
        const once = Buffer.from(writeReg(policy));
        expect(once.equals(writeReg(readWindowsPolicy(once).policy))).toBe(true);
      }),
      RUNS,
    );
  });
  test('a policy says the same whether it comes as a file of text or of octets', () => {
    fc.assert(
      fc.property(registryPolicies, (policy) => {
        const octets = writeReg(policy);
        const text = Buffer.from(octets).toString('utf16le');
        expect(readWindowsPolicy(text)).toEqual(readWindowsPolicy(octets));
      }),
      RUNS,
    );
  });
  test('reading a policy twice is reading it once', () => {
    fc.assert(
      fc.property(cspPolicies, (policy) => {
        const data = writeOmaSettings(policy, { tenantId });
        expect(
          readWindowsPolicies([
            { name: 'a', data },
            { name: 'b', data },
          ]).policy,
        ).toEqual(policy);
      }),
      RUNS,
    );
  });
});
