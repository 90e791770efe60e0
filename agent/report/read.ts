/** Evidence read back: out of a page, or as the JSON that it is. Files come from anybody and are checked like anything else. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { EVIDENCE_CLOSES, EVIDENCE_OPENS } from './page.ts';
import { type Evidence, evidenceSchema } from './schema.ts';

/** Size limit of a file, in UTF-16 units. */
export const MAX_REPORT_LENGTH = 32 * 1024 * 1024;

const invalid = (message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_REPORT_INVALID', message, { cause });

/** The JSON within a page, or the text itself. */
function jsonIn(text: string): string {
  const begins = text.indexOf(EVIDENCE_OPENS);
  if (begins < 0) {
    if (/^\s*\{/.test(text)) return text;
    throw invalid('this is no report: no evidence stands in it');
  }
  const from = begins + EVIDENCE_OPENS.length;
  if (text.includes(EVIDENCE_OPENS, from)) throw invalid('there is more than one evidence in it');
  const to = text.indexOf(EVIDENCE_CLOSES, from);
  if (to < 0) throw invalid('it ends within the evidence');
  return text.slice(from, to);
}

/**
 * @param text a page of `renderReport`, or the evidence as JSON
 * @throws {ERR_REPORT_INVALID} for anything else, also for a version that is not known
 */
export function readEvidence(text: string): Evidence {
  if (text.length > MAX_REPORT_LENGTH) throw invalid(`longer than ${MAX_REPORT_LENGTH} letters`);
  let value: unknown;
  try {
    value = JSON.parse(jsonIn(text));
  } catch (cause) {
    if (cause instanceof UnlockdError) throw cause;
    throw invalid('its evidence is no JSON', cause);
  }
  const result = evidenceSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map(String).join('.') || '(document)';
  throw invalid(`${path}: ${issue?.message ?? 'is no evidence'}`);
}

/** Whether the text is a page, and not the evidence alone. */
export const isPage = (text: string): boolean => text.includes(EVIDENCE_OPENS);
