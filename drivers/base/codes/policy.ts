/** ERR_POLICY_*: the unlock policy, its evaluation, and the grants that come out of it. */
export const POLICY_CODES = {
  ERR_POLICY_INVALID: {
    cause: 'The policy document is not valid.',
    cure: 'Correct the element that the message names.',
  },
  ERR_POLICY_NO_BRANCH: {
    cause: 'No pair of two different factors comes out of the two lists, so nothing could ever satisfy the policy.',
    cure: 'Name in `then` a factor that differs from those in `first`; a phone and a network count as one factor.',
  },
  ERR_POLICY_ASSERTED_BRANCH: {
    cause: 'The policy has a pair of which neither factor is enforced by the TPM: this machine alone would open it.',
    cure: 'Pair the factors that the message names with a PIN or a security key, or set `acceptAsserted` to true.',
  },
  ERR_POLICY_KEY_NOT_VERIFYING: {
    cause: 'The policy asks the security key to verify its user, and the enrolled key was enrolled without that.',
    cure: 'The old policy stays in force. Enrol again under the new one: `unlockctl unenrol`, `unlockctl enrol`.',
  },
  ERR_POLICY_DENIED: {
    cause: 'The factors that are present do not satisfy the unlock policy.',
    cure: 'The reasons name what is missing; present one of the combinations they list.',
  },
  ERR_POLICY_GRANT_FORGED: {
    cause: 'Something that the policy room did not mint was presented as a grant.',
    cure: 'This is a defect of the program or an attack on it; report it with the log.',
  },
  ERR_POLICY_GRANT_SPENT: {
    cause: 'A grant was used a second time.',
    cure: 'Unlock again; each grant opens once.',
  },
  ERR_POLICY_GRANT_EXPIRED: {
    cause: 'A grant was not used in time.',
    cure: 'Unlock again.',
  },
  ERR_POLICY_SIGNER_UNREACHABLE: {
    cause: 'The policy of this machine is signed elsewhere, and the change would need a new signature.',
    cure: 'Send the signing request (`unlockctl policy request`) to the signer and apply the answer. Nothing was changed.',
  },
  ERR_POLICY_NOT_MANAGED: {
    cause: 'The policy of this machine is signed by its own TPM; there is no outside signer to ask.',
    cure: 'Set the policy with `unlockctl policy set`.',
  },
} as const;
