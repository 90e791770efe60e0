/**
 * Whether a report is what it was: the chain of its log, what the log ended with, and whether the page shows what its evidence
 * says. It says nothing about who wrote it: for that, its last hash has to be kept elsewhere.
 */
import { chainFault, headOf } from './chain.ts';
import { PAGE_VERSION, renderReport } from './page.ts';
import { isPage } from './read.ts';
import type { Evidence } from './schema.ts';

export interface ReportCheck {
  /** Stands for the whole evidence. */
  readonly head: string;
  readonly entries: number;
  /** `shown`: the page is exactly what its evidence makes; `not compared`: it was made by another version; null: no page. */
  readonly page: 'shown' | 'altered' | 'not compared' | null;
  /** In words; none: all is as it was. */
  readonly faults: readonly string[];
}

const GENERATOR = /<meta name="generator" content="unlockd report (\d{1,9})"\/>/;

function pageOf(text: string, evidence: Evidence): ReportCheck['page'] {
  if (!isPage(text)) return null;
  const [, version] = GENERATOR.exec(text) ?? [];
  if (version !== undefined && Number(version) !== PAGE_VERSION) return 'not compared';
  return text === renderReport(evidence) ? 'shown' : 'altered';
}

/**
 * @param text the file that `evidence` was read from
 * @param head the hash that was kept elsewhere; null: none was
 */
export function verifyReport(text: string, evidence: Evidence, head: string | null): ReportCheck {
  const fault = chainFault(evidence);
  const page = pageOf(text, evidence);
  const own = headOf(evidence);
  const faults = [
    ...(fault === null ? [] : [fault]),
    ...(page === 'altered' ? ['the page does not show what its evidence says'] : []),
    ...(head === null || head === own ? [] : [`the last hash is ${own}, not ${head}`]),
  ];
  return { head: own, entries: evidence.log.length, page, faults };
}
