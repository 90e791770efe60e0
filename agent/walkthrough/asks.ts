/**
 * Steps that are asked of the daemon: which ceremony each of them is, and what a person answers in it. What needs no
 * person (locking, removing a phone, root's policy) comes to the same kind of result.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { DaemonRefusal } from '../api/daemon-refusal.ts';
import type { CeremonyRequest } from '../api/ports.ts';
import type { Lane } from './lane.ts';
import type { Asked, Behaviour } from './person.ts';
import { type CeremonyStep, pinsOf } from './schema.ts';

export const NO_ROOT = 'nobody here may act as root';

/** What is asked for, and the PINs that are typed. */
export interface Question {
  readonly request: CeremonyRequest;
  readonly types: Behaviour['types'];
}

/** @throws {ERR_WALKTHROUGH_NOT_GIVEN} */
export function addressOf(lane: Lane, phone: string): string {
  const address = lane.phoneAddress?.(phone) ?? null;
  if (address === null) throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `there is no phone ${phone} here`);
  return address;
}

/**
 * @param idOf the daemon's id of a key that was enrolled in this run; null: it was not
 * @throws {ERR_WALKTHROUGH_NOT_GIVEN} a key or a phone is not here
 */
export function questionOf(step: CeremonyStep, lane: Lane, idOf: (key: string) => string | null): Question {
  switch (step.action) {
    case 'unlock':
      return {
        request: { kind: 'unlock', purpose: null, forSeconds: null },
        types: { pin: pinsOf(step.value.pin) },
      };
    case 'changePin':
      return {
        request: { kind: 'pin-change' },
        types: { pin: pinsOf(step.value.from), 'new-pin': [step.value.to] },
      };
    case 'enrol': {
      const { phone, pin } = step.value;
      const withPhone = phone === undefined ? {} : { phone: addressOf(lane, phone) };
      return { request: { kind: 'enrol', ...withPhone }, types: { 'new-pin': [pin] } };
    }
    case 'recover':
      return { request: { kind: 'recover' }, types: { 'new-pin': [step.value.pin] } };
    case 'addKey':
      return { request: { kind: 'key-add', name: step.value.key }, types: { pin: pinsOf(step.value.pin) } };
    case 'revokeKey': {
      const { key, pin } = step.value;
      const id = idOf(key);
      if (id === null) throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `${key} was not enrolled in this run`);
      return { request: { kind: 'key-revoke', id }, types: { pin: pinsOf(pin) } };
    }
    case 'addPhone':
      return {
        request: { kind: 'phone-add', address: addressOf(lane, step.value.phone) },
        types: { pin: pinsOf(step.value.pin) },
      };
    case 'addFinger':
      return {
        request: { kind: 'biometric-add', modality: 'fingerprint' },
        types: { pin: pinsOf(step.value.pin) },
      };
  }
}

/** What a question without a person comes to. */
export async function answered(work: () => Promise<unknown>, expects: string | null): Promise<Asked> {
  const nothing = { reasons: [], events: [], result: {} };
  try {
    await work();
    return { verdict: 'granted', code: null, message: 'done', ...nothing };
  } catch (error) {
    if (error instanceof DaemonRefusal) {
      const { code, message } = error.refusal;
      return { verdict: 'refused', code, message, ...nothing, reasons: error.reasons };
    }
    if (error instanceof UnlockdError && error.code === expects) {
      return { verdict: 'refused', code: error.code, message: error.message, ...nothing };
    }
    throw error;
  }
}
