/**
 * The TPM seam: one method. A command goes in as the bytes of Part 1 §18, a response comes out; sessions, retries and
 * meaning are the protocol room's.
 */

/**
 * Contract for implementers:
 * - One command at a time; a second `submit` while one is pending is a programming error and throws TypeError.
 * - The response is complete (its size field equals its length) and owned by the caller.
 * - A TPM command cannot be interrupted. When `signal` aborts, `submit` may reject at once, but the transport must
 *   swallow the late response before it takes the next command.
 * - After ERR_HAL_DISCONNECTED the transport is dead; its opener makes a new one.
 * - `close` is idempotent.
 */
export interface TpmTransport extends AsyncDisposable {
  /** Where the bytes go, in the words of the configuration: `swtpm:path=/run/x.sock`, `device:/dev/tpmrm0`. */
  readonly description: string;
  /**
   * True where something below (the kernel's resource manager, TBS) gives this connection handles of its own and
   * frees them at close. Where it is false, handles are shared with every other user of the TPM.
   */
  readonly managesHandles: boolean;
  /** @throws {ERR_HAL_DISCONNECTED | ERR_HAL_IO | ERR_HAL_CLOSED | ERR_TPM_MALFORMED_RESPONSE} */
  submit(command: Uint8Array, options: { signal?: AbortSignal }): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface TpmHal {
  /** Opens exactly the TPM that the configuration names. There is no fall-back to another one. */
  open(options: { signal: AbortSignal }): Promise<TpmTransport>;
  readonly description: string;
}
