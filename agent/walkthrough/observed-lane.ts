/** A lane as before, but somebody is told each event of a ceremony that is asked there, when it comes. */
import type { CeremonyEvent } from '../api/ports.ts';
import type { Lane, Subject } from './lane.ts';

async function* told(
  events: AsyncIterable<CeremonyEvent>,
  onEvent: (event: CeremonyEvent) => void,
): AsyncGenerator<CeremonyEvent> {
  for await (const event of events) {
    onEvent(event);
    yield event;
  }
}

const observed = <S extends Pick<Subject, 'start'>>(subject: S, onEvent: (event: CeremonyEvent) => void): S => ({
  ...subject,
  start: async (request, options) => {
    const { id, events } = await subject.start(request, options);
    return { id, events: told(events, onEvent) };
  },
});

/** @param onEvent told before the person of the walkthrough is */
export function observedLane(lane: Lane, onEvent: (event: CeremonyEvent) => void): Lane {
  const { owner } = lane;
  return {
    ...lane,
    subject: observed(lane.subject, onEvent),
    ...(owner === undefined ? {} : { owner: observed(owner, onEvent) }),
  };
}
