/** What a person types at one prompt, key by key: a command of one letter, or a reason after `s`. Pure. */

const INTERRUPT = '\u0003';
const END = '\u0004';
const ENTER = /[\r\n]/;
const ERASE = /[\b\u007f]/;
const ERASE_LINE = '\u0015';
const ESCAPE = '\u001b';
/** Characters of a reason. */
const LONGEST = 200;

export type Typed =
  | { readonly type: 'abort' }
  | { readonly type: 'enter' }
  | { readonly type: 'skip'; readonly reason: string };

export class PromptLine {
  /** Null: commands are taken; else the reason so far. */
  #reason: string | null = null;

  /** What stands behind the question; null: no reason is being typed. */
  get reason(): string | null {
    return this.#reason;
  }

  /** @param text what came at once: a key, or a paste @returns what it means in the end; null: go on */
  type(text: string): Typed | null {
    // A cursor key is one text of its own (ECMA-48 section 5.4) and means nothing here.
    if (text.length > 1 && text.startsWith(ESCAPE)) return null;
    for (const key of text) {
      const typed = this.#reason === null ? this.#command(key) : this.#letter(key, this.#reason);
      if (typed !== null) return typed;
    }
    return null;
  }

  #command(key: string): Typed | null {
    if (key === INTERRUPT || key === END || key === 'q') return { type: 'abort' };
    if (ENTER.test(key)) return { type: 'enter' };
    if (key === 's') this.#reason = '';
    return null;
  }

  #letter(key: string, reason: string): Typed | null {
    if (key === INTERRUPT) return { type: 'abort' };
    if (key === ESCAPE || (key === END && reason === '')) this.#reason = null;
    else if (ENTER.test(key)) {
      if (reason.trim() !== '') return { type: 'skip', reason: reason.trim() };
      this.#reason = null;
    } else if (ERASE.test(key)) this.#reason = [...reason].slice(0, -1).join('');
    else if (key === ERASE_LINE) this.#reason = '';
    else if (key >= ' ' && reason.length < LONGEST) this.#reason = reason + key;
    return null;
  }
}
