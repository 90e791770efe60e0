/** ERR_CTAP_*: what a security key said, or what it should have said. */
export const CTAP_CODES = {
  ERR_CTAP_MALFORMED_RESPONSE: {
    cause: 'The bytes that came back are not a CTAP response.',
    cure: 'Unplug the key; if it happens again, the key is broken or hostile.',
  },
} as const;
