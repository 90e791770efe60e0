/**
 * Tracks: how verdicts, factors, signals and devices went over the time of a run, as intervals. A change ends the interval
 * before it; a track says nothing about the time before its first change.
 */
import { type EvidenceTrack, MOST, TRACK_GROUPS, type TrackGroup, type TrackState } from './schema.ts';

type Interval = EvidenceTrack['intervals'][number];

interface Open {
  readonly group: TrackGroup;
  readonly intervals: Interval[];
  current: { readonly fromMs: number; readonly state: TrackState; readonly words: string } | null;
}

export class Tracks {
  readonly #tracks = new Map<string, Open>();

  /**
   * @param to null: nothing more is known
   * @returns false: it was so already, or no more are kept
   */
  change(
    group: TrackGroup,
    name: string,
    atMs: number,
    to: { readonly state: TrackState; readonly words: string } | null,
  ): boolean {
    const track = this.#tracks.get(name) ?? { group, intervals: [], current: null };
    const { current } = track;
    if (current === null ? to === null : current.state === to?.state && current.words === to.words) return false;
    if (!this.#tracks.has(name)) {
      if (this.#tracks.size >= MOST.tracks) return false;
      this.#tracks.set(name, track);
    }
    if (track.intervals.length >= MOST.intervals - 1) return false;
    if (current !== null) track.intervals.push({ ...current, toMs: atMs });
    track.current = to === null ? null : { fromMs: atMs, ...to };
    return true;
  }

  /** What the tracks of a group say now; null: nothing. */
  of(group: TrackGroup): readonly { readonly name: string; readonly state: TrackState | null }[] {
    return [...this.#tracks]
      .filter(([, track]) => track.group === group)
      .map(([name, { current }]) => ({ name, state: current?.state ?? null }));
  }

  /** What a track says now; null: nothing. */
  says(name: string): TrackState | null {
    return this.#tracks.get(name)?.current?.state ?? null;
  }

  /** All of them, verdicts first; what is open ends here. */
  upTo(endMs: number): EvidenceTrack[] {
    const closed = [...this.#tracks].map(([name, { group, intervals, current }]) => ({
      name,
      group,
      intervals: current === null ? intervals : [...intervals, { ...current, toMs: endMs }],
    }));
    return closed.sort((a, b) => TRACK_GROUPS.indexOf(a.group) - TRACK_GROUPS.indexOf(b.group));
  }
}
