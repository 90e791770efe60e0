/** ERR_CONFIG_*, ERR_API_*, ERR_CLI_*, ERR_DAEMON_*: the programs around the unlock path. */
export const AGENT_CODES = {
  ERR_CONFIG_INVALID: {
    cause: 'The configuration file is not valid.',
    cure: 'Correct the key that the message names; `unlockctl doctor` lists every key with its default and unit.',
  },
} as const;
