/**
 * Which key on the table has which name of the walkthrough. A name is bound to the first key that was plugged in when it
 * was asked for, and from then on means that one: by serial number where it has one, else by its model.
 */
import { oneLine } from '../../drivers/base/printable.ts';
import type { HidDeviceInfo } from '../../drivers/hal/hid.ts';

const hex = (id: number): string => id.toString(16).padStart(4, '0');

/** `Virtual Security Key (1209:beee)`; a key's own text is somebody else's text. */
export const keyWords = ({ product, vendorId, productId }: HidDeviceInfo): string =>
  `${oneLine(product ?? 'security key')} (${hex(vendorId)}:${hex(productId)})`;

const isSame = (a: HidDeviceInfo, b: HidDeviceInfo): boolean =>
  a.vendorId === b.vendorId && a.productId === b.productId && a.serial === b.serial;

export class KeyNames {
  readonly #known = new Map<string, HidDeviceInfo>();
  /** Plugged in as far as this program was told: names by their paths. */
  readonly #plugged = new Map<string, string>();

  /** Where it was seen last, and what it is; null: not known yet. */
  device(name: string): HidDeviceInfo | null {
    return this.#known.get(name) ?? null;
  }

  /** Where it is plugged in; null: it is not, as far as is known. */
  path(name: string): string | null {
    return [...this.#plugged].find(([, each]) => each === name)?.[0] ?? null;
  }

  /** The name of what is plugged in there; null: it has none. */
  named(path: string): string | null {
    return this.#plugged.get(path) ?? null;
  }

  /** Whether a device is, or can become, the one of this name: no other name has it. */
  takes(name: string, device: HidDeviceInfo): boolean {
    const owner = this.#plugged.get(device.path);
    if (owner !== undefined) return owner === name;
    const known = this.#known.get(name);
    if (known !== undefined) return isSame(known, device);
    // With serial numbers a key that has a name cannot get a second one; two of one model without any are not told apart.
    return device.serial === null || [...this.#known.values()].every((other) => !isSame(other, device));
  }

  plugged(name: string, device: HidDeviceInfo): void {
    this.#known.set(name, device);
    this.#plugged.set(device.path, name);
  }

  unplugged(name: string): void {
    const path = this.path(name);
    if (path !== null) this.#plugged.delete(path);
  }

  /** `blue`, with what it is where that is known. */
  words(name: string): string {
    const device = this.device(name);
    return device === null ? name : `${name}, the ${keyWords(device)}`;
  }
}
