/** A stream of random numbers that a seed makes (mulberry32), for programs that have to run the same again. */
export class SeededDice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** 0 to `below` - 1. */
  roll(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True that often. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)] as T;
  }

  /** Some of them, in their order, between `least` and `most`. */
  some<T>(items: readonly T[], least: number, most: number): T[] {
    const count = least + this.roll(Math.min(most, items.length) - least + 1);
    const left = [...items.keys()];
    while (left.length > count) left.splice(this.roll(left.length), 1);
    return left.map((i) => items[i] as T);
  }

  shuffled<T>(items: readonly T[]): T[] {
    const order = [...items];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.roll(i + 1);
      [order[i], order[j]] = [order[j] as T, order[i] as T];
    }
    return order;
  }
}
