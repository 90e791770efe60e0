/**
 * A Windows policy as the native document: the same lists, rules and PIN rules in the safe reading, and beside them, by
 * node, whatever has no section here, so that an export gives the same Windows policy again. What the policy is worth is
 * said in words, not found out later.
 */
import { branchesOf } from '../branches.ts';
import { DEFAULT_DOCUMENT, type PolicyDocument } from '../model.ts';
import type { FactorName, Requirement } from '../requirement.ts';
import { factorsWords, opensWith, weakest } from '../words.ts';
import type { ConversionNote } from './conversion-notes.ts';
import { checkedDocument } from './native-json.ts';
import { needsAsserted, plainNodes, UNCONFIGURED } from './to-windows.ts';
import type { Provider, WindowsPolicy } from './windows/model.ts';
import { nodesOfPolicy } from './windows/to-nodes.ts';
import { barsEverything, lockOf, pinOf } from './windows-sections.ts';
import { type KeptNode, keptValue, keyOfNode } from './windows-settings.ts';

const FACTOR_OF: Readonly<Record<Provider, FactorName>> = {
  pin: 'pin',
  fingerprint: 'fingerprint',
  face: 'face',
  'trusted-signal': 'trustedSignal',
};

const factorsOf = (providers: readonly Provider[]): readonly FactorName[] =>
  providers.map((provider) => FACTOR_OF[provider]);

function requirementOf({ groupA, groupB }: WindowsPolicy): Requirement | null {
  if (groupA === undefined || groupB === undefined) return null;
  return { all: [{ any: factorsOf(groupA) }, { any: factorsOf(groupB) }] };
}

function strengthNotes(document: PolicyDocument): readonly ConversionNote[] {
  const { require, acceptAsserted } = document.contexts.unlock;
  const branches = branchesOf({ require, rules: document.rules }, { pinIsBound: true });
  const least = weakest(branches);
  const where = 'contexts.unlock';
  if (least === null) {
    return [{ code: 'weakest-branch', words: 'nothing could ever satisfy these lists', where }];
  }
  const notes: ConversionNote[] = [
    { code: 'weakest-branch', words: `at its weakest it opens with: ${opensWith(branches)} (${least})`, where },
  ];
  if (acceptAsserted) {
    const pairs = branches.filter(({ strength }) => strength === 'asserted');
    const words = [...new Set(pairs.map(({ factors }) => factorsWords(factors)))].join('; ');
    notes.push({
      code: 'accepts-asserted',
      words: `as in Windows these pairs are accepted though no TPM enforces a factor of them: ${words}`,
      where: `${where}.acceptAsserted`,
    });
  }
  return notes;
}

/** What of the Windows policy the sections of the document do not give back. */
function keptOf(
  policy: WindowsPolicy,
  document: PolicyDocument,
  configured: boolean,
): PolicyDocument['windowsSettings'] {
  const own = new Map(
    plainNodes(document, configured).map((node) => [keyOfNode(node), JSON.stringify(node.value)] as const),
  );
  const kept: KeptNode[] = nodesOfPolicy(policy).settings.filter(
    (node) => own.get(keyOfNode(node)) !== JSON.stringify(node.value),
  );
  if (!configured) kept.unshift(UNCONFIGURED);
  return Object.fromEntries(kept.map((node) => [keyOfNode(node), keptValue(node.value)]));
}

/**
 * @throws {ERR_POLICY_INVALID} a value is beyond what the native document can hold (more conditions than it allows, a
 *   strength outside of every radio's range)
 */
export function fromWindows(policy: WindowsPolicy): {
  readonly document: PolicyDocument;
  readonly notes: readonly ConversionNote[];
} {
  const require = requirementOf(policy);
  const dynamicLock = lockOf(policy.dynamicLock);
  const base = {
    version: 2,
    contexts:
      require === null
        ? DEFAULT_DOCUMENT.contexts
        : { unlock: { require, acceptAsserted: needsAsserted({ ...DEFAULT_DOCUMENT, rules: policy.rules }, require) } },
    rules: policy.rules,
    pin: pinOf(policy.pinComplexity),
    ...(dynamicLock === undefined ? {} : { dynamicLock }),
  };
  const sections = checkedDocument(base);
  const windowsSettings = keptOf(policy, sections, require !== null);
  const document = checkedDocument({ ...base, windowsSettings });
  const notes: ConversionNote[] = [];
  if (require === null) {
    notes.push({
      code: 'unlock-not-configured',
      words: 'the policy names no unlock factors; the document has the default: first PIN, then security key',
      where: 'DeviceUnlock',
    });
  } else {
    notes.push(...strengthNotes(document));
  }
  if ((policy.dynamicLock?.rules.length ?? 0) > 1) {
    const words = 'dynamic lock has several rules; here the first one counts, and the others are kept';
    notes.push({ code: 'first-lock-rule', words, where: 'DynamicLock/Plugins' });
  }
  if (barsEverything(policy.pinComplexity)) {
    const words = 'every class of characters is barred, so that nobody could choose a PIN: digits stay allowed';
    notes.push({ code: 'pin-barred', words, where: 'PINComplexity' });
  }
  return { document, notes };
}
