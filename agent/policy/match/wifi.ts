/** `wifi`: a condition held against the associations that stand. What is merely heard of is no association. */
import { ssidBytes, ssidWords } from '../../../drivers/base/ssid.ts';
import type { WifiAssociation, WifiObservation } from '../../../drivers/observation.ts';
import type { WifiCondition } from '../rules.ts';
import { type Check, type Matcher, matcherOf, type View } from './check.ts';

type WifiCheck = Check<WifiAssociation>;

function checksOf(condition: WifiCondition): readonly WifiCheck[] {
  const { ssid, bssid, security, trustedRootCA, signalQuality } = condition;
  const wanted = ssidBytes(ssid);
  const checks: WifiCheck[] = [
    {
      name: 'ssid',
      holds: ({ ssidHex }) => ssidHex === wanted,
      expected: () => ssid,
      found: ({ ssidHex }) => ssidWords(ssidHex),
    },
    {
      name: 'security',
      holds: (association) => association.security === security,
      expected: () => security,
      found: (association) => association.security,
    },
  ];
  if (bssid !== undefined) {
    const point = bssid.toLowerCase();
    checks.push({
      name: 'bssid',
      holds: (association) => association.bssid?.toLowerCase() === point,
      expected: () => bssid,
      found: (association) => association.bssid,
    });
  }
  if (trustedRootCA !== undefined) {
    checks.push({
      name: 'trustedRootCA',
      holds: ({ rootThumbprints }) => rootThumbprints?.includes(trustedRootCA) ?? false,
      expected: () => trustedRootCA,
      found: ({ rootThumbprints: roots }) =>
        roots === null ? null : roots.length === 0 ? 'none was verified' : roots.join(', '),
    });
  }
  if (signalQuality !== undefined) {
    checks.push({
      name: 'sig_quality',
      holds: ({ quality }) => quality !== null && quality >= signalQuality,
      expected: () => `at least ${signalQuality}`,
      found: ({ quality }) => (quality === null ? null : String(quality)),
    });
  }
  return checks;
}

/** The condition made ready. */
export const wifiMatcher = (condition: WifiCondition): Matcher<WifiAssociation> =>
  matcherOf({ checks: checksOf(condition), repeated: 'all', where: (association) => association.interface });

export const wifiView = ({ associations }: WifiObservation): View<WifiAssociation> => ({
  candidates: associations,
  none: null,
});
