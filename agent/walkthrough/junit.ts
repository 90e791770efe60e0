/**
 * Runs as JUnit XML, as CI servers read it: a suite for each walkthrough, a case for each step. What is not on the lane is
 * skipped with the reason; a run that shows nothing, or that did not get to its end, has an error. Pure.
 */
import type { LaneName } from './lane.ts';
import type { StepResult } from './run.ts';
import type { Step } from './schema.ts';
import { shortcoming, tallyOf, type WalkthroughRun } from './tally.ts';

/** What no XML 1.0 document can have, not even written as a number (XML 1.0 §2.2). */
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** For text and for attributes alike. */
const escaped = (text: string): string =>
  text.replace(NOT_XML, '\ufffd').replace(/[&<>"'\t\n\r]/g, (character) => ENTITIES[character] ?? '');

function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  inner: readonly string[],
): string {
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  return `<${name}${head.join('')}${inner.length === 0 ? '/>' : `>${inner.join('')}</${name}>`}`;
}

const inSeconds = (ms: number): string => (ms / 1000).toFixed(3);

const reasonLines = ({ asked }: StepResult): readonly string[] =>
  (asked?.reasons ?? []).map(({ depth, ok, text }) => `${'  '.repeat(Math.min(depth, 20))}${ok ? '✓' : '✗'} ${text}`);

function outcomeOf(result: StepResult): readonly string[] {
  const { outcome, why } = result;
  const [first = outcome] = why;
  switch (outcome) {
    case 'passed':
      return [];
    case 'failed':
      return [element('failure', { message: first }, [escaped([...why, ...reasonLines(result)].join('\n'))])];
    case 'not here':
      return [element('skipped', { message: `not on this lane: ${first}` }, [])];
    case 'skipped':
      return [element('skipped', { message: `skipped: ${first}` }, [])];
  }
}

const EMPTY_RUN = 'NO_STEP_PASSED';

/** @param options `words`: what a step does */
function suite(run: WalkthroughRun, lane: LaneName, words: (step: Step) => string): string {
  const { file, walkthrough, results, error, spanMs } = run;
  const { passed, failed, skipped, notHere, notReached } = tallyOf(run);
  const cases = walkthrough.steps.map((step, index) => {
    const result = results[index];
    const time = result === undefined ? 0 : result.endMs - result.startMs;
    const outcome =
      result === undefined ? [element('skipped', { message: 'the run did not get here' }, [])] : outcomeOf(result);
    return element(
      'testcase',
      { classname: file, name: `${index + 1} ${words(step)}`, time: inSeconds(time) },
      outcome,
    );
  });
  const nothing = error === null && failed === 0 && passed === 0;
  const ended = error ?? (nothing ? { code: EMPTY_RUN, message: shortcoming(run) ?? '' } : null);
  if (ended !== null) {
    const inner = [element('error', { message: ended.message, type: ended.code }, [])];
    cases.push(element('testcase', { classname: file, name: 'the run', time: inSeconds(spanMs) }, inner));
  }
  const counts = {
    tests: cases.length,
    failures: failed,
    errors: ended === null ? 0 : 1,
    skipped: skipped + notHere + notReached,
  };
  const properties = element('properties', {}, [element('property', { name: 'lane', value: lane }, [])]);
  return element('testsuite', { name: walkthrough.name, ...counts, time: inSeconds(spanMs) }, [properties, ...cases]);
}

/** @param words what a step does, as the report has it */
export function junitXml(runs: readonly WalkthroughRun[], lane: LaneName, words: (step: Step) => string): string {
  const suites = runs.map((run) => suite(run, lane, words));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name: `walkthroughs on the ${lane} lane` }, suites)}\n`;
}
