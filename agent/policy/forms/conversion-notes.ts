/** What a conversion between the native document and a Windows policy did, for who did not write both. */
export const CONVERSION_NOTES = [
  /** What an import opens with at worst, in words. */
  'weakest-branch',
  /** Windows accepts pairs that no TPM enforces, so the import accepts them too. */
  'accepts-asserted',
  /** The Windows policy names no unlock factors. */
  'unlock-not-configured',
  /** Dynamic lock has several rules; the first one counts. */
  'first-lock-rule',
  /** PIN rules that leave no PIN. */
  'pin-barred',
  /** Windows reads it more loosely than this product. */
  'windows-reads-looser',
  /** The document has it, Windows has no setting for it, and it only makes the reading of rules different. */
  'not-carried',
  /** A kept Windows value contradicts a section of the document, which wins. */
  'section-wins',
] as const;

export interface ConversionNote {
  readonly code: (typeof CONVERSION_NOTES)[number];
  /** A sentence for people. */
  readonly words: string;
  /** The element or setting that it is about. */
  readonly where: string;
}
