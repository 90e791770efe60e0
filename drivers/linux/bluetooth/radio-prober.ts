/**
 * What proves a bonded device over the air: a link that is made only if the other side has the bonded key. The BlueZ
 * driver decides which device may be asked and how strong its key has to be; this only pages and looks at the link.
 * Core specification, vol. 3 part A (L2CAP) and part C, 5 (security levels).
 */
import type { Milliseconds } from '../../base/brand.ts';
import type { Bearer, BondedDevice, LinkLevel, Probe } from '../../hal/bluetooth.ts';

export interface RadioProbe {
  /** Index of the adapter that has the bond: 0 for `hci0`. */
  readonly adapter: number;
  /** Identity address of the bonded device, `aa:bb:cc:dd:ee:ff`. */
  readonly address: string;
  readonly addressType: BondedDevice['addressType'];
  /**
   * `BR/EDR`: L2CAP to PSM 1 with BT_SECURITY. `LE`: the ATT channel (CID 4) with BT_SECURITY, where the kernel resolves
   * the device's current private address from the identity key that it was loaded with.
   */
  readonly bearer: Bearer;
  readonly minLevel: LinkLevel;
  /** All of it: waiting for the radio, paging, securing, reading the strength. */
  readonly within: Milliseconds;
  readonly signal: AbortSignal;
}

/**
 * Contract for implementers:
 * - `proved` only for a link that itself says that it is authenticated with the bonded key and encrypted; a key shorter
 *   than 16 bytes is `weak-link`. Link-key types are not known here: `authenticated` says what the link's level tells.
 * - Never throws but the reason of `signal`; every hardware reason is an outcome. Nothing stays open on any path.
 */
export interface RadioProber extends AsyncDisposable {
  probe(probe: RadioProbe): Promise<Probe['outcome']>;
}
