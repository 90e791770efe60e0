/** ERR_CONTAINER_*, ERR_EPOCH_*, ERR_STATE_*, ERR_RECOVERY_*, ERR_PIN_*: what is kept, and what opens it. */
export const CONTAINER_CODES = {
  ERR_STATE_CORRUPT: {
    cause: 'A state file does not contain what it should.',
    cure: 'The file was kept aside under the name in the message; restore it from a backup, or use the recovery sheet.',
  },
  ERR_STATE_NEWER: {
    cause: 'A state file was written by a newer version of the product.',
    cure: 'Install that version again; the file was not touched.',
  },
  ERR_STATE_WRITE_FAILED: {
    cause: 'A state file could not be written.',
    cure: 'Make room, or mount the disk writable, and repeat the command: the old state is still in force.',
  },
  ERR_STATE_NOT_DURABLE: {
    cause: 'A state file was replaced, but the disk could not be made to keep it through a power cut.',
    cure: 'Check the disk. The new state is in force as long as the machine keeps power; the next start looks again.',
  },
  ERR_STATE_READ_FAILED: {
    cause: 'A state file could not be read.',
    cure: 'Check owner and permissions of the state folder: it belongs to the user of the daemon, with mode 0700.',
  },
  ERR_SETUP_NEEDED: {
    cause: 'This machine has not been set up.',
    cure: 'Run `unlockctl setup` as root, once.',
  },
  ERR_SETUP_DONE: {
    cause: 'This machine has been set up before.',
    cure: 'Nothing to do. To set it up anew, move the state folder away first.',
  },
  ERR_TPM_OWNER_AUTH_SET: {
    cause: 'The owner hierarchy of the TPM has a password, so this program can define nothing in it.',
    cure: 'Clear the owner password (`tpm2_changeauth -c owner -p OLD`), or make the storage root key at 0x81000001 and the counter as the guide says.',
  },
  ERR_TPM_ROOT_KEY_UNUSABLE: {
    cause: 'The object at the handle of the storage root key is not a storage key of this TPM.',
    cure: 'Name another handle in the configuration (`tpm.root_key_handle`), or evict the object if it is yours.',
  },
  ERR_TPM_NO_COUNTER_LEFT: {
    cause: 'The TPM has no NV counter left.',
    cure: 'Undefine counters that no program uses any more (`tpm2_getcap handles-nv-index`), or unenrol a user.',
  },
  ERR_CONTAINER_EXISTS: {
    cause: 'This user is enrolled already.',
    cure: 'Use `unlockctl pin change`, or `unlockctl unenrol` first: that destroys the keys of the container.',
  },
  ERR_CONTAINER_MISSING: {
    cause: 'This user is not enrolled.',
    cure: 'Run `unlockctl enrol` as that user.',
  },
  ERR_KEY_UNKNOWN: {
    cause: 'No security key of this container has this name.',
    cure: '`unlockctl status` lists the keys that are enrolled, with what each is called.',
  },
  ERR_KEY_UNUSED: {
    cause: 'The policy takes no security key, or no further one can be enrolled.',
    cure: '`unlockctl policy show` says what the policy asks for; revoke a key that is not needed any more.',
  },
  ERR_PHONE_UNKNOWN: {
    cause: 'No phone with this address is paired with this machine, or none is enrolled for this user.',
    cure: '`unlockctl phone list` shows what is there. To enrol one, pair it first: `bluetoothctl`, compare the number on both sides.',
  },
  ERR_PHONE_WEAK_BOND: {
    cause:
      'The pairing was made without comparing a number, so whoever stood in the middle then could pass for the phone.',
    cure: 'Remove the pairing on both sides and pair anew; compare the number that both show.',
  },
  ERR_PHONE_NOT_PROVED: {
    cause: 'The phone did not prove its key just now.',
    cure: 'Bring the phone near with Bluetooth switched on, and repeat the command.',
  },
  ERR_PHONE_TAKEN: {
    cause: 'The phone is enrolled for another user of this machine, or too many phones are.',
    cure: 'A phone serves one user: remove it there first (`unlockctl phone remove ADDRESS`), or use another one.',
  },
  ERR_BIOMETRIC_NOT_VERIFIED: {
    cause: 'The reader did not recognise the finger or face.',
    cure: 'Repeat the command; if it never does, enrol the finger or face with the system anew (`fprintd-enroll`).',
  },
  ERR_BIOMETRIC_UNAVAILABLE: {
    cause: 'There is no reader, nothing is enrolled with it for this user, or it cannot be used now.',
    cure: 'Look at `unlockctl doctor`; enrol a finger with the system first (`fprintd-enroll`).',
  },
  ERR_BIOMETRIC_UNUSED: {
    cause: 'The policy does not ask for this finger or face, or it is in use already.',
    cure: 'Nothing to do; `unlockctl policy show` says what the policy asks for.',
  },
  ERR_CONTAINER_NO_EARLIER_KEY: {
    cause: 'The container was not recovered as often as the number asks for.',
    cure: 'Name a smaller number: 1 is the key before the newest recovery.',
  },
  ERR_CONTAINER_FACTOR_MISSING: {
    cause:
      'The state file of the container names a factor in its policy that it does not hold, so nothing opens it as it is.',
    cure: 'Put the newest state file back, or use the recovery sheet: `unlockctl recover`. Nothing was changed or asked for.',
  },
  ERR_CONTAINER_LOCKED: {
    cause: 'The container is locked.',
    cure: 'Run `unlockctl unlock` first.',
  },
  ERR_CONTAINER_PENDING_SIGNATURE: {
    cause: 'The enrolment waits for the signature of the policy authority.',
    cure: 'Run `unlockctl policy request`, have the request signed, and `unlockctl policy apply` the answer.',
  },
  ERR_EPOCH_AHEAD: {
    cause: 'The epoch counter in the TPM is ahead of the state file: the file is an old copy.',
    cure: 'Put the newest state file back, or use the recovery sheet. Nothing was deleted.',
  },
  ERR_EPOCH_LOST: {
    cause: 'The epoch counter of this container is gone from the TPM, or is not the one that was made for it.',
    cure: 'Use the recovery sheet: it makes a new counter. Nothing was deleted.',
  },
  ERR_EPOCH_GAP: {
    cause: 'The state file or a request names a number far ahead of the epoch counter of the container.',
    cure: 'Put the newest state file back, or use the recovery sheet: it makes a new counter. Nothing was deleted.',
  },
  ERR_CHANGE_NOT_REVOKED: {
    cause: 'The change is done, but the old state is not revoked yet because the TPM did not move the counter.',
    cure: 'Nothing to do: the next start of the daemon finishes it, without any factor. Until then copies of the old files still open.',
  },
  ERR_REHEARSAL_FAILED: {
    cause: 'The new state was tried before it was put in force, and did not open the container.',
    cure: 'Nothing was changed. Repeat the command.',
  },
  ERR_RECOVERY_GROUP: {
    cause: 'A group of the recovery sheet is mistyped.',
    cure: 'Check the group that the message names: letters O and I are digits 0 and 1.',
  },
  ERR_RECOVERY_WRONG: {
    cause: 'This recovery sheet does not belong to this container as it is now.',
    cure: 'Use the newest sheet: using or re-issuing a sheet makes the older ones void.',
  },
  ERR_RECOVERY_NOT_CONFIRMED: {
    cause: 'The groups typed back are not those of the sheet.',
    cure: 'Nothing was changed. Note the sheet down and repeat the command.',
  },
  ERR_LOCKOUT_NOT_OURS: {
    cause: 'The lockout password of the TPM was set by another program, so the owner’s sheet does not know it.',
    cure: 'Reset the lockout with that password: `tpm2_dictionarylockout --clear-lockout`.',
  },
  ERR_PIN_SOFT_LIMIT: {
    cause: 'Too many wrong PINs for this user.',
    cure: 'Wait as long as the message says, or use the recovery sheet. No key was deleted.',
  },
  ERR_PIN_WRONG: {
    cause: 'The PIN is wrong.',
    cure: 'Try again; the message says how many tries are left.',
  },
  ERR_KEY_WRONG: {
    cause: 'The security key does not open this container.',
    cure: 'Use a key that was enrolled for it.',
  },
  ERR_AUTHORITY_REFUSED: {
    cause: 'The policy authority refuses to sign this: it is not a policy of this container that could be revoked.',
    cure: 'Correct what the message names; nothing was signed.',
  },
  ERR_ASSERTION_REFUSED: {
    cause: 'The signer of observations refuses to assert this one.',
    cure: 'Present the factor again. If that does not help, this is a fault of the program: please report it.',
  },
  ERR_POLICY_SIGNATURE: {
    cause: 'The signed answer does not fit the request, or is not signed by the authority of this machine.',
    cure: 'Make a new request and have that one signed.',
  },
  ERR_GRANT_INVALID: {
    cause: 'A release was asked for without a decision that grants it.',
    cure: 'This is a fault of the program: please report it.',
  },
  ERR_PIN_NOT_TEXT: {
    cause: 'The PIN is not UTF-8 text, or contains a control character.',
    cure: 'Type the PIN again; line ends and control keys cannot be part of it.',
  },
  ERR_PIN_TOO_SHORT: {
    cause: 'The PIN has fewer characters than the policy asks for.',
    cure: 'Choose a longer PIN; the message names the shortest length.',
  },
  ERR_PIN_TOO_LONG: {
    cause: 'The PIN has more characters than the policy accepts.',
    cure: 'Choose a shorter PIN; the message names the greatest length.',
  },
  ERR_PIN_CLASS_REQUIRED: {
    cause: 'The PIN lacks a class of characters that the policy requires.',
    cure: 'Add a character of the class that the message names.',
  },
  ERR_PIN_CLASS_DISALLOWED: {
    cause: 'The PIN contains a class of characters that the policy does not accept.',
    cure: 'Leave out the characters of the class that the message names.',
  },
  ERR_PIN_SIMPLE: {
    cause: 'The PIN is a row of digits with equal steps, like 111111 or 123456.',
    cure: 'Choose digits that do not follow from one another.',
  },
  ERR_PIN_REUSED: {
    cause: 'The PIN is one of those that were used last.',
    cure: 'Choose a PIN that was not used before; the policy says how many are remembered.',
  },
} as const;
