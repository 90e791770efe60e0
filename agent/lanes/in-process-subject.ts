/** The daemon's API without its socket, for lanes in one process: what crosses the socket as a refusal is one here too. */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { DaemonRefusal } from '../api/daemon-refusal.ts';
import type { Peer } from '../api/ports.ts';
import type { Service } from '../service/service.ts';
import type { Owner, Subject } from '../walkthrough/lane.ts';

async function refusals<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    const { code, message, cure } = error;
    throw new DaemonRefusal({ code, message, cure, detail: {} });
  }
}

async function* refusalsOf<T>(events: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* events;
  } catch (error) {
    await refusals(() => Promise.reject(error));
  }
}

/** @param service as it runs now @param who in whose name everything is asked */
export function inProcessSubject(service: () => Service, who: Peer): Subject & Owner {
  const never = new AbortController().signal;
  return {
    start: (request, { signal = never } = {}) =>
      refusals(async () => {
        const { id } = await service().begin(who, request);
        return { id, events: refusalsOf(service().ceremony(who, id).events({ signal })) };
      }),
    supply: (id, slot, secret) => refusals(() => service().ceremony(who, id).supply(slot, secret)),
    take: (id, slot) => refusals(() => service().ceremony(who, id).take(slot)),
    cancel: (id) => refusals(() => service().ceremony(who, id).cancel()),
    status: ({ signal = never } = {}) => refusals(() => service().status(who, { signal })),
    lock: () => refusals(() => service().lock(who)),
    signals: () => refusals(() => service().signals(who)),
    explainPolicy: ({ context } = {}) => refusals(() => service().explainPolicy(who, context)),
    removePhone: (address, uid) => refusals(() => service().removePhone(who, address, uid)),
    setPolicy: (document) => refusals(() => service().setPolicy(who, document)),
    audit: ({ last, follow, signal = never }) => refusalsOf(service().audit(who, { last, follow, signal })),
    watchSignals: ({ signal = never } = {}) => refusalsOf(service().watchSignals(who, { signal })),
  };
}
