/**
 * Branded types: a plain number or string that carries its unit or meaning in the type, so that milliseconds are not
 * passed where seconds are asked for. They cost nothing at run time.
 */
declare const brand: unique symbol;

export type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A span of time in milliseconds. */
export type Milliseconds = Branded<number, 'Milliseconds'>;

/** A point on the monotonic clock of this process, in milliseconds since an arbitrary origin. */
export type MonotonicMs = Branded<number, 'MonotonicMs'>;

/** A point in civil time, in milliseconds since 1970-01-01T00:00:00Z. May jump; never used to measure. */
export type UnixMs = Branded<number, 'UnixMs'>;

export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const seconds = (value: number): Milliseconds => (value * 1000) as Milliseconds;
export const monotonicMs = (value: number): MonotonicMs => value as MonotonicMs;
export const unixMs = (value: number): UnixMs => value as UnixMs;
