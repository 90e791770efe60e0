/**
 * The order of test files: what takes minutes and mostly waits begins first, then those that share processes (a process
 * only goes on to a file of its own project), then those that each have one.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const RANKS = ['test/e2e/lab/', 'test/unit/', 'test/property/', 'test/contract/', 'test/scenario/'];

const rank = ({ moduleId }: TestSpecification): number => {
  const at = RANKS.findIndex((folder) => moduleId.includes(`/${folder}`));
  return at < 0 ? RANKS.length : at;
};

export class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}
