/**
 * Faults at the TPM seam: wraps any transport and lets chosen commands go wrong the way buses, cables and hostile
 * chips do. A plan is either written down or drawn from a seed; the seed stands in the description and in every error,
 * so that a run can be repeated.
 */
import { createHash } from 'node:crypto';
import { type Milliseconds, milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { TpmHal, TpmTransport } from '../../drivers/hal/tpm.ts';

export type TpmFault =
  /** The answer comes later. */
  | { readonly kind: 'delay'; readonly span: Milliseconds }
  /** The answer loses bytes at its end, and its responseSize says so: whole at the seam, short for the protocol. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** One byte behind the header is changed; `at` counts from there and wraps around. */
  | { readonly kind: 'corrupt'; readonly at: number; readonly xor: number }
  /** The connection breaks before the TPM has seen the command. */
  | { readonly kind: 'disconnect-before' }
  /** The connection breaks after the TPM has executed the command: nobody learns the answer. */
  | { readonly kind: 'disconnect-after' };

/** Which fault meets the command with this number (from 0), or null. */
export interface TpmFaultPlan {
  readonly name: string;
  faultAt(command: number): TpmFault | null;
}

/** A plan that is written down: command number → fault. */
export function plannedFaults(faults: Readonly<Record<number, TpmFault>>): TpmFaultPlan {
  return { name: `faults at ${Object.keys(faults).join(', ')}`, faultAt: (command) => faults[command] ?? null };
}

/**
 * A plan drawn from a seed. The same seed gives the same fault at the same command, whatever happened in between.
 * @param rate share of the commands that meet a fault, 0–1
 * @param kinds the kinds to draw from
 */
export function seededFaults(seed: number, rate: number, kinds: readonly TpmFault['kind'][]): TpmFaultPlan {
  const faultAt = (command: number): TpmFault | null => {
    const drawn = createHash('sha256').update(`tpm fault ${seed} ${command}`).digest();
    if (drawn.readUInt32BE(0) / 2 ** 32 >= rate) return null;
    const kind = kinds[drawn.readUInt32BE(4) % kinds.length];
    if (kind === undefined) return null;
    switch (kind) {
      case 'delay':
        return { kind, span: milliseconds(1 + (drawn.readUInt16BE(8) % 20)) };
      case 'truncate':
        return { kind, bytes: 1 + (drawn.readUInt16BE(8) % 64) };
      case 'corrupt':
        return { kind, at: drawn.readUInt16BE(8), xor: 1 + (drawn.readUInt8(10) % 255) };
      case 'disconnect-before':
      case 'disconnect-after':
        return { kind };
    }
  };
  return { name: `faults of seed ${seed}`, faultAt };
}

const HEADER_SIZE = 10;

function shortened(response: Uint8Array, bytes: number): Uint8Array {
  const cut = response.slice(0, Math.max(HEADER_SIZE, response.length - bytes));
  new DataView(cut.buffer).setUint32(2, cut.length);
  return cut;
}

function corrupted(response: Uint8Array, at: number, xor: number): Uint8Array {
  const copy = response.slice();
  const body = copy.length - HEADER_SIZE;
  if (body === 0) return copy;
  const index = HEADER_SIZE + (at % body);
  copy[index] = (copy[index] ?? 0) ^ xor;
  return copy;
}

class FaultyTransport implements TpmTransport {
  readonly description: string;
  readonly managesHandles: boolean;
  readonly #inner: TpmTransport;
  readonly #plan: TpmFaultPlan;
  readonly #clock: Clock;
  readonly #next: () => number;
  #busy = false;
  #dead = false;

  constructor(inner: TpmTransport, plan: TpmFaultPlan, clock: Clock, next: () => number) {
    this.#inner = inner;
    this.#plan = plan;
    this.#clock = clock;
    this.#next = next;
    this.description = `${inner.description} with ${plan.name}`;
    this.managesHandles = inner.managesHandles;
  }

  async submit(command: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    if (this.#busy) throw new TypeError('a TPM takes one command at a time');
    if (this.#dead) throw new UnlockdError('ERR_HAL_DISCONNECTED', `${this.description}: the connection is dead`);
    this.#busy = true;
    try {
      return await this.#withFault(command, options);
    } finally {
      this.#busy = false;
    }
  }

  async #withFault(command: Uint8Array, options: { signal?: AbortSignal }): Promise<Uint8Array> {
    const number = this.#next();
    const fault = this.#plan.faultAt(number);
    if (fault?.kind === 'disconnect-before') throw await this.#break(number);
    const response = await this.#inner.submit(command, options);
    switch (fault?.kind) {
      case undefined:
        return response;
      case 'delay':
        await this.#clock.sleep(fault.span, options);
        return response;
      case 'truncate':
        return shortened(response, fault.bytes);
      case 'corrupt':
        return corrupted(response, fault.at, fault.xor);
      case 'disconnect-after':
        throw await this.#break(number);
    }
  }

  async #break(number: number): Promise<UnlockdError> {
    this.#dead = true;
    await this.#inner.close();
    return new UnlockdError('ERR_HAL_DISCONNECTED', `${this.description}: broken at command ${number}`);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The same TPM with faults. Commands are counted over all connections, so a reconnecting client meets the next one. */
export function withTpmFaults(hal: TpmHal, plan: TpmFaultPlan, clock: Clock): TpmHal {
  let count = 0;
  return {
    description: `${hal.description} with ${plan.name}`,
    open: async (options) => new FaultyTransport(await hal.open(options), plan, clock, () => count++),
  };
}
