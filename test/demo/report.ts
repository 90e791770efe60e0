/** The report of a run: one HTML file that needs no network, with every step and what was seen. */
import { mkdir, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import type { StepResult } from './scene.ts';

export interface ReportFacts {
  readonly startedAt: Date;
  readonly ok: boolean;
  readonly steps: readonly StepResult[];
  readonly parts: readonly (readonly [string, string])[];
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const STYLE = `
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #c62828; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } p.verdict { margin-top: .25rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
td.ms { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } .ok { color: var(--ok); } .bad { color: var(--bad); }
h2 { font-size: 1.1rem; margin-top: 2rem; } code { display: block; white-space: pre-wrap; font-size: .85em; opacity: .85; padding-left: calc((var(--depth) + 2) * 1ch); text-indent: -2ch; } td code:first-of-type { margin-top: .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { opacity: .7; } dd { margin: 0; }
@media print { body { margin: 0; } }`;

/** A line that is too long goes on below its own beginning, not below the margin. */
function line(text: string): string {
  const clear = text.trimStart();
  return `<code style="--depth: ${text.length - clear.length}">${escaped(clear)}</code>`;
}

function row(step: StepResult, index: number): string {
  const mark = step.ok ? '<span class="ok">✓</span>' : '<span class="bad">✗</span>';
  const lines = step.lines.map(line).join('');
  return `<tr><td>${index + 1}</td><td>${mark}</td><td>${escaped(step.name)}</td><td>${escaped(step.expected)}</td>
<td>${escaped(step.got)}${lines}</td><td class="ms">${step.ms} ms</td></tr>`;
}

export function reportHtml({ startedAt, ok, steps, parts }: ReportFacts): string {
  const passed = steps.filter((step) => step.ok).length;
  const verdict = `${passed} of ${steps.length} steps as expected`;
  const facts = parts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>unlockd: the unlock path, end to end</title><style>${STYLE}</style></head><body>
<h1>unlockd: the unlock path, end to end</h1>
<p class="verdict ${ok ? 'ok' : 'bad'}">${verdict}</p>
<table><thead><tr><th>#</th><th></th><th>what</th><th>expected</th><th>got</th><th>time</th></tr></thead><tbody>
${steps.map(row).join('\n')}
</tbody></table>
<h2>Parts</h2><dl><dt>run at</dt><dd>${startedAt.toISOString()}</dd>
${facts}
<dt>kernel</dt><dd>${escaped(release())}</dd><dt>Node</dt><dd>${escaped(process.version)}</dd></dl>
<p>The TPM is swtpm, a test double: it shows the behaviour of a TPM and protects nothing, since whoever copies its state
has unlimited tries. Secrets are not in this file; keys were compared by an HMAC under a fresh nonce.</p>
</body></html>
`;
}

export async function writeReport(path: string, facts: ReportFacts): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, reportHtml(facts));
}
