/**
 * The vitest runner for mutants. A mutant under which the tests cannot even be collected (a policy that is made beside
 * the tests is refused, say) leaves vitest with a broken file and no test in it, which Stryker takes for a mutant that
 * nobody noticed. Here the broken file counts as one test that failed.
 */
import { type ImportDuration, type RunnerTestCase, type RunnerTestFile, TestRunner } from 'vitest';

/** A test that stands for the collection of `file`; Stryker looks for the failure of a skipped test in what it is part of. */
const collectionOf = (file: RunnerTestFile): RunnerTestCase => ({
  id: `${file.id}_0`,
  type: 'test',
  name: 'the tests can be collected',
  fullName: 'the tests can be collected',
  fullTestName: 'the tests can be collected',
  suite: file,
  file,
  mode: 'run',
  meta: {},
  timeout: 0,
  annotations: [],
  artifacts: [],
  context: undefined as never,
});

export default class MutantRunner extends TestRunner {
  #file: RunnerTestFile | null = null;

  override onCollectStart(file: RunnerTestFile): void {
    super.onCollectStart(file);
    this.#file = file;
  }

  /** The last that vitest asks for before it tells of what it collected, also where that failed. */
  override getImportDurations(): Record<string, ImportDuration> {
    const file = this.#file;
    if (file?.result?.state === 'fail') file.tasks = [collectionOf(file)];
    return super.getImportDurations();
  }
}
