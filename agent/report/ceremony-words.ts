/**
 * What a ceremony tells, for the log and the tracks of a run. Of each event only what is named here is taken: no secret is in
 * an event, and what a later version adds to one does not come into a report by itself.
 */
import { FACTOR_KINDS } from '../../drivers/signal.ts';
import type { CeremonyEvent, Refusal, SecretSlotIn, SecretSlotOut } from '../api/ports.ts';
import { kindWords } from '../policy/signal-words.ts';
import type { LogData, TrackState } from './schema.ts';

/** The track that a prompt for this slot stands on. */
const SLOT_TRACKS: Readonly<Record<SecretSlotIn | SecretSlotOut, string>> = {
  pin: 'PIN',
  'new-pin': 'PIN',
  'key-pin': 'PIN of the security key',
  recovery: 'recovery sheet',
  'recovery-groups': 'recovery sheet',
  'recovery-sheet': 'recovery sheet',
  'owner-recovery': 'owner’s sheet',
  'owner-sheet': 'owner’s sheet',
  'purpose-key': 'purpose key',
};

const triesWords = (count: unknown): string =>
  typeof count === 'number' ? `, ${count} ${count === 1 ? 'try' : 'tries'} left` : '';

export const refusalWords = ({ message, detail }: Refusal): string => `${message}${triesWords(detail.triesLeft)}`;

/** What a result may say: names and facts of what was enrolled. */
const RESULT_FACTS = ['id', 'label', 'name', 'model', 'strength', 'opensWith', 'pinIsBound', 'epoch'] as const;

interface Told {
  /** The event as expectations name it: `prompt pin`. */
  readonly event: string;
  readonly words: string;
  readonly data: LogData;
  /** What it changes. */
  readonly change: { readonly track: string; readonly state: TrackState; readonly words: string } | null;
}

const isFactor = (text: string): boolean => FACTOR_KINDS.some((kind) => kind === text);

export function told(event: CeremonyEvent): Told {
  switch (event.type) {
    case 'prompt': {
      const groups = event.groups === undefined ? '' : `, groups ${event.groups.join(', ')}`;
      const words = `asked for ${event.slot}${groups}${triesWords(event.triesLeft)}`;
      return {
        event: `prompt ${event.slot}`,
        words,
        data: { slot: event.slot, triesLeft: event.triesLeft },
        change: { track: SLOT_TRACKS[event.slot] ?? event.slot, state: 'asked', words },
      };
    }
    case 'insert':
      return {
        event: 'insert',
        words: event.text,
        data: {},
        change: { track: 'security key', state: 'asked', words: event.text },
      };
    case 'touch':
      return {
        event: 'touch',
        words: `${event.text} (${event.device})`,
        data: { device: event.device },
        change: { track: 'security key', state: 'asked', words: event.text },
      };
    case 'biometric':
      return {
        event: 'biometric',
        words: event.again === null ? event.text : `${event.text} (again: ${event.again})`,
        data: { modality: event.modality },
        change: { track: kindWords(event.modality), state: 'asked', words: event.text },
      };
    case 'waiting':
      return {
        event: 'waiting',
        words: event.text,
        data: { factor: event.factor, reasons: event.reasons.filter(({ ok }) => !ok).map(({ text }) => text) },
        change: isFactor(event.factor) ? { track: event.factor, state: 'asked', words: event.text } : null,
      };
    case 'progress':
      return { event: 'progress', words: event.step, data: {}, change: null };
    case 'secret':
      return {
        event: `secret ${event.slot}`,
        words: `${event.slot} is handed out`,
        data: { slot: event.slot },
        change: { track: SLOT_TRACKS[event.slot] ?? event.slot, state: 'good', words: 'handed out' },
      };
    case 'refused':
      return {
        event: `refused ${event.refusal.code}`,
        words: refusalWords(event.refusal),
        data: { code: event.refusal.code },
        change: null,
      };
    case 'failed':
      return {
        event: `failed ${event.refusal.code}`,
        words: refusalWords(event.refusal),
        data: { code: event.refusal.code },
        change: null,
      };
    case 'done': {
      const facts = RESULT_FACTS.flatMap((name) => {
        const value = event.result[name];
        const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
        return plain ? ([[name, value]] as const) : [];
      });
      return { event: 'done', words: 'done', data: Object.fromEntries(facts), change: null };
    }
  }
}
