/** ERR_CONTAINER_*, ERR_EPOCH_*, ERR_STATE_*, ERR_RECOVERY_*, ERR_PIN_*: what is kept, and what opens it. */
export const CONTAINER_CODES = {
  ERR_STATE_CORRUPT: {
    cause: 'A state file does not contain what it should.',
    cure: 'The file was kept aside under the name in the message; restore it from a backup, or use the recovery sheet.',
  },
} as const;
