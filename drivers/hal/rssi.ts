/**
 * Strength of a radio link, with its scale in the type. A BR/EDR controller reports dB relative to its golden receive
 * range (0 inside, -10 ten dB below it: Bluetooth Core, Read RSSI), an LE controller absolute dBm (-40 to -90). The two
 * say nothing about each other: what compares strengths takes one scale, and a mix does not compile.
 */
export type RssiScale = 'relative' | 'dBm';

export interface Rssi<S extends RssiScale = RssiScale> {
  readonly scale: S;
  /** dB (`relative`) or dBm; whole or smoothed. */
  readonly value: number;
}

/** Of one scale, but not known which: narrow it by `scale` before comparing. */
export type AnyRssi = { [S in RssiScale]: Rssi<S> }[RssiScale];
