/**
 * The name of a Wi-Fi network before a person reads it: up to 32 bytes that anybody may choose (IEEE 802.11, 9.4.2.2).
 * As text only where it can be told from every other name, and from the words around it.
 */

/** The bytes of an SSID that is written as text, in lower-case hexadecimal. */
export const ssidBytes = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Letters, figures, signs and single blanks; no control or format characters, no letters that are not seen. */
const SEEN = /^(?! )(?:(?![\p{Default_Ignorable_Code_Point}\u2800"])[\p{L}\p{N}\p{P}\p{S} ])+(?<! )$/u;
/** What the other answers look like. */
const OUR_WORDS = /^(?:0x|hidden$|not an SSID$)/i;

/**
 * As text where it is printable UTF-8 without loss, otherwise its bytes (`0x436f`); without any, `hidden`.
 * @param hex its bytes, lower-case hexadecimal
 */
export function ssidWords(hex: string): string {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) return hex === '' ? 'hidden' : 'not an SSID';
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const plain = ssidBytes(text) === hex && SEEN.test(text) && !OUR_WORDS.test(text) && !text.includes('  ');
  return plain ? text : `0x${hex}`;
}
