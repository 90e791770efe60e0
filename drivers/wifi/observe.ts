/**
 * Wi-Fi links as the observation that rules are held against, and what two observations have in common: of a change the
 * losses count at once, the gains when they have stood for a while.
 */
import { toHex } from '../base/bytes.ts';
import { ssidWords } from '../base/ssid.ts';
import type { WifiLink, WifiSnapshot } from '../hal/network.ts';
import type { WifiAssociation, WifiObservation } from '../observation.ts';

/** Links of a source that is known to be wrong are for people, never for a rule. */
export const observationOf = ({ links }: WifiSnapshot): WifiObservation => ({
  associations: links
    .filter((link) => !link.weak)
    .map(({ interface: name, ssid, bssid, security, quality, root }) => ({
      interface: name,
      ssidHex: toHex(ssid),
      bssid,
      security,
      quality,
      rootThumbprints: root === null ? null : [root.sha1, root.sha256],
    })),
});

const equalOr = <T>(a: T, b: T): T | null => (a === b ? a : null);

const commonRoots = (a: readonly string[] | null, b: readonly string[] | null): readonly string[] | null =>
  a !== null && b !== null && a.join() === b.join() ? a : null;

function commonAssociation(before: WifiAssociation, now: WifiAssociation): WifiAssociation {
  const [a, b] = [before.quality, now.quality];
  return {
    interface: now.interface,
    ssidHex: now.ssidHex,
    bssid: equalOr(before.bssid, now.bssid),
    security: equalOr(before.security, now.security),
    quality: a === null || b === null ? null : Math.min(a, b),
    rootThumbprints: commonRoots(before.rootThumbprints, now.rootThumbprints),
  };
}

/** What held before and holds now. */
export const commonOf = (before: WifiObservation, now: WifiObservation): WifiObservation => ({
  associations: now.associations.flatMap((association) => {
    const same = before.associations.find(
      ({ interface: name, ssidHex }) => name === association.interface && ssidHex === association.ssidHex,
    );
    return same === undefined ? [] : [commonAssociation(same, association)];
  }),
});

export const sameObservation = (a: WifiObservation, b: WifiObservation): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** For people, where no rule sees them. */
export const linkWords = (links: readonly WifiLink[]): string =>
  links.map(({ interface: name, ssid }) => `${name} on ${ssidWords(toHex(ssid))}`).join(', ');
