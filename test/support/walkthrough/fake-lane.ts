/** A lane without a machine: its daemon answers as a test says, and it tells whether it was closed. */

import type { CeremonyEvent, Refusal, Status } from '../../../agent/api/ports.ts';
import type { OpenedLane } from '../../../agent/lanes/options.ts';
import type { Lane } from '../../../agent/walkthrough/lane.ts';

export const refusal = (code: string, message = 'refused'): Refusal => ({ code, message, cure: '', detail: {} });

export const DONE: CeremonyEvent = { type: 'done', result: {} };

export interface FakeLane extends OpenedLane {
  closed: number;
}

/** @param answers the events of each ceremony, in the order in which they are asked for; `never`: it goes on for ever */
export function fakeLane(
  answers: readonly (readonly CeremonyEvent[] | 'never')[],
  more: Partial<Lane> & { readonly onClose?: () => Promise<void> } = {},
): FakeLane {
  const queue = [...answers];
  const { onClose, ...rest } = more;
  const lane: FakeLane = {
    name: 'mock',
    closed: 0,
    operator: { touch: async () => undefined, insert: async () => undefined, remove: async () => undefined },
    subject: {
      start: async (_request, { signal } = {}) => {
        const events = queue.shift() ?? [];
        return {
          id: 'c',
          events: (async function* () {
            if (events !== 'never') return yield* events;
            await new Promise((_resolve, reject) => {
              signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
            });
          })(),
        };
      },
      supply: async (_id, _slot, secret) => secret.dispose(),
      take: () => Promise.reject(new TypeError('no secret')),
      cancel: async () => undefined,
      status: async () =>
        ({
          tpm: { manufacturer: 'NONE', description: 'a TPM', testDouble: null },
          own: { securityKeys: [] },
        }) as unknown as Status,
      lock: async () => ({ wasUnlocked: true }),
      signals: async () => ({ now: 0, signals: [], gestures: [] }),
      watchSignals: async function* () {},
      explainPolicy: () => Promise.reject(new TypeError('no policy')),
      removePhone: async () => ({ removed: true }),
      audit: async function* () {},
    },
    daemon: async (what) => (what === 'kill' ? 'there is no process' : null),
    [Symbol.asyncDispose]: async () => {
      lane.closed++;
      await onClose?.();
    },
    ...rest,
  };
  return lane;
}
