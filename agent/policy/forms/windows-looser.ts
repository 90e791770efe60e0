/**
 * Where Windows reads the words of a rule more loosely than this product does, or may (ADR 13), and which switches of the
 * document it has no words for. Each is worth knowing before a policy goes back to Windows; none is a reason to refuse.
 */
import { DEFAULT_DOCUMENT, type PolicyDocument } from '../model.ts';
import type { IpConfigCondition } from '../rules.ts';
import type { ConversionNote } from './conversion-notes.ts';

const elementsOf = ({ type: _type, ...elements }: IpConfigCondition): readonly unknown[] =>
  Object.values(elements).filter((value) => value !== undefined);

const looser = (where: string, words: string): ConversionNote => ({ code: 'windows-reads-looser', words, where });

export function looserInWindows(document: PolicyDocument): readonly ConversionNote[] {
  const { matching, rules } = document;
  const notes: ConversionNote[] = [];
  for (const [i, { all }] of rules.entries()) {
    for (const [j, condition] of all.entries()) {
      const where = `rules[${i}].all[${j}]`;
      if (condition.type === 'bluetooth' && matching.phones === 'enrolled') {
        notes.push(looser(where, 'in Windows every phone that is paired with the machine counts, for every user'));
      }
      if (condition.type !== 'ipConfig') continue;
      if (condition.dnsSuffix !== undefined && matching.dnsSuffix === 'labels') {
        notes.push(looser(`${where}.dnsSuffix`, 'in Windows any part of the suffix may match'));
      }
      const elements = elementsOf(condition);
      if (elements.length > 1 && matching.adapters === 'same') {
        notes.push(looser(where, 'in Windows the elements may match on different adapters'));
      }
      if (elements.some((value) => Array.isArray(value) && value.length > 1) && matching.repeated === 'all') {
        notes.push(looser(where, 'in Windows one of the repeated elements may be enough'));
      }
    }
  }
  for (const [key, value] of Object.entries(matching)) {
    const usual = DEFAULT_DOCUMENT.matching[key as keyof typeof matching];
    if (JSON.stringify(value) === JSON.stringify(usual)) continue;
    const words = `Windows has no setting for it; when this is imported again it is ${JSON.stringify(usual)}`;
    notes.push({ code: 'not-carried', words, where: `matching.${key}` });
  }
  for (const [i, { name }] of rules.entries()) {
    if (name === `rule-${i + 1}`) continue;
    notes.push({
      code: 'not-carried',
      words: `Windows' rules have no names: ${name} is rule ${i + 1}`,
      where: `rules[${i}].name`,
    });
  }
  return notes;
}
