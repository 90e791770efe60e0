/**
 * The report of a run as one page of HTML that needs nothing else: no script, nothing that is loaded, and a policy of its own that
 * forbids both. It is written as XML too, so that any parser reads it. The evidence itself stands in it as JSON: what is
 * shown can be made anew from it, and `report verify` does.
 */
import { escaped, instantWords } from '../policy/study/timeline-picture.ts';
import { headOf } from './chain.ts';
import { deviceTable, logTable, OUTCOME_WORDS, pictureTable, stepList } from './page-parts.ts';
import { STYLE } from './page-style.ts';
import { outcomeClass, picture, pictureBegins, rowsOf } from './picture.ts';
import { type Evidence, OUTCOMES } from './schema.ts';

/** Changes with what the page shows of the same evidence. */
export const PAGE_VERSION = 1;

/** What stands before the evidence in the page, once. */
export const EVIDENCE_OPENS = '<script type="application/json" id="evidence">';
export const EVIDENCE_CLOSES = '</script>';

const unitEscaped = (text: string): string =>
  text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** JSON in which nothing ends the element around it, that XML takes as it is, and in which nothing hides. */
const embedded = (evidence: Evidence): string =>
  JSON.stringify(evidence).replace(/[<>&\ufffe\uffff]|\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, unitEscaped);

interface Result {
  readonly style: 'passed' | 'partly' | 'failed' | 'aborted';
  readonly words: string;
}

const countOf = ({ steps }: Evidence, outcome: (typeof OUTCOMES)[number]): number =>
  steps.filter((step) => step.outcome === outcome).length;

/** How the run ended, in a word. Steps that were not done are never called passed. */
export function resultOf(evidence: Evidence): Result {
  if (evidence.end.how === 'aborted') return { style: 'aborted', words: 'aborted' };
  if (countOf(evidence, 'failed') > 0) return { style: 'failed', words: 'failed' };
  const passed = countOf(evidence, 'passed');
  if (passed > 0 && passed === evidence.steps.length) return { style: 'passed', words: 'passed' };
  return { style: 'partly', words: passed === 0 ? 'nothing was run' : 'passed in part' };
}

/** `2026-11-24 17:03:12 UTC` */
const civil = (instant: string): string => `${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC`;

const fact = (name: string, value: string, style = ''): string =>
  `<div${style}><dt>${name}</dt><dd>${value}</dd></div>`;

function top(evidence: Evidence): string {
  const { walkthrough, lane, steps, started, end } = evidence;
  const { style, words } = resultOf(evidence);
  const share = OUTCOMES.flatMap((outcome) => {
    const count = countOf(evidence, outcome);
    return count === 0 ? [] : [{ outcome, count }];
  });
  const sign = style === 'passed' ? '✓' : style === 'partly' ? '–' : '✗';
  return `<header class="top">
<p class="over"><span class="seal ${style}"><span aria-hidden="true">${sign}</span> ${words}</span><span>lane <b>${escaped(lane.name)}</b></span><span>${civil(started)}</span></p>
<h1>${escaped(walkthrough.name)}</h1>
<p class="about">${escaped(walkthrough.about)}</p>
<div class="share" aria-hidden="true">${share.map(({ outcome, count }) => `<i class="${outcomeClass(outcome)}" style="flex:${count}"></i>`).join('')}</div>
<ul class="counts"><li><b>${steps.length}</b> ${steps.length === 1 ? 'step' : 'steps'}</li>${share.map(({ outcome, count }) => `<li><b>${count}</b> ${OUTCOME_WORDS[outcome]}</li>`).join('')}<li>in <b>${escaped(instantWords(evidence.spanMs))}</b></li></ul>
${end.why === null ? '' : `<ul class="why"><li>${escaped(end.why)}</li></ul>`}
</header>`;
}

function facts({ walkthrough, lane, started, ended, versions }: Evidence): string {
  const rows = [
    fact(
      'lane',
      `${escaped(lane.name)}${lane.about === null ? '' : `<br/><span class="dim">${escaped(lane.about)}</span>`}`,
    ),
    fact('begun', civil(started)),
    fact('ended', civil(ended)),
    ...versions.map(({ of, version }) => fact(escaped(of), escaped(version))),
    fact(
      'file',
      walkthrough.file === null ? 'none: handed in by a program' : `<code>${escaped(walkthrough.file)}</code>`,
    ),
    ...(walkthrough.digest === null
      ? []
      : [fact('SHA-256 of the file', `<code>${walkthrough.digest}</code>`, ' class="whole"')]),
    ...(lane.simulated.length === 0
      ? []
      : [fact('simulated on this lane', lane.simulated.map(escaped).join('<br/>'), ' class="whole"')]),
  ];
  return `<section aria-labelledby="run"><h2 id="run">The run</h2><dl class="facts">${rows.join('\n')}</dl></section>`;
}

const LEGEND = [
  ['good', 'granted or accepted'],
  ['bad', 'refused or wrong'],
  ['asked', 'asked for'],
  ['there', 'there'],
  ['away', 'away or not available'],
] as const;

function timeline(evidence: Evidence): string {
  const names = rowsOf(evidence).map(({ name }, at) => `<li${at === 0 ? ' class="first"' : ''}>${escaped(name)}</li>`);
  const legend = LEGEND.map(([style, words]) => `<li><i class="${style}"></i>${words}</li>`);
  const before = pictureBegins(evidence);
  const prepared = `It begins with the first step, after ${instantWords(before)} of preparation.`;
  return `<section aria-labelledby="time"><h2 id="time">Over time</h2>
<figure class="picture"><ul class="names" aria-hidden="true">${names.join('')}</ul><div class="scroll" tabindex="0" role="region" aria-label="picture of the run">${picture(evidence)}</div></figure>
<ul class="legend" aria-hidden="true">${legend.join('')}</ul>
${before === 0 ? '' : `<p class="dim small">${escaped(prepared)}</p>`}
${pictureTable(evidence)}</section>`;
}

/**
 * The whole page. The same evidence always makes the same page.
 * @returns a document in UTF-8
 */
export function renderReport(evidence: Evidence): string {
  const { walkthrough, lane, devices, steps, findings } = evidence;
  const { words } = resultOf(evidence);
  const found = findings.map((finding) => `<li>${escaped(finding)}</li>`).join('');
  return `<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width,initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>
<meta name="color-scheme" content="light dark"/><meta name="referrer" content="no-referrer"/><meta name="generator" content="unlockd report ${PAGE_VERSION}"/>
<title>${escaped(`${walkthrough.name}: ${words} on ${lane.name}`)}</title><style>${STYLE}</style></head><body>
${top(evidence)}
<main>
${findings.length === 0 ? '' : `<section class="findings" aria-labelledby="found"><h2 id="found">Findings</h2><ul class="plain">${found}</ul></section>`}
${timeline(evidence)}
<section aria-labelledby="steps"><h2 id="steps">Steps</h2>${steps.length === 0 ? '<p class="dim">No step was begun.</p>' : stepList(steps)}</section>
${devices.length === 0 ? '' : `<section aria-labelledby="devices"><h2 id="devices">Devices</h2>${deviceTable(devices)}</section>`}
${facts(evidence)}
<section aria-labelledby="log"><h2 id="log">Log</h2><p class="dim">Each entry has the hash of the one before it, and the last one that of the whole evidence. This is its own hash; kept elsewhere, it shows whether anything here was changed.</p>
<p><code>${headOf(evidence)}</code></p>${logTable(evidence)}</section>
</main>
<footer>Nothing in this file is loaded or run. <code>unlockctl report verify</code> checks it, <code>unlockctl report diff</code> compares it with another run.</footer>
${EVIDENCE_OPENS}${embedded(evidence)}${EVIDENCE_CLOSES}
</body></html>
`;
}
