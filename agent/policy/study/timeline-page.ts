/**
 * A timeline as one page of HTML that needs nothing else: no script, nothing that is loaded, and a policy of its own that
 * forbids both. Names of devices and networks come from outside and are text, never markup.
 */
import type { ReasonLine } from '../explain.ts';
import type { Interval, Timeline } from './timeline.ts';
import { escaped, instantWords, timelinePicture } from './timeline-picture.ts';

export interface PageWords {
  /** `unlock` */
  readonly context: string;
  /** The policy in words. */
  readonly policy: string;
  /** What was played, for the title. */
  readonly trace: string;
}

const STYLE = `
:root{color-scheme:light dark;--page:#fff;--ink:#1d2127;--soft:#5b6470;--line:#e2e5ea;--row:#f6f7f9;--change:#8a93a0;
--granted:#1f7a4d;--weak:#b7791f;--denied:#f3d3d0;--denied-ink:#8c2f25;--counts:#cfe3fb;--counts-ink:#17487f;--stale:#e6e8ec;--stale-ink:#5b6470}
@media(prefers-color-scheme:dark){:root{--page:#14171b;--ink:#e7eaee;--soft:#9aa4b1;--line:#2b3138;--row:#1a1e23;--change:#6b7684;
--granted:#2b8f5d;--weak:#b7791f;--denied:#4a2522;--denied-ink:#f2b8b1;--counts:#1d3a5c;--counts-ink:#cfe3fb;--stale:#2a2f36;--stale-ink:#9aa4b1}}
*{box-sizing:border-box}body{margin:0 auto;max-width:70rem;padding:1.5rem;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0 0 .25rem}p{margin:.2rem 0;color:var(--soft);overflow-wrap:anywhere}
div.picture{overflow-x:auto;margin:1.2rem 0}svg{display:block;width:100%;min-width:44rem;height:auto;font:11.5px system-ui,sans-serif}
.name{text-anchor:end;fill:var(--ink);font-size:12.5px}.time{fill:var(--soft)}.tick{stroke:var(--line)}
.change{stroke:var(--change);stroke-dasharray:2 3}.bar text{fill:var(--ink)}.bar rect{stroke:var(--page);stroke-width:1}
.granted rect{fill:var(--granted)}.granted.asserted rect{fill:var(--weak)}.granted text{fill:#fff;font-weight:600}
.denied rect,.unsatisfied rect{fill:var(--denied)}.denied text,.unsatisfied text{fill:var(--denied-ink)}
.counts rect{fill:var(--counts)}.counts text{fill:var(--counts-ink)}
.stale rect,.unavailable rect,.simulated rect{fill:var(--stale)}.stale text,.unavailable text,.simulated text{fill:var(--stale-ink)}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;color:var(--soft)}
th,td{padding:.45rem .7rem .45rem 0;border-top:1px solid var(--line);vertical-align:top}td.t{white-space:nowrap;font-variant-numeric:tabular-nums}
td.v{font-weight:600;white-space:nowrap}td.v.granted{color:var(--granted)}td.v.denied{color:var(--denied-ink)}td{overflow-wrap:break-word}
details{margin-top:.2rem}summary{cursor:pointer;color:var(--soft)}ul{list-style:none;margin:.3rem 0;padding:0;font-size:13.5px}
li.yes::before{content:"\\2713  ";color:var(--granted)}li.no::before{content:"\\2717  ";color:var(--denied-ink)}
@media(min-width:52.01rem){td.t,td.v{width:1%}td.w{width:38%}}
@media(max-width:52rem){body{padding:1rem;font-size:14px}thead{display:none}tr{display:block;padding:.6rem 0;border-top:1px solid var(--line)}
td{display:block;border:0;padding:.1rem 0}td::before{color:var(--soft);font-weight:400}td.t{display:inline}td.t+td.t::before{content:" for "}td.h::before{content:"after: "}td.h div:first-child{display:inline}}
`;

const line = ({ depth, ok, text }: ReasonLine): string =>
  `<li class="${ok ? 'yes' : 'no'}" style="padding-left:${Number((Math.min(depth, 12) * 1.2).toFixed(1))}rem">${escaped(text)}</li>`;

function row({ from, fromIncluded, to, verdict, strength, words, because, reasons }: Interval, start: number): string {
  const begins = `${fromIncluded ? '' : 'just after '}${instantWords(from - start)}`;
  const why = because.map((each) => `<div>${escaped(each)}</div>`).join('');
  return (
    `<tr><td class="t">${escaped(begins)}</td><td class="t">${escaped(instantWords(to - from))}</td>` +
    `<td class="v ${verdict}">${verdict}${strength === null ? '' : ` (${strength})`}</td>` +
    `<td class="w">${escaped(words)}<details><summary>why</summary><ul>${reasons.map(line).join('')}</ul></details></td>` +
    `<td class="h">${why === '' ? 'the trace begins' : why}</td></tr>`
  );
}

/** @returns a whole document in UTF-8 */
export function timelinePage(timeline: Timeline, { context, policy, trace }: PageWords): string {
  const { start, end, intervals, bounds } = timeline;
  const title = `${context}: ${trace}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
<h1>Verdicts of ${escaped(context)} over ${escaped(instantWords(end - start))}</h1>
<p>policy: ${escaped(policy)}</p><p>trace: ${escaped(trace)}</p>
${bounds.map((bound) => `<p>${escaped(bound)}</p>`).join('')}
<div class="picture">${timelinePicture(timeline)}</div>
<table><thead><tr><th>from</th><th>for</th><th>verdict</th><th>by, or what is missing</th><th>what happened</th></tr></thead>
<tbody>${intervals.map((interval) => row(interval, start)).join('\n')}</tbody></table>
</body></html>
`;
}
