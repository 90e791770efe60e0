/** Pieces of the page of a run: reason trees, steps, tables. All text comes from outside and is escaped here. */
import { escaped, instantWords } from '../policy/study/timeline-picture.ts';
import { instants, outcomeClass, outcomeSign, rowsOf } from './picture.ts';
import type { Evidence, EvidenceDevice, EvidenceStep, LogEntry } from './schema.ts';

type Reasons = EvidenceStep['reasons'];

/** Lines with depths as lists in lists; a line is at most one deeper than the one before it. */
export function reasonTree(reasons: Reasons): string {
  if (reasons.length === 0) return '';
  let html = '<ul class="tree">';
  let at = 0;
  for (const [index, { depth, ok, text }] of reasons.entries()) {
    if (index > 0) {
      if (depth > at) {
        html += '<ul>';
        at++;
      } else html += '</li>';
      for (; at > depth; at--) html += '</ul></li>';
    }
    html += `<li class="${ok ? 'yes' : 'no'}"><span class="sign" role="img" aria-label="${ok ? 'yes' : 'no'}">${ok ? '✓' : '✗'}</span>${escaped(text)}`;
  }
  return `${html}</li>${'</ul></li>'.repeat(at)}</ul>`;
}

/** @param style a class of the page */
const details = (summary: string, isOpen: boolean, inner: string, style = ''): string =>
  `<details${style === '' ? '' : ` class="${style}"`}${isOpen ? ' open="open"' : ''}><summary>${escaped(summary)}</summary>${inner}</details>`;

const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`;

export const OUTCOME_WORDS: Readonly<Record<EvidenceStep['outcome'], string>> = {
  passed: 'passed',
  failed: 'failed',
  'not here': 'not on this lane',
  skipped: 'skipped',
};

function stepItem(step: EvidenceStep): string {
  const { number, what, note, expected, outcome, why, got, code, reasons, events, startMs, endMs } = step;
  const pairs: string[] = [];
  if (expected.length > 0) pairs.push(`<dt>expected</dt><dd>${expected.map(escaped).join('<br/>')}</dd>`);
  if (got !== null) {
    pairs.push(`<dt>got</dt><dd>${escaped(got)}${code === null ? '' : ` <code>${escaped(code)}</code>`}</dd>`);
  }
  const whyLines =
    why.length === 0 ? '' : `<ul class="why">${why.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`;
  const tree =
    reasons.length === 0 ? '' : details('why: the reasons of the verdict', outcome === 'failed', reasonTree(reasons));
  const rows = events.map(
    ({ atMs, words }) =>
      `<tr><td class="t dim">${escaped(instantWords(atMs - startMs))}</td><td>${escaped(words)}</td></tr>`,
  );
  const happened =
    rows.length === 0
      ? ''
      : details(
          counted(rows.length, 'event', 'events'),
          false,
          `<table class="log"><thead><tr><th scope="col">after</th><th scope="col">event</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
        );
  return (
    `<li class="step ${outcomeClass(outcome)}" id="step-${number}"><span class="badge" aria-hidden="true">${number}</span><div>` +
    `<div class="head"><h3>${escaped(what)}</h3><span class="state"><b>${outcomeSign(outcome)} ${OUTCOME_WORDS[outcome]}</b> in ${escaped(instantWords(endMs - startMs))}</span></div>` +
    (note === null ? '' : `<p class="note">${escaped(note)}</p>`) +
    (pairs.length === 0 ? '' : `<dl class="pair">${pairs.join('')}</dl>`) +
    `${whyLines}${tree}${happened}</div></li>`
  );
}

export const stepList = (steps: Evidence['steps']): string =>
  `<ol class="steps">${steps.map(stepItem).join('\n')}</ol>`;

const dashed = (aaguid: string): string => aaguid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

interface Column {
  readonly head: string;
  /** HTML; null: the device does not say. */
  readonly of: (device: EvidenceDevice) => string | null;
}

const text = (value: string | null): string | null => (value === null ? null : escaped(value));

function modelOf({ manufacturer, model, aaguid }: EvidenceDevice): string | null {
  const made = [manufacturer, model].filter((each) => each !== null).join(' ');
  const identity = aaguid === null ? [] : [`<span class="dim">AAGUID</span> <code>${dashed(aaguid)}</code>`];
  const all = [...(made === '' ? [] : [escaped(made)]), ...identity];
  return all.length === 0 ? null : all.join('<br/>');
}

const COLUMNS: readonly Column[] = [
  { head: 'kind', of: ({ kind }) => escaped(kind) },
  { head: 'what it is', of: ({ nature }) => `<span class="tag ${nature}">${nature}</span>` },
  { head: 'model', of: modelOf },
  { head: 'firmware', of: ({ firmware }) => text(firmware) },
  { head: 'reached through', of: ({ adapter }) => (adapter === null ? null : `<code>${escaped(adapter)}</code>`) },
  { head: 'says of itself', of: ({ says }) => (says.length === 0 ? null : says.map(escaped).join('<br/>')) },
];

export function deviceTable(devices: Evidence['devices']): string {
  // What none of them says needs no column.
  const columns = COLUMNS.filter(({ of }) => devices.some((device) => of(device) !== null));
  const heads = ['name', ...columns.map(({ head }) => head)].map((head) => `<th scope="col">${head}</th>`);
  const rows = devices.map((device) => {
    const cells = columns.map(({ head, of }) => {
      const html = of(device);
      return html === null ? '<td class="empty dim">–</td>' : `<td data-of="${head}">${html}</td>`;
    });
    return `<tr><th scope="row">${escaped(device.name)}</th>${cells.join('')}</tr>`;
  });
  return (
    '<table><caption>As they described themselves. Simulated: a program in place of a driver. Emulated: the real driver on a device that is a program.</caption>' +
    `<thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
  );
}

/** What the picture says, for whoever cannot see it. */
export function pictureTable(evidence: Evidence): string {
  const rows = rowsOf(evidence).flatMap(({ name, bars }) =>
    bars.map(
      ({ fromMs, toMs, title }) =>
        `<tr><th scope="row">${escaped(name)}</th><td class="t">${escaped(instantWords(fromMs))}</td><td class="t">${escaped(instantWords(toMs))}</td>` +
        `<td>${escaped(title.replace(`, ${instants(fromMs, toMs)}`, ''))}</td></tr>`,
    ),
  );
  return details(
    'the picture as a table',
    false,
    `<div class="scroll" tabindex="0" role="region" aria-label="the picture as a table"><table class="log"><thead><tr><th scope="col">row</th><th scope="col">from</th><th scope="col">to</th><th scope="col">what</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
    // On paper the picture is enough.
    'twice',
  );
}

/** Entries of the log that are printed; all of them are in the evidence. */
const PRINTED = 2000;

function logRow({ n, atMs, kind, data, hash }: LogEntry): string {
  const facts = Object.entries(data)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(
      ([name, value]) =>
        `<span class="dim">${escaped(name)}</span> ${escaped(Array.isArray(value) ? value.join('; ') : String(value))}`,
    );
  return (
    `<tr><td class="t dim">${n}</td><td class="t">${escaped(instantWords(atMs))}</td><td>${kind}</td>` +
    `<td>${facts.join(', ')}</td><td class="mono dim">${hash.slice(0, 12)}</td></tr>`
  );
}

export function logTable({ log }: Evidence): string {
  const rest = log.length - PRINTED;
  const heads = ['n', 'at', 'kind', 'what', 'hash'].map((head) => `<th scope="col">${head}</th>`).join('');
  return details(
    counted(log.length, 'entry', 'entries'),
    false,
    `<div class="scroll" tabindex="0" role="region" aria-label="the log"><table class="log"><thead><tr>${heads}</tr></thead><tbody>${log.slice(0, PRINTED).map(logRow).join('\n')}</tbody></table></div>` +
      (rest > 0 ? `<p class="dim">${rest} more stand in the evidence that this page carries.</p>` : ''),
  );
}
