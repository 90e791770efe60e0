/** `wifi`: a condition held against the associations that stand. What is merely heard of is no association. */
import type { WifiAssociation, WifiObservation } from '../../../drivers/observation.ts';
import type { WifiCondition } from '../rules.ts';
import { closest, type ElementReason, element, type Match } from './element.ts';

const hexOf = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** An SSID for people: as text where it is printable UTF-8 without loss, otherwise its bytes. */
export function ssidWords(hex: string): string {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) return hex === '' ? 'hidden' : 'not an SSID';
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const text = new TextDecoder().decode(bytes);
  return hexOf(text) === hex && /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(text) ? text : `0x${hex}`;
}

type Check = (association: WifiAssociation | null) => ElementReason;

function checksOf(condition: WifiCondition): readonly Check[] {
  const { ssid, bssid, security, trustedRootCA, signalQuality } = condition;
  const wanted = hexOf(ssid);
  const checks: Check[] = [
    (a) => element('ssid', ssid, a === null ? null : ssidWords(a.ssidHex), a?.ssidHex === wanted),
    (a) => element('security', security, a?.security ?? null, a?.security === security),
  ];
  if (bssid !== undefined) {
    checks.push((a) => element('bssid', bssid, a?.bssid ?? null, a?.bssid?.toLowerCase() === bssid.toLowerCase()));
  }
  if (trustedRootCA !== undefined) {
    checks.push((a) => {
      const roots = a?.rootThumbprints ?? null;
      const found = roots === null ? null : roots.length === 0 ? 'none was verified' : roots.join(', ');
      return element('trustedRootCA', trustedRootCA, found, roots?.includes(trustedRootCA) ?? false);
    });
  }
  if (signalQuality !== undefined) {
    checks.push((a) => {
      const quality = a?.quality ?? null;
      const found = quality === null ? null : String(quality);
      return element('sig_quality', `at least ${signalQuality}`, found, quality !== null && quality >= signalQuality);
    });
  }
  return checks;
}

/** The condition made ready. */
export function wifiMatcher(condition: WifiCondition): (observation: WifiObservation) => Match {
  const checks = checksOf(condition);
  return ({ associations }) => {
    const candidates = associations.map((association): Match => {
      const elements = checks.map((check) => check(association));
      return { ok: elements.every(({ ok }) => ok), where: association.interface, elements };
    });
    return closest(
      candidates,
      checks.map((check) => check(null)),
    );
  };
}
