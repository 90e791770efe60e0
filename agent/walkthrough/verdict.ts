/** Holds what came of a step against what is expected of it: every difference, in words. Pure. */
import type { ReasonLine } from '../api/ports.ts';
import type { Asked } from './person.ts';
import type { Step } from './schema.ts';

/** The lines that are not met and have no reason of their own below them. */
export const failingLeaves = (reasons: readonly ReasonLine[]): readonly string[] =>
  reasons.filter(({ ok, depth }, at) => !ok && (reasons[at + 1]?.depth ?? 0) <= depth).map(({ text }) => text);

/** The first of the wanted events that did not come in its turn; null: all came, in this order. */
export function missingEvent(wanted: readonly string[], got: readonly string[]): string | null {
  let at = 0;
  for (const event of wanted) {
    const found = got.indexOf(event, at);
    if (found < 0) return event;
    at = found + 1;
  }
  return null;
}

/**
 * @param asked what came of the ceremony; null: the step has none
 * @returns nothing when all is as expected
 */
export function differences(expect: Step['expect'], asked: Asked | null): readonly string[] {
  const { verdict = 'granted', code, reason, events } = expect;
  const out: string[] = [];
  if (asked === null && (verdict === 'refused' || events !== undefined)) out.push('this step asks for no ceremony');
  if (asked !== null) {
    const got = asked.code === null ? asked.verdict : `${asked.verdict}: ${asked.message} (${asked.code})`;
    if (asked.verdict !== verdict) out.push(`expected ${verdict}, got ${got}`);
    else if (code !== undefined && asked.code !== code) out.push(`expected ${code}, got ${asked.code ?? 'none'}`);
    const leaves = failingLeaves(asked.reasons);
    if (reason !== undefined && !leaves.some((leaf) => leaf.includes(reason))) {
      out.push(`no reason says “${reason}”: ${leaves.length === 0 ? 'there are none' : leaves.join('; ')}`);
    }
    const missing = events === undefined ? null : missingEvent(events, asked.events);
    if (missing !== null) out.push(`the event “${missing}” did not come in its turn: ${asked.events.join(', ')}`);
  }
  return out;
}
