/**
 * Suspend and resume of the machine, as the daemon sees them: before it suspends, keys are forgotten. Which host
 * reports it, and how (systemd-logind's PrepareForSleep with a delay inhibitor lock), is behind this interface.
 */
export type SuspendEvent =
  /** About to suspend. The host waits, for a bounded time, until `proceed` is called. */
  { readonly type: 'suspending'; readonly proceed: () => void } | { readonly type: 'resumed' };

export interface SuspendSource {
  /** Never throws for reasons of the host; ends with the signal. */
  watch(options: { signal: AbortSignal }): AsyncIterable<SuspendEvent>;
}

/**
 * Forgets the keys each time before the machine suspends, and lets it go on in any case.
 * @param forget what has to be done before; a failure is passed to `failed` and never keeps the machine awake
 */
export async function forgetOnSuspend(
  source: SuspendSource,
  options: { signal: AbortSignal; forget: () => Promise<void>; failed: (error: unknown) => void },
): Promise<void> {
  for await (const event of source.watch({ signal: options.signal })) {
    if (event.type !== 'suspending') continue;
    try {
      await options.forget();
    } catch (error) {
      options.failed(error);
    } finally {
      event.proceed();
    }
  }
}
