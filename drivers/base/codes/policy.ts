/** ERR_POLICY_*: the unlock policy or its evaluation. */
export const POLICY_CODES = {
  ERR_POLICY_INVALID: {
    cause: 'The policy document is not valid.',
    cure: 'Correct the element that the message names.',
  },
} as const;
