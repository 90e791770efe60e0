/**
 * The proof of a bonded device on Windows: an RFCOMM connection that Windows makes only when the device has proved the
 * bonded key and the link is encrypted (ws2bth.h, SO_BTH_AUTHENTICATE and SO_BTH_ENCRYPT). To any service that phones have;
 * nothing is sent over it. How long the key is, and how it was agreed, Windows tells nobody.
 */
import type { Milliseconds, MonotonicMs } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import type { Probe, ProbeFailure } from '../../hal/bluetooth.ts';
import { socketAddressOf } from './device-info.ts';
import type { BluetoothLibrary, SecuredConnection } from './library.ts';

/** Phone book access, hands-free audio gateway, object push. */
export const SERVICES = [0x112f, 0x111f, 0x1105] as const;

/** Windows drops links with shorter keys (CVE-2019-9506); more than this it does not warrant. */
const LEAST_KEY_BYTES = 7;
/** How long one look may park a thread: what is given up ends after it. */
const SLICE_MS = 200;

/** Bluetooth and connect (ws2bth.h): there is no such service, or it does not speak RFCOMM; another one may. */
const NO_SERVICE = [10049, 10061, 10064, 10108];
const FAILURES: Readonly<Record<number, ProbeFailure>> = {
  5: 'no-permission',
  10013: 'refused',
  10043: 'unsupported',
  10044: 'unsupported',
  10047: 'unsupported',
  10050: 'radio-off',
  10060: 'unreachable',
  10065: 'unreachable',
};

export interface RfcommProbe {
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly address: string;
  readonly clock: Clock;
  readonly within: Milliseconds;
  readonly signal: AbortSignal;
}

type Outcome = Probe['outcome'];

export const notProved = (reason: ProbeFailure, detail: string | null = null): Outcome => ({
  proved: false,
  reason,
  detail,
});

async function connected(
  connection: SecuredConnection,
  ends: MonotonicMs,
  { clock, signal }: RfcommProbe,
): Promise<number | null> {
  try {
    while (!signal.aborted && clock.now() < ends) {
      const code = await connection.outcome(Math.ceil(Math.min(SLICE_MS, ends - clock.now())));
      if (code !== null) return code;
    }
    return null;
  } finally {
    connection.close();
  }
}

/** @throws the reason of `signal` */
export async function probeByRfcomm(library: BluetoothLibrary, probe: RfcommProbe): Promise<Outcome> {
  const { address, clock, within, signal } = probe;
  const ends = (clock.now() + within) as MonotonicMs;
  for (const service of SERVICES) {
    const to = socketAddressOf(address, service);
    if (to === null) return notProved('not-bonded', 'that is no address');
    const connection = library.connect(to);
    const code = 'failed' in connection ? connection.failed : await connected(connection, ends, probe);
    signal.throwIfAborted();
    if (code === null) return notProved('unreachable', 'no answer in time');
    // What was asked for is in force on a connection that stands: Windows makes no other.
    if (code === 0) {
      return { proved: true, encrypted: true, authenticated: false, keySize: LEAST_KEY_BYTES, rssi: null };
    }
    if (!NO_SERVICE.includes(code)) return notProved(FAILURES[code] ?? 'failed', `connect: error ${code}`);
  }
  return notProved('unsupported', 'it has none of the services that are asked for');
}
