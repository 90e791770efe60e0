/**
 * What is looked at after a step: the container, what the machine senses, the rules of the policy, dynamic lock and the
 * audit log. Only what is expected is asked for, and every difference is told in words.
 */
import type { PolicyExplanation, SensedSignal, SignalsView } from '../api/ports.ts';
import type { Subject } from './lane.ts';
import type { Step } from './schema.ts';
import { missingEvent } from './verdict.ts';

type Outlook = Pick<Step['expect'], 'state' | 'keys' | 'signals' | 'rules' | 'dynamicLock' | 'log'>;
type Asking = { readonly signal: AbortSignal };
type Kind = keyof NonNullable<Outlook['signals']>;

/** More than a step brings about. */
const LAST_EVENTS = 500;

/** Whether anything is expected afterwards. */
export const looksAfterwards = ({ state, keys, signals, rules, dynamicLock, log }: Outlook): boolean =>
  [state, keys, signals, rules, dynamicLock, log].some((each) => each !== undefined);

/** The number of the newest event of the audit log; null: it has none yet. */
export async function newestEvent(subject: Subject, { signal }: Asking): Promise<number | null> {
  let newest: number | null = null;
  for await (const { seq } of subject.audit({ last: 1, follow: false, signal })) newest = seq;
  return newest;
}

const listOf = (value: unknown, field: string): readonly Readonly<Record<string, unknown>>[] => {
  const list = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : null;
  return Array.isArray(list) ? list.filter((each) => typeof each === 'object' && each !== null) : [];
};

const FOUND: Readonly<Record<Kind, (observation: unknown) => string>> = {
  bluetooth: (seen) => (listOf(seen, 'devices').some(({ proved }) => proved === true) ? 'proved' : 'not-proved'),
  wifi: (seen) => (listOf(seen, 'associations').length > 0 ? 'associated' : 'none'),
  ipConfig: (seen) =>
    listOf(seen, 'interfaces').some(
      ({ kind, connected, ipv4 }) => kind === 'ethernet' && connected === true && hasAddress(ipv4),
    )
      ? 'connected'
      : 'none',
};

function hasAddress(ipv4: unknown): boolean {
  if (typeof ipv4 !== 'object' || ipv4 === null || !('addresses' in ipv4)) return false;
  return Array.isArray(ipv4.addresses) && ipv4.addresses.length > 0;
}

function foundOf(kind: Kind, { signals, now }: SignalsView): string {
  const signal: SensedSignal | undefined = signals.find((each) => each.kind === kind);
  if (signal === undefined || signal.state !== 'observed' || now - signal.observedAt > signal.validFor) {
    return 'unavailable';
  }
  return FOUND[kind](signal.observation);
}

function signalDifferences(wanted: NonNullable<Outlook['signals']>, view: SignalsView): readonly string[] {
  return (['bluetooth', 'wifi', 'ipConfig'] as const).flatMap((kind) => {
    const found = foundOf(kind, view);
    return wanted[kind] === undefined || wanted[kind] === found
      ? []
      : [`expected the signal ${kind} to be ${wanted[kind]}, it is ${found}`];
  });
}

function ruleDifferences(wanted: NonNullable<Outlook['rules']>, { reasons }: PolicyExplanation): readonly string[] {
  return Object.entries(wanted).flatMap(([rule, expected]) => {
    const lines = reasons.filter(({ text }) => text.startsWith(`rule ${rule}: `));
    if (lines.length === 0) return [`nothing is told of the rule ${rule}`];
    const found = lines.some(({ ok }) => ok) ? 'hold' : 'fail';
    return found === expected ? [] : [`expected the rule ${rule} to ${expected}, it does not`];
  });
}

async function logDifferences(
  wanted: readonly string[],
  subject: Subject,
  since: number | null,
  { signal }: Asking,
): Promise<readonly string[]> {
  const got: string[] = [];
  for await (const { seq, event } of subject.audit({ last: LAST_EVENTS, follow: false, signal })) {
    if (since === null || seq > since) got.push(event);
  }
  const missing = missingEvent(wanted, got);
  return missing === null
    ? []
    : [`“${missing}” did not come into the log in its turn: ${got.join(', ') || 'nothing did'}`];
}

/**
 * @param since the newest event of the audit log when the step began; null: there was none
 * @returns nothing when all is as expected
 */
export async function differencesAfterwards(
  { state, keys, signals, rules, dynamicLock, log }: Outlook,
  subject: Subject,
  since: number | null,
  options: Asking,
): Promise<readonly string[]> {
  const out: string[] = [];
  if (state !== undefined || keys !== undefined || dynamicLock !== undefined) {
    const status = await subject.status(options);
    const { own } = status;
    const lock = status.dynamicLock?.state ?? 'off';
    if (state !== undefined && own.state !== state) {
      out.push(`expected the container to be ${state}, it is ${own.state}`);
    }
    if (keys !== undefined && own.keys !== keys) out.push(`expected ${keys} keys, there are ${own.keys}`);
    if (dynamicLock !== undefined && lock !== dynamicLock) {
      out.push(`expected dynamic lock to be ${dynamicLock}, it is ${lock}`);
    }
  }
  // Whoever asks for signals has the own phones looked at; a rule is held against what is known then.
  if (signals !== undefined || rules !== undefined) {
    const view = await subject.signals(options);
    if (signals !== undefined) out.push(...signalDifferences(signals, view));
  }
  if (rules !== undefined) out.push(...ruleDifferences(rules, await subject.explainPolicy(options)));
  if (log !== undefined) out.push(...(await logDifferences(log, subject, since, options)));
  return out;
}
