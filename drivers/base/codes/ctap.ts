/** ERR_CTAP_*: what a security key said, or what it should have said. */
export const CTAP_CODES = {
  ERR_CTAP_MALFORMED_RESPONSE: {
    cause: 'The bytes that came back are not a CTAP response.',
    cure: 'Unplug the key; if it happens again, the key is broken or hostile.',
  },
  ERR_CTAP_INVALID_CBOR: {
    cause: 'A CTAP message is not CBOR, or not in the form that CTAP2 prescribes.',
    cure: 'Unplug the key; if it happens again, the key is broken or hostile.',
  },
  ERR_CTAP_REQUEST_TOO_LARGE: {
    cause: 'A request is longer than the security key or its reports can take.',
    cure: 'Enrol fewer security keys for this user, or use a key with a larger maxMsgSize.',
  },
  ERR_CTAP_TRANSPORT: {
    cause: 'The security key answered with a CTAPHID error; `detail.error` is its number.',
    cure: 'Unplug the key and plug it in again; close other programs that use it.',
  },
  ERR_CTAP_STATUS: {
    cause:
      'The security key refused a command; `detail.status` is its CTAP status code and `detail.name` the name of it.',
    cure: 'Look the status code up in the CTAP 2.1 specification, clause 8.2.',
  },
  ERR_CTAP_BUSY: {
    cause: 'Another program kept the security key busy until the time was over.',
    cure: 'Close browsers and other programs that talk to the key, then try again.',
  },
  ERR_CTAP_TIMEOUT: {
    cause: 'The security key stopped answering in the middle of an operation.',
    cure: 'Unplug the key and plug it in again.',
  },
  ERR_CTAP_TOUCH_TIMEOUT: {
    cause: 'The security key waited for a touch that did not come.',
    cure: 'Try again and touch the key while it blinks.',
  },
  ERR_CTAP_CANCELLED: {
    cause: 'The operation was cancelled while the security key was waiting.',
    cure: 'Start it again when you are ready.',
  },
  ERR_CTAP_DENIED: {
    cause: 'The request was declined on the security key itself.',
    cure: 'Try again and confirm on the key.',
  },
  ERR_CTAP_NO_KEY: {
    cause: 'No security key was plugged in before the time was over.',
    cure: 'Plug the security key in and try again.',
  },
  ERR_CTAP_WRONG_KEY: {
    cause: 'The security key that is plugged in is not one that is enrolled for this user.',
    cure: 'Plug in the security key that was enrolled.',
  },
  ERR_CTAP_NO_CREDENTIAL: {
    cause: 'The security key does not hold the credential that was asked for.',
    cure: 'Plug in the security key that was enrolled, or enrol this one.',
  },
  ERR_CTAP_NOT_ALLOWED_MODEL: {
    cause: 'Security keys of this model may not be enrolled here, or nobody vouches for its being of this model.',
    cure: 'Use a key of a model that is allowed, or have `hid.allowed_aaguids` and `hid.metadata_file` changed.',
  },
  ERR_CTAP_METADATA_FILE: {
    cause: 'The FIDO metadata file cannot be read, or is none; the message says where.',
    cure: 'Put a FIDO metadata BLOB that has not expired there with its root in `hid.metadata_root`, or its payload or one statement as JSON without a root, or clear `hid.metadata_file`.',
  },
  ERR_CTAP_ALREADY_ENROLLED: {
    cause: 'The security key already holds a credential of this user.',
    cure: 'Enrol another security key, or unenrol this one first.',
  },
  ERR_CTAP_UV_CHANGED: {
    cause:
      'The security key verifies the user where it did not at enrolment, or the other way round; its secret is another one then.',
    cure: 'Undo the change of the key (alwaysUv, fingerprints, PIN), or unlock with another factor and enrol the key again.',
  },
  ERR_CTAP_NOT_CTAP2: {
    cause: 'The security key speaks only U2F, which has no secret to unlock with.',
    cure: 'Use a security key that supports FIDO2 with the hmac-secret extension.',
  },
  ERR_CTAP_NO_HMAC_SECRET: {
    cause: 'The security key does not support the hmac-secret extension, or did not answer with its output.',
    cure: 'Use a security key that supports FIDO2 with the hmac-secret extension.',
  },
  ERR_CTAP_UNSUPPORTED: {
    cause: 'The security key does not offer what this operation needs; the message names it.',
    cure: 'Use a security key that supports CTAP 2.0 with PIN/UV auth protocol 1 or 2 and ES256.',
  },
  ERR_CTAP_PIN_NOT_SET: {
    cause: 'User verification is needed, but the security key has neither a PIN nor an enrolled fingerprint.',
    cure: 'Set a PIN on the security key, or change the configuration so that user verification is not required.',
  },
  ERR_CTAP_PIN_REQUIRED: {
    cause: 'The security key wants its PIN for this operation.',
    cure: 'Give the PIN of the security key.',
  },
  ERR_CTAP_PIN_WRONG: {
    cause: 'The PIN of the security key was wrong; `detail.triesLeft` says how many tries are left.',
    cure: 'Try again with the right PIN; after the last try the key must be reset, which loses its credentials.',
  },
  ERR_CTAP_PIN_BLOCKED: {
    cause: 'The PIN of the security key was wrong too often and is blocked for good.',
    cure: 'Unlock with another factor or the recovery sheet, reset the key (its credentials are lost) and enrol it again.',
  },
  ERR_CTAP_PIN_AUTH_BLOCKED: {
    cause:
      'The PIN of the security key was wrong three times in a row; the key takes no PIN until it is plugged in again.',
    cure: 'Unplug the key, plug it in again and give the right PIN.',
  },
  ERR_CTAP_PIN_POLICY: {
    cause: 'The PIN does not satisfy the rules of the security key.',
    cure: 'Choose a PIN of at least the length the key wants and at most 63 bytes.',
  },
  ERR_CTAP_PIN_SET: {
    cause: 'The security key has a PIN already; only one without gets a first one.',
    cure: 'Change it: `unlockctl key pin change`. A forgotten one goes only with everything else: `unlockctl key reset`.',
  },
  ERR_CTAP_NO_SUCH_ID: {
    cause: 'The security key stores nothing under this id, or more than one thing whose id begins so.',
    cure: 'Write the id as the list shows it; as much of its beginning as tells it from the others is enough.',
  },
  ERR_CTAP_RESET_TOO_LATE: {
    cause: 'A security key takes a reset only within ten seconds after it got power.',
    cure: 'Unplug the key, plug it in again and repeat the command at once.',
  },
  ERR_CTAP_STORAGE_FULL: {
    cause: 'The security key has no room left for what was to be stored.',
    cure: 'Delete what is not needed any more (`unlockctl key credentials`), or use another key.',
  },
  ERR_CTAP_PIN_CHANGE_REQUIRED: {
    cause: 'The security key insists on a new PIN before it is used.',
    cure: 'Change it: `unlockctl key pin change`.',
  },
  ERR_CTAP_UV_BLOCKED: {
    cause: 'The fingerprint of the security key was wrong too often.',
    cure: 'Use the PIN of the security key.',
  },
  ERR_CTAP_UV_INVALID: {
    cause: 'The security key did not recognise the fingerprint.',
    cure: 'Try again, or use the PIN of the security key.',
  },
  ERR_CTAP_VERIFICATION: {
    cause:
      'What the security key answered does not verify: signature, relying party, flags or credential id are wrong.',
    cure: 'Do not use this key: something between it and this program is broken or hostile.',
  },
} as const;
