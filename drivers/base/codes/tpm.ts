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
  ERR_TPM_AUTH_FAILED: {
    cause: 'The TPM was given a wrong authorization value: a wrong PIN, or a key that is not the enrolled one.',
    cure: 'Try again with the right one. Each wrong PIN counts against the dictionary-attack limit of the TPM.',
  },
  ERR_TPM_LOCKED_OUT: {
    cause:
      'Too many wrong PINs: the TPM refuses everything that is under dictionary-attack protection, also the right PIN.',
    cure: 'Wait until the TPM forgets a try (`unlockctl status` shows the longest wait); root ends it at once with the owner’s sheet: `unlockctl lockout reset`.',
  },
  ERR_TPM_FAILURE: {
    cause: 'The TPM is in failure mode and answers nothing any more.',
    cure: 'Restart the machine. If that does not help, the TPM is broken: only the recovery sheet opens the container.',
  },
  ERR_TPM_OUT_OF_MEMORY: {
    cause: 'The TPM has no slot left for another object or session.',
    cure: 'Another program holds objects in the TPM. Close it, or use the resource manager of the kernel (/dev/tpmrm0).',
  },
  ERR_TPM_BUSY: {
    cause: 'The TPM asked again and again for the command to be repeated later.',
    cure: 'Try again in a minute.',
  },
  ERR_TPM_OTHER_DEVICE: {
    cause: 'This is another TPM, or its owner was cleared: the storage root key is not the one that was pinned.',
    cure: 'Nothing secret was sent. Put the right TPM back, or set the machine up anew (`unlockctl setup` as root) and let each user recover with the sheet.',
  },
  ERR_TPM_SETTING: {
    cause: 'The setting that says where the TPM is names none.',
    cure: 'Write `device:/dev/tpmrm0`, `swtpm:path=…`, `swtpm:host=…,port=…` or `tcti:<name>:<configuration>`.',
  },
} as const;
