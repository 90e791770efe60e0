/**
 * The HID seam: whole reports, in and out, as raw bytes. CTAPHID is built on top of it; nothing here knows of FIDO
 * except the filter of `list`.
 */

export interface HidDeviceInfo {
  /** Names the device to `open` on this host, e.g. `/dev/hidraw0`. */
  readonly path: string;
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer: string | null;
  readonly product: string | null;
  readonly serial: string | null;
  readonly usagePage: number;
  readonly usage: number;
}

/**
 * One open device.
 *
 * Contract for implementers:
 * - `read` yields exactly one input report, without a report id. Reports that the host merged are split.
 * - Only one `read` may be pending; reports that arrive between reads are kept in order (at most 4096, then the
 *   connection fails with ERR_HAL_IO rather than losing one silently).
 * - `write` takes one output report without its report id; the implementer adds what the host wants in front.
 * - `close` is idempotent, and a pending `read` fails with ERR_HAL_CLOSED.
 * - After an unplug every call fails with ERR_HAL_DISCONNECTED.
 */
export interface HidConnection extends AsyncDisposable {
  /** Report sizes in bytes without a report id (CTAP 2.1 §11.2.4 calls 64 usual, not required). */
  readonly reportSize: { readonly input: number; readonly output: number };
  /** @throws {ERR_HAL_DISCONNECTED | ERR_HAL_IO | ERR_HAL_CLOSED} */
  write(report: Uint8Array): Promise<void>;
  /** @throws {ERR_HAL_DISCONNECTED | ERR_HAL_IO | ERR_HAL_CLOSED} or the signal's reason */
  read(options: { signal: AbortSignal }): Promise<Uint8Array>;
  close(): Promise<void>;
}

export type HidEvent = { readonly type: 'arrived' | 'left'; readonly device: HidDeviceInfo };

export interface HidHal {
  /** Devices whose top-level collection is FIDO (usage page 0xF1D0, usage 1). Absent hardware is an empty list. */
  list(options: { signal: AbortSignal }): Promise<readonly HidDeviceInfo[]>;
  /** @throws {ERR_HAL_NOT_FOUND | ERR_HAL_PERMISSION | ERR_HAL_MODULE_MISSING | ERR_HAL_IO} */
  open(path: string, options: { signal: AbortSignal }): Promise<HidConnection>;
  /** First every device that is there, then what comes and goes, until the signal aborts (then it returns). */
  watch(options: { signal: AbortSignal }): AsyncIterable<HidEvent>;
  /**
   * Resolves when the host has back what was closed so far: to be awaited before the process ends. Absent where a
   * closed connection holds nothing.
   */
  released?(): Promise<void>;
}
