/**
 * Who wins where several sources set the same: user Group Policy over computer Group Policy over user CSP over device
 * CSP, each setting as a whole (the three values of device unlock are one setting). Every value that lost is told.
 */
import type { NodeValue } from './model.ts';
import type { Note } from './notes.ts';
import { type Setting, SOURCE_WORDS, SOURCES, windowsError } from './settings.ts';

const identity = (value: NodeValue): string => JSON.stringify(value);
const settingOf = (setting: Setting): string => (setting.node?.setting ?? setting.path).toLowerCase();

/**
 * @returns the winners by path in lower case, and a note for each loser
 * @throws {ERR_POLICY_WINDOWS_AMBIGUOUS} one source has two values for a node
 */
export function settle(settings: readonly Setting[]): {
  readonly winners: ReadonlyMap<string, Setting>;
  readonly notes: readonly Note[];
} {
  const strongest = new Map<string, number>();
  for (const setting of settings) {
    const rank = SOURCES.indexOf(setting.source);
    const key = settingOf(setting);
    strongest.set(key, Math.min(rank, strongest.get(key) ?? rank));
  }
  const winners = new Map<string, Setting>();
  const notes: Note[] = [];
  for (const setting of settings) {
    const rank = strongest.get(settingOf(setting)) ?? 0;
    const winner = SOURCES[rank];
    if (winner !== undefined && winner !== setting.source) {
      const words = `${setting.path} from ${SOURCE_WORDS[setting.source]} lost to ${SOURCE_WORDS[winner]}`;
      notes.push({ code: 'overridden', words, where: setting.where });
      continue;
    }
    const key = setting.path.toLowerCase();
    const other = winners.get(key);
    if (other !== undefined && identity(other.value) !== identity(setting.value)) {
      const words = `${setting.path} has another value in ${other.where}, which is just as strong`;
      throw windowsError('ERR_POLICY_WINDOWS_AMBIGUOUS', words, setting.where);
    }
    if (other === undefined) winners.set(key, setting);
  }
  return { winners, notes };
}
