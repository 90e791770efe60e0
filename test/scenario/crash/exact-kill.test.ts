/**
 * The windows between burn, commit and bump, point by point: the end comes right after the decisive calls and some of those
 * between them. `npm run crash` takes all of them, and the moment before each as well.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { ExactKills } from '../../support/crash/exact-kills.ts';
import { OPERATIONS } from '../../support/crash/rounds.ts';

const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`a process that ends at an exact call${missing ? ` (${missing})` : ''}`, () => {
  let kills: ExactKills;
  beforeAll(async () => {
    kills = await ExactKills.start();
  });
  afterAll(() => kills?.[Symbol.asyncDispose]());

  it.each(OPERATIONS)(
    '%s: the old state or the new one, and it opens',
    async (operation) => {
      const states = new Set<string>();
      const points = await kills.pointsOf(operation, 16);
      let reached = 0;
      for (const point of points) {
        const { label, met, state, violations } = await kills.round(operation, point, 'after');
        if (met) reached++;
        expect(violations, `after ${label} (${point})`).toEqual([]);
        states.add(state);
      }
      // One run may have a few calls less at its end than the one that was counted.
      expect(reached).toBeGreaterThan(points.length * 0.8);
      // The series goes from one side of the commit to the other.
      expect(states).toEqual(new Set(['old', 'new']));
    },
    240_000,
  );
});
