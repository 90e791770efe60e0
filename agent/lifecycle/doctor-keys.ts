/**
 * What the security keys that are plugged in, and the metadata file that says which may be enrolled, mean for somebody who
 * relies on them. Nothing is asked of a key that needs a PIN or a touch.
 */
import type { Finding } from './finding.ts';

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly cure: string;
}

export type KeyFact = {
  /** Product and path. */
  readonly name: string;
} & (
  | { readonly problem: Problem }
  | {
      readonly problem: null;
      /** Versions of CTAP that it speaks. */
      readonly versions: readonly string[];
      readonly hmacSecret: boolean;
      readonly pin: 'set' | 'not-set' | 'not-supported';
      readonly pinTriesLeft: number | null;
      readonly pinNeedsReplug: boolean;
      readonly pinMustChange: boolean;
      readonly fingerprints: 'enrolled' | 'none-enrolled' | 'no-reader';
      readonly fingerprintTriesLeft: number | null;
    }
);

export interface MetadataFact {
  readonly path: string;
  readonly problem: Problem | null;
  readonly models: number;
  /** Whether a signature was verified. */
  readonly signed: boolean;
  /** Since the file was written, days; null: there is none that can be looked at. */
  readonly ageDays: number | null;
}

/** The service publishes every month; what is older than a quarter was forgotten. */
const OLD_DAYS = 90;
const FEW_TRIES = 3;

const say = (check: Finding['check'], level: Finding['level'], text: string, cure: string | null = null): Finding => ({
  check,
  level,
  text,
  cure,
});

function pinFinding(name: string, fact: KeyFact & { readonly problem: null }): Finding {
  const { pin, pinTriesLeft, pinMustChange, pinNeedsReplug } = fact;
  if (pin === 'not-supported') return say('keys', 'info', `${name}: takes no PIN`);
  if (pin === 'not-set') {
    return say('keys', 'info', `${name}: has no PIN`, 'Where a policy asks for it: `unlockctl key pin set`.');
  }
  if (pinTriesLeft === 0) {
    return say(
      'keys',
      'problem',
      `${name}: its PIN is blocked`,
      'Only `unlockctl key reset` helps; all on it is lost.',
    );
  }
  if (pinNeedsReplug) {
    return say('keys', 'warning', `${name}: takes no PIN now`, 'Pull it out and plug it in again.');
  }
  if (pinMustChange) {
    return say('keys', 'warning', `${name}: its PIN has to be changed`, 'Run `unlockctl key pin change`.');
  }
  const few = pinTriesLeft !== null && pinTriesLeft <= FEW_TRIES;
  const left = pinTriesLeft === null ? '' : `, ${pinTriesLeft} tries left`;
  return say(
    'keys',
    few ? 'warning' : 'ok',
    `${name}: PIN set${left}`,
    few ? 'The next right PIN gives them back.' : null,
  );
}

function fingerFindings(name: string, fact: KeyFact & { readonly problem: null }): readonly Finding[] {
  if (fact.fingerprints === 'no-reader') return [];
  if (fact.fingerprints === 'none-enrolled') {
    return [say('keys', 'info', `${name}: knows no finger`, 'Run `unlockctl key fingerprints add`.')];
  }
  const blocked = fact.fingerprintTriesLeft === 0;
  const left = fact.fingerprintTriesLeft === null ? '' : `, ${fact.fingerprintTriesLeft} tries left`;
  return [
    say('keys', blocked ? 'warning' : 'ok', `${name}: knows a finger${left}`, blocked ? 'Use its PIN once.' : null),
  ];
}

export function keyFindings(keys: readonly KeyFact[]): readonly Finding[] {
  if (keys.length === 0) return [say('keys', 'info', 'no security key is plugged in')];
  return keys.flatMap((fact): readonly Finding[] => {
    const { name, problem } = fact;
    if (problem !== null)
      return [say('keys', 'warning', `${name}: ${problem.message} (${problem.code})`, problem.cure)];
    const kind = `${name}: speaks ${fact.versions.join(', ')}`;
    return [
      fact.hmacSecret
        ? say('keys', 'ok', `${kind}, has hmac-secret`)
        : say('keys', 'warning', `${kind}, has no hmac-secret`, 'It cannot be enrolled. Use a key that has it.'),
      pinFinding(name, fact),
      ...fingerFindings(name, fact),
    ];
  });
}

export function metadataFindings(fact: MetadataFact | null): readonly Finding[] {
  if (fact === null) return [];
  const { path, problem, models, signed, ageDays } = fact;
  if (problem !== null) {
    return [say('keys', 'problem', `${path}: ${problem.message} (${problem.code}); no key is enrolled`, problem.cure)];
  }
  const age = ageDays === null ? '' : `, ${ageDays} days old`;
  const text = `${path}: ${models} models, ${signed ? 'signed' : 'not signed'}${age}`;
  const old = ageDays !== null && ageDays > OLD_DAYS;
  return [say('keys', old ? 'warning' : 'ok', text, old ? 'Get the new metadata file.' : null)];
}
