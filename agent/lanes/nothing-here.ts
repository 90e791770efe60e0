/** A lane on which nothing of a walkthrough can be shown: it has opened nothing, and nobody is asked for anything. */
import type { LaneName, Subject } from '../walkthrough/lane.ts';
import type { Lacks } from '../walkthrough/not-here.ts';
import type { OpenedLane } from './options.ts';

/** @param lacks at least one thing that the walkthrough takes as given */
export function nothingHere(name: LaneName, lacks: Lacks): OpenedLane {
  const asked = (): never => {
    throw new TypeError('nothing of this walkthrough is here, and it was asked for all the same');
  };
  const subject: Subject = {
    start: asked,
    supply: asked,
    take: asked,
    cancel: asked,
    status: asked,
    lock: asked,
    signals: asked,
    watchSignals: asked,
    explainPolicy: asked,
    removePhone: asked,
    audit: asked,
  };
  const operator = { touch: asked, insert: asked, remove: asked };
  return { name, operator, subject, lacks, daemon: asked, [Symbol.asyncDispose]: async () => undefined };
}
