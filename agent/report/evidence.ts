/**
 * Builds the evidence of a run while it runs: whoever runs a walkthrough tells it each step, each event of a ceremony and each
 * change around the machine, and gets the whole document at the end. Times come from the clock that is handed in. Everything
 * that is told is cut to length here; what is no longer kept is counted and said.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../drivers/base/clock.ts';
import type { CeremonyEvent, ReasonLine, SensedSignal } from '../api/ports.ts';
import { kindWords, stateWords } from '../policy/signal-words.ts';
import type { Step, Walkthrough } from '../walkthrough/schema.ts';
import { told } from './ceremony-words.ts';
import { chained, summaryHash } from './chain.ts';
import {
  EVIDENCE_VERSION,
  type Evidence,
  type EvidenceDevice,
  type EvidenceStep,
  evidenceSchema,
  LONGEST,
  type LogData,
  type LogEntry,
  type LogKind,
  MOST,
  type Nature,
  type Outcome,
  type TrackGroup,
  type TrackState,
} from './schema.ts';
import { observed } from './sensed-words.ts';
import { expectedWords, stepWords } from './step-words.ts';
import { Tracks } from './tracks.ts';

export interface EvidenceLane {
  /** `mock`, `emulator`, … */
  readonly name: string;
  /** What it is, in words. */
  readonly about: string | null;
  /** What is simulated on it, one each. */
  readonly simulated: readonly string[];
}

/** A device as it described itself; what it does not say is left out. What a lane tells of its devices is one. */
export interface DeviceFacts {
  readonly kind: string;
  readonly name: string;
  readonly nature: Nature;
  readonly model?: string | null;
  readonly firmware?: string | null;
  /** Among it `manufacturer`, `aaguid` (32 hexadecimal digits, with or without `-`) and `adapter` or `address`. */
  readonly more?: Readonly<Record<string, string>>;
}

/** What came of a step; the runner's own result is one. */
export interface StepEnd {
  readonly outcome: Outcome;
  readonly why: readonly string[];
  /** Null: no ceremony, or none came about. */
  readonly asked: {
    readonly verdict: 'granted' | 'refused';
    readonly code: string | null;
    readonly message: string;
    readonly reasons: readonly ReasonLine[];
  } | null;
}

const DEVICE_WORDS: Readonly<Record<string, string>> = {
  tpm: 'TPM',
  'security-key': 'security key',
  bluetooth: 'Bluetooth',
  wifi: 'Wi-Fi',
};

/** Entries of the log that are kept for steps and the end, whatever else is told. */
const RESERVED = 4 * MOST.steps;

const cut = (text: string, longest: number = LONGEST.words): string => {
  const whole = text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
  return whole.replace(/\p{Surrogate}/gu, '\ufffd');
};
const cutAll = (lines: readonly string[]): string[] => lines.slice(0, MOST.lines).map((line) => cut(line));
const cutName = (text: string | null | undefined): string | null => (text == null ? null : cut(text, LONGEST.name));

type Data = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

const cutData = (data: Data): LogData =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      typeof value === 'string' ? cut(value) : typeof value === 'object' && value !== null ? cutAll(value) : value,
    ]),
  );

interface OpenStep {
  readonly step: Step;
  readonly number: number;
  readonly startMs: number;
  readonly events: EvidenceStep['events'];
}

export class EvidenceBuilder {
  readonly #clock: Clock;
  readonly #origin: number;
  readonly #started: string;
  readonly #walkthrough: Evidence['walkthrough'];
  readonly #lane: Evidence['lane'];
  readonly #planned: number;
  readonly #versions: Evidence['versions'] = [];
  readonly #devices: EvidenceDevice[] = [];
  readonly #steps: EvidenceStep[] = [];
  readonly #findings: string[] = [];
  readonly #tracks = new Tracks();
  readonly #log: LogEntry[] = [];
  #step: OpenStep | null = null;
  #lost = 0;

  /** @param options `file`: name and bytes of the file that the walkthrough was read from; null: it came from no file */
  constructor(options: {
    readonly clock: Clock;
    readonly walkthrough: Walkthrough;
    readonly file: { readonly name: string; readonly bytes: Uint8Array } | null;
    readonly lane: EvidenceLane;
  }) {
    const { clock, walkthrough, file, lane } = options;
    this.#clock = clock;
    this.#origin = clock.now();
    this.#started = this.#wall();
    this.#planned = walkthrough.steps.length;
    this.#walkthrough = {
      name: cut(walkthrough.name),
      about: cut(walkthrough.about.trim()),
      file: file === null ? null : cut(file.name),
      digest: file === null ? null : createHash('sha256').update(file.bytes).digest('hex'),
    };
    this.#lane = {
      name: cut(lane.name, LONGEST.name),
      about: lane.about === null ? null : cut(lane.about),
      simulated: cutAll(lane.simulated),
    };
    const { name, digest } = this.#walkthrough;
    this.#add('begun', { walkthrough: name, digest, lane: this.#lane.name, started: this.#started });
    for (const [key, where] of Object.entries(walkthrough.given.keys)) {
      this.#add('given', { key, where });
      this.#plugged(key, where === 'plugged');
    }
  }

  /** `unlockd`, `node`, `kernel`, … */
  version(of: string, version: string): void {
    if (this.#versions.length >= MOST.devices) return;
    const row = { of: cut(of, LONGEST.name), version: cut(version, LONGEST.name) };
    this.#versions.push(row);
    this.#add('version', row);
  }

  /** What a device says of itself; one of the same kind and name takes the place of the earlier one. */
  device(facts: DeviceFacts): void {
    const { manufacturer, aaguid, address, adapter = address, ...more } = facts.more ?? {};
    const model = aaguid?.replaceAll('-', '').toLowerCase() ?? '';
    const device: EvidenceDevice = {
      kind: cut(DEVICE_WORDS[facts.kind] ?? facts.kind, LONGEST.name),
      name: cut(facts.name, LONGEST.name),
      nature: facts.nature,
      manufacturer: cutName(manufacturer),
      model: cutName(facts.model),
      firmware: cutName(facts.firmware),
      aaguid: /^[0-9a-f]{32}$/.test(model) ? model : null,
      adapter: cutName(adapter),
      says: cutAll(Object.entries(more).map(([name, value]) => `${name}: ${value}`)),
    };
    const at = this.#devices.findIndex(({ kind, name }) => kind === device.kind && name === device.name);
    if (at >= 0) this.#devices[at] = device;
    else if (this.#devices.length < MOST.devices) this.#devices.push(device);
    this.#add('device', { ...device });
  }

  /** @param index from 0 */
  stepBegun(step: Step, index: number): void {
    const startMs = this.#now();
    this.#step = { step, number: index + 1, startMs, events: [] };
    this.#add('step', { step: index + 1, what: stepWords(step) });
  }

  /** What a ceremony told, while the step that asked for it runs. */
  ceremonyEvent(event: CeremonyEvent): void {
    const { event: name, words, data, change } = told(event);
    const atMs = this.#now();
    const { events = [], number = null } = this.#step ?? {};
    if (events.length < MOST.lines) events.push({ atMs, words: cut(`${name}: ${words}`) });
    this.#add('event', { step: number, event: name, words, ...data });
    this.#settle(event);
    if (change !== null) this.#change('factor', change.track, change.state, change.words);
    if (event.type === 'done' || event.type === 'failed') return;
    this.#change('verdict', 'verdict', 'asked', `${this.#step?.step.action ?? 'what is given'} is asked for`);
  }

  /** Ends the step that was begun last. */
  stepEnded({ outcome, why, asked }: StepEnd): void {
    const open = this.#step;
    if (open === null) return;
    this.#step = null;
    const { step, number, startMs, events } = open;
    const endMs = this.#now();
    const got = asked === null ? null : asked.code === null ? asked.verdict : `${asked.verdict}: ${asked.message}`;
    this.#steps.push({
      number,
      action: step.action,
      what: cut(stepWords(step)),
      note: step.note === null ? null : cut(step.note),
      expected: cutAll(expectedWords(step.expect, asked !== null)),
      outcome,
      why: cutAll(why),
      got: got === null ? null : cut(got),
      code: asked?.code ?? null,
      reasons: (asked?.reasons ?? [])
        .slice(0, MOST.lines)
        .map(({ depth, ok, text }) => ({ depth: Math.min(depth, 64), ok, text: cut(text) })),
      events,
      startMs,
      endMs,
    });
    this.#add('outcome', { step: number, outcome, got, code: asked?.code ?? null, why });
    if (asked !== null) {
      const state = asked.verdict === 'granted' ? 'good' : 'bad';
      this.#change('verdict', 'verdict', state, `${step.action}: ${got}`);
    }
    this.#afterStep(step, outcome);
  }

  /** What a driver senses around the machine. Told again unchanged, it is not kept again. */
  signal(signal: SensedSignal): void {
    const { kind, state, source, simulated } = signal;
    const seen = state === 'observed' ? observed(signal.observation) : null;
    const words = `${seen?.words ?? stateWords(signal)} (${source}${simulated ? ', simulated' : ''})`;
    const isThere = seen?.isThere ?? (state === 'satisfied' || state === 'observed');
    const otherwise = state === 'observed' ? 'away' : state === 'unavailable' ? 'unavailable' : 'bad';
    this.#change('signal', kindWords(kind), isThere ? 'there' : otherwise, words);
  }

  /** Nothing is known of this kind of signal any more. */
  signalLost(kind: string): void {
    this.#change('signal', kindWords(kind), null, 'nothing is known any more');
  }

  /** Any other change that is to stand in the picture, e.g. of a device that the lane moves. @param state null: unknown */
  change(group: TrackGroup, track: string, state: TrackState | null, words: string): void {
    this.#change(group, track, state, words);
  }

  /** What the run showed beside its steps: a difference between lanes, something that could not be restored. */
  finding(words: string): void {
    if (this.#findings.length >= MOST.lines - 1) return;
    this.#findings.push(cut(words));
    this.#add('finding', { words });
  }

  /**
   * The document. Nothing may be told afterwards.
   * @param end why the run did not get to its last step; left out: it did
   */
  finish(end: { readonly aborted: string } | null = null): Evidence {
    if (this.#step !== null) {
      this.stepEnded({ outcome: 'failed', why: [end?.aborted ?? 'the step did not end'], asked: null });
    }
    const left = this.#planned - this.#steps.length;
    if (end !== null && left > 0) this.finding(`${left} of ${this.#planned} steps were not begun`);
    if (this.#lost > 0) this.#findings.push(`${this.#lost} more changes and events were not kept`);
    const spanMs = this.#now();
    const summary = {
      evidence: EVIDENCE_VERSION,
      walkthrough: this.#walkthrough,
      lane: this.#lane,
      started: this.#started,
      ended: this.#wall(),
      spanMs,
      end: { how: end === null ? 'complete' : 'aborted', why: end === null ? null : cut(end.aborted) },
      versions: this.#versions,
      devices: this.#devices,
      steps: this.#steps,
      tracks: this.#tracks.upTo(spanMs),
      findings: this.#findings,
    } as const;
    const hash = summaryHash({ ...summary, log: [] });
    this.#log.push(chained(this.#log.at(-1) ?? null, spanMs, 'ended', { how: summary.end.how, summary: hash }));
    return evidenceSchema.parse({ ...summary, log: this.#log });
  }

  #now(): number {
    return Math.max(0, Math.round(this.#clock.now() - this.#origin));
  }

  #wall(): string {
    return new Date(this.#clock.wall()).toISOString();
  }

  #add(kind: LogKind, data: Data): void {
    const isPlenty = kind === 'event' || kind === 'change' || kind === 'device';
    if (this.#log.length >= MOST.log - (isPlenty ? RESERVED : 2)) this.#lost++;
    else this.#log.push(chained(this.#log.at(-1) ?? null, this.#now(), kind, cutData(data)));
  }

  #change(group: TrackGroup, track: string, state: TrackState | null, words: string): void {
    const to = state === null ? null : { state, words: cut(words) };
    if (!this.#tracks.change(group, cut(track, LONGEST.name), this.#now(), to)) return;
    this.#add('change', { track, state, words });
  }

  #plugged(key: string, isPlugged: boolean): void {
    this.#change('device', `key ${key}`, isPlugged ? 'there' : 'away', isPlugged ? 'plugged in' : 'not plugged in');
  }

  /** What an event says of the factors that were asked for before it. */
  #settle(event: CeremonyEvent): void {
    if (event.type === 'progress' || event.type === 'waiting') return;
    // Whoever is asked for something else, or has what he asked for, was right with what he gave before.
    const refused = event.type === 'refused' || event.type === 'failed';
    const words = refused ? told(event).words : 'accepted';
    for (const { name, state } of this.#tracks.of('factor')) {
      if (state === 'asked') this.#change('factor', name, refused ? 'bad' : 'good', words);
    }
  }

  #afterStep({ action, value, expect }: Step, outcome: Outcome): void {
    for (const { name } of this.#tracks.of('factor')) this.#change('factor', name, null, 'no longer asked for');
    if (outcome === 'not here' || outcome === 'skipped') return;
    if (action === 'insert') this.#plugged(value, true);
    if (action === 'remove' || action === 'lose') this.#plugged(value, false);
    if (action === 'daemon') this.#change('verdict', 'container', null, stepWords({ action, value }));
    // What was expected of it, and looked at, is so.
    if (outcome === 'passed' && expect.state !== undefined) {
      this.#change('verdict', 'container', expect.state === 'unlocked' ? 'good' : 'away', expect.state);
    }
    const isLocked = outcome === 'passed' && expect.state !== undefined && expect.state !== 'unlocked';
    if (action === 'lock' || action === 'daemon' || (isLocked && this.#tracks.says('verdict') === 'good')) {
      this.#change('verdict', 'verdict', null, stepWords({ action, value }));
    }
  }
}
