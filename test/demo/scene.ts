/** One step of the demo: what is done, what is expected, what came of it, how long it took. */
export interface StepResult {
  readonly name: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
  /** Milliseconds, whole. */
  readonly ms: number;
  /** For the report: what was printed on the way. */
  readonly lines: readonly string[];
}

export interface Outcome {
  readonly got: string;
  readonly ok: boolean;
  readonly lines?: readonly string[];
}

export interface Watcher {
  begin(name: string, expected: string): void;
  end(result: StepResult): void;
}

export class Scene {
  readonly results: StepResult[] = [];
  readonly #watcher: Watcher;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  get ok(): boolean {
    return this.results.length > 0 && this.results.every(({ ok }) => ok);
  }

  /** Runs a step. What it throws is what was got; the steps after it are run all the same, to show what they do. */
  async step(name: string, expected: string, work: () => Promise<Outcome>): Promise<boolean> {
    this.#watcher.begin(name, expected);
    const begun = performance.now();
    let outcome: Outcome;
    try {
      outcome = await work();
    } catch (error) {
      outcome = { ok: false, got: error instanceof Error ? error.message : String(error) };
    }
    const ms = Math.round(performance.now() - begun);
    const result = { name, expected, got: outcome.got, ok: outcome.ok, ms, lines: outcome.lines ?? [] };
    this.results.push(result);
    this.#watcher.end(result);
    return outcome.ok;
  }
}
