/** A terminal of a test: what is typed goes in, what was written comes out. */
import { PassThrough } from 'node:stream';
import { consoleOf, type OperatorConsole } from '../../../agent/operator/console.ts';

export class Typing {
  readonly input = new PassThrough();
  readonly console: OperatorConsole;
  written = '';
  #onWrite: () => void = () => undefined;
  /** Raw mode as it was set, in order. */
  readonly raw: boolean[] = [];

  constructor({ live = false, columns = 80 }: { readonly live?: boolean; readonly columns?: number } = {}) {
    const input = Object.assign(this.input, {
      setRawMode: (raw: boolean) => {
        this.raw.push(raw);
      },
    });
    this.console = consoleOf(input, {
      write: (text) => {
        this.written += text;
        this.#onWrite();
      },
      live,
      columns: () => columns,
    });
  }

  /** Told after each writing. */
  onWrite(told: () => void): void {
    this.#onWrite = told;
  }

  press(text: string): void {
    this.input.write(text);
  }

  get lines(): readonly string[] {
    return this.written.split('\n').filter((line) => line !== '');
  }
}
