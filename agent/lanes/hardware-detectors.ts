/**
 * What the daemon's signals show of phones and networks, so that nobody has to say that something was done. Phones are
 * looked at only for who has enrolled them, so that before that nobody but the person can tell.
 */
import { toHex } from '../../drivers/base/bytes.ts';
import type { PhysicalStep } from '../../drivers/hal/operator.ts';
import type {
  BluetoothObservation,
  IpConfigObservation,
  IpInterface,
  WifiObservation,
} from '../../drivers/observation.ts';
import type { SensedSignal, SignalChange } from '../api/ports.ts';
import { eventually } from '../operator/detectors.ts';
import type { Detector } from '../operator/task.ts';
import type { Subject } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

type Asked = { readonly signal: AbortSignal };

export interface SignalSight {
  readonly client: Pick<Subject, 'watchSignals'>;
  readonly given: Pick<Walkthrough['given'], 'wifi' | 'networks'>;
  readonly phoneAddress: (phone: string) => string | null;
  /** Whether the phone of this address is enrolled for who asks. */
  readonly isEnrolled: (address: string, options: Asked) => Promise<boolean>;
}

/** What a signal of this kind says; null: another kind, or nothing. */
const observed = <T>(change: SignalChange, kind: string): T | null =>
  change.type === 'signal' && change.signal.kind === kind && change.signal.state === 'observed'
    ? ((change.signal as SensedSignal).observation as T)
    : null;

const connected = ({ connected: is, kind }: IpInterface): boolean => is && kind === 'ethernet';

/** Whether a signal shows that it is done; null: no signal can. */
function shows(
  step: PhysicalStep,
  { given, phoneAddress }: SignalSight,
): { readonly what: string; readonly isSo: (change: SignalChange) => boolean } | null {
  switch (step.do) {
    case 'phone': {
      const address = phoneAddress(step.phone);
      if (address === null || step.is === 'impostor') return null;
      const isNear = step.is === 'near';
      const what = isNear ? `${step.phone} proves its pairing` : `${step.phone} is gone`;
      const isProved = (devices: BluetoothObservation['devices']): boolean =>
        devices.some((device) => device.address === address && device.proved);
      return {
        what,
        isSo: (change) => {
          const seen = observed<BluetoothObservation>(change, 'bluetooth');
          return seen !== null && isProved(seen.devices) === isNear;
        },
      };
    }
    case 'join': {
      if (step.network === null) {
        return {
          what: 'no Wi-Fi is joined',
          isSo: (change) => observed<WifiObservation>(change, 'wifi')?.associations.length === 0,
        };
      }
      const point = given.wifi[step.network];
      if (point === undefined) return null;
      const ssidHex = toHex(new TextEncoder().encode(point.ssid));
      return {
        what: `${point.ssid} is joined`,
        isSo: (change) =>
          observed<WifiObservation>(change, 'wifi')?.associations.some(
            (each) => each.ssidHex === ssidHex && (point.bssid === undefined || each.bssid === point.bssid),
          ) === true,
      };
    }
    case 'cable': {
      const { network } = step;
      const wanted = network === null ? null : given.networks[network];
      if (wanted === undefined) return null;
      return {
        what: network === null ? 'no cable is in' : `the gateway of ${network} is there`,
        isSo: (change) => {
          const wired = observed<IpConfigObservation>(change, 'ipConfig')?.interfaces.filter(connected);
          if (wired === undefined) return false;
          if (wanted === null) return wired.length === 0;
          return wired.some(({ ipv4 }) => ipv4.gateways?.includes(wanted.gateway) === true);
        },
      };
    }
    case 'renumber': {
      const { to, network } = step;
      return {
        what: `${network} hands that out`,
        isSo: (change) =>
          observed<IpConfigObservation>(change, 'ipConfig')?.interfaces.some(
            ({ ipv4 }) =>
              ipv4.gateways?.includes(to.gateway) === true &&
              to.dnsServers.every((server) => ipv4.dnsServers?.includes(server) === true),
          ) === true,
      };
    }
    default:
      return null;
  }
}

/** @returns null: no signal tells of it */
export async function signalDetector(step: PhysicalStep, sight: SignalSight, asked: Asked): Promise<Detector | null> {
  const shown = shows(step, sight);
  if (shown === null) return null;
  if (step.do === 'phone') {
    const address = sight.phoneAddress(step.phone);
    if (address === null || !(await sight.isEnrolled(address, asked))) return null;
  }
  return eventually(shown.what, (options) => sight.client.watchSignals(options), shown.isSo);
}
