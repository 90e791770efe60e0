/** ERR_TPM_*: what the TPM said, or what it should have said. */
export const TPM_CODES = {
  ERR_TPM_MALFORMED_RESPONSE: {
    cause: 'The bytes that came back are not a response of a TPM 2.0.',
    cure: 'Something between this program and the TPM is broken or hostile: check the TCTI setting and the cable.',
  },
  ERR_TPM_RESPONSE: {
    cause: 'The TPM refused a command; `detail.rc` is its response code and `detail.name` the name of the code.',
    cure: 'Look the response code up in Part 2 of the TPM specification, clause 6.6.',
  },
} as const;
