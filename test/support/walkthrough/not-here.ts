/**
 * What of the shipped walkthroughs is not on a lane, and why. The tests of the lanes hold every run against it, step by step;
 * docs/reference/walkthrough-lanes.md is generated from it.
 */
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { LANE_FACTS } from '../../../agent/walkthrough/lane-facts.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { shippedWalkthroughs } from '../../../agent/walkthrough/shipped.ts';

export interface NotHere {
  /** From 1. */
  readonly steps: 'all' | readonly number[];
  readonly why: string;
}

type Tested = 'mock' | 'emulator';

const NO_PROCESS = 'the daemon has no process of its own: it can only be restarted';
const NO_BLUETOOTH = 'there is no Bluetooth radio';

/** By the names of the walkthroughs; those that are not named are there from the first step to the last. */
export const NOT_HERE: Readonly<Record<Tested, Readonly<Record<string, NotHere>>>> = {
  mock: {
    'daemon-killed': {
      steps: [1, 2, 3, 6, 7, 8, 9, 10, 12, 13, 14, 17, 19, 20, 21, 22, 25, 28, 31, 32],
      why: NO_PROCESS,
    },
    'pin-change': { steps: [3, 4], why: NO_PROCESS },
  },
  emulator: {
    'all-pairs': { steps: 'all', why: NO_BLUETOOTH },
    finger: { steps: 'all', why: 'there is no fingerprint reader' },
    'impostor-phone': { steps: 'all', why: NO_BLUETOOTH },
    'phone-leaves': { steps: 'all', why: NO_BLUETOOTH },
    'system-restarts': { steps: 'all', why: NO_BLUETOOTH },
  },
};

/** What has to come of each step: `passed`, or `not here: why`. */
export function expectedOutcomes(lane: Tested, name: string, count: number): readonly string[] {
  const known = NOT_HERE[lane][name];
  return Array.from({ length: count }, (_, index) => {
    const isHere = known === undefined || (known.steps !== 'all' && !known.steps.includes(index + 1));
    return isHere ? 'passed' : `not here: ${known.why}`;
  });
}

/** `1-3, 6` */
function ranges(numbers: readonly number[]): string {
  const out: [from: number, to: number][] = [];
  for (const number of numbers) {
    const last = out.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else out.push([number, number]);
  }
  return out.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

function cellOf(lane: Tested, name: string, count: number): string {
  const known = NOT_HERE[lane][name];
  if (known === undefined) return 'all';
  const { steps, why } = known;
  return steps === 'all' ? `none: ${why}` : `${count - steps.length} of ${count}; not ${ranges(steps)}: ${why}`;
}

/** docs/reference/walkthrough-lanes.md */
export function lanesPage(): string {
  const rows = shippedWalkthroughs().map(({ name, text }) => {
    const { steps } = readWalkthrough(text, checkedDocument);
    const cells = [cellOf('mock', name, steps.length), cellOf('emulator', name, steps.length)];
    return `| [${name}](../walkthroughs/${name}.yaml) | ${steps.length} | ${cells.join(' | ')} |`;
  });
  const lanes = Object.entries(LANE_FACTS).map(([lane, { about, simulated, emulated }]) => {
    return `| ${lane} | ${about} | ${simulated.join(', ') || 'nothing'} | ${emulated.join(', ') || 'nothing'} |`;
  });
  return [
    '# What is on which lane',
    '',
    'Generated from `test/support/walkthrough/not-here.ts` by `npm run docs`; do not edit. The tests run every shipped walkthrough on both',
    'lanes and hold what comes of each step against this table.',
    '',
    '| walkthrough | steps | mock | emulator |',
    '|---|---|---|---|',
    ...rows,
    '',
    'A step that is not on a lane is listed and counted in every report as that, and never as passed. A run in which no step passed ends',
    'with 1.',
    '',
    '| lane | is | simulated | emulated |',
    '|---|---|---|---|',
    ...lanes,
    '',
    'Simulated: a mock behind the hardware seam. Emulated: a model of the device behind the real driver or protocol. The',
    '[virtual lab](../guides/lab.md) prints a table of its own after its runs; on [hardware](../guides/run-on-hardware.md) it depends on what is',
    'plugged in.',
    '',
  ].join('\n');
}
