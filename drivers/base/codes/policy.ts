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
  ERR_POLICY_CHANGED_SINCE: {
    cause:
      'The policy of this machine was set anew after the request whose answer this is: the signer has seen another one.',
    cure: 'Make a new request and have that one signed. Nothing was changed.',
  },
  ERR_POLICY_NOT_MANAGED: {
    cause: 'The policy of this machine is signed by its own TPM; there is no outside signer to ask.',
    cure: 'Set the policy with `unlockctl policy set`.',
  },
  ERR_POLICY_DOCUMENT_UNSIGNED: {
    cause: 'This machine takes signed policy documents only (`policy.document_key`), and this one is not signed.',
    cure: 'Have it signed by a trusted key: `unlockctl policy sign`. Nothing was changed.',
  },
  ERR_POLICY_DOCUMENT_SIGNATURE: {
    cause: 'A signed policy document is damaged, or its signature is not of a key that this machine trusts.',
    cure: 'Have the document signed anew by a key of the file that `policy.document_key` names. Nothing was changed.',
  },
  ERR_POLICY_DOCUMENT_OLDER: {
    cause: 'A signed policy document is not newer than the last one that this machine took.',
    cure: 'Sign the document with a higher version. Nothing was changed.',
  },
  ERR_POLICY_NOT_WINDOWS: {
    cause: 'The policy has something that the chosen Windows form cannot say.',
    cure: 'Do what the reasons say, take out what they name, or export in another form.',
  },
  ERR_POLICY_WINDOWS_FORMAT: {
    cause: 'The file is in none of the forms in which a Windows policy comes, or its encoding is broken.',
    cure: 'Export it again as .reg, Intune JSON, CSP nodes or rule XML, or name the form with `--format`.',
  },
  ERR_POLICY_WINDOWS_TOO_LARGE: {
    cause: 'A Windows policy is larger or nested deeper than any real one.',
    cure: 'Export only the Windows Hello for Business settings.',
  },
  ERR_POLICY_WINDOWS_REG: {
    cause: 'A line of a registry file does not follow the syntax of .reg files.',
    cure: 'Correct the line that the message names, or export the key again with regedit.',
  },
  ERR_POLICY_WINDOWS_JSON: {
    cause: 'A JSON export does not have the shape that Graph gives such a policy.',
    cure: 'Export it again, and correct the element that the message names.',
  },
  ERR_POLICY_WINDOWS_SYNCML: {
    cause: 'A SyncML body is malformed or has a document type, an entity or a command that is not read.',
    cure: 'Keep to Add, Replace and Delete with LocURI and Data, and correct the position that the message names.',
  },
  ERR_POLICY_WINDOWS_VALUE: {
    cause: 'A setting has a value of the wrong type or out of its range.',
    cure: 'Give the setting that the message names a value that its documentation allows.',
  },
  ERR_POLICY_WINDOWS_AMBIGUOUS: {
    cause: 'Two equally strong sources give one setting different values, or several users or tenants are mixed.',
    cure: 'Import them one at a time, or remove all but one.',
  },
  ERR_POLICY_WINDOWS_PROVIDER: {
    cause: 'A list of credential providers is empty or is not braced GUIDs with commas between them.',
    cure: 'Write it as {GUID},{GUID} on one line.',
  },
  ERR_POLICY_WINDOWS_PROVIDER_UNKNOWN: {
    cause: 'A list names a credential provider that multi-factor unlock does not support.',
    cure: 'List PIN, fingerprint, face or trusted signal; a security key needs the native form.',
  },
  ERR_POLICY_WINDOWS_GROUP_MISSING: {
    cause: 'One of the two lists of unlock factors is there without the other.',
    cure: 'Set both GroupA and GroupB, or neither.',
  },
  ERR_POLICY_WINDOWS_PIN_MISSING: {
    cause: 'The PIN is in neither list of unlock factors.',
    cure: 'Add the PIN to one of the two lists.',
  },
  ERR_POLICY_WINDOWS_SIGNAL_FIRST: {
    cause: 'Trusted signal is in the list of first unlock factors.',
    cure: 'Move it to the second list (GroupB).',
  },
  ERR_POLICY_WINDOWS_SIGNAL_ALONE: {
    cause: 'Trusted signal is the only unlock factor; it can never unlock alone.',
    cure: 'List another provider in GroupA.',
  },
  ERR_POLICY_WINDOWS_NO_PAIR: {
    cause: 'Both lists hold one and the same provider, and a provider is spent once: nothing could ever unlock.',
    cure: 'Name a second provider in one of the lists.',
  },
  ERR_POLICY_RULE_XML: {
    cause: 'A signal rule is not well-formed XML, or has a document type, an entity, a comment or an instruction.',
    cure: 'Keep to elements, attributes and text, and correct the position that the message names.',
  },
  ERR_POLICY_RULE_TOO_LARGE: {
    cause: 'The signal rules are longer, deeper or more than any real policy has.',
    cure: 'Split the policy, or write it in the native form.',
  },
  ERR_POLICY_RULE_LINE_BREAK: {
    cause: 'The signal rules have a line break; Windows takes them on one line only.',
    cure: 'Join the lines.',
  },
  ERR_POLICY_RULE_SEPARATOR: {
    cause: 'Between two signal rules there is not exactly one comma.',
    cure: 'Separate the rules by one comma, with none before the first and after the last.',
  },
  ERR_POLICY_RULE_ELEMENT: {
    cause: 'A signal rule has an element or text where the rule language has none.',
    cure: 'Remove it or correct its spelling; names are case-sensitive. `or` and nesting need the native form.',
  },
  ERR_POLICY_RULE_ATTRIBUTE: {
    cause: 'An element of a signal rule has an attribute that the rule language does not know there.',
    cure: 'Remove it or correct its spelling; names are case-sensitive.',
  },
  ERR_POLICY_RULE_VERSION: {
    cause: 'A signal rule has no schemaVersion, or another one than 1.0.',
    cure: 'Write <rule schemaVersion="1.0">.',
  },
  ERR_POLICY_RULE_REPEATED: {
    cause: 'Something that may stand once in a signal stands twice.',
    cure: 'Write one rule for each of the two.',
  },
  ERR_POLICY_RULE_MISSING: {
    cause: 'A signal rule lacks an element, an attribute or a value that it has to have.',
    cure: 'Add what the message names.',
  },
  ERR_POLICY_RULE_SCENARIO: {
    cause: 'A Bluetooth signal serves another scenario than the policy that it stands in.',
    cure: 'Use "Authentication" for unlocking and "Dynamic Lock" for dynamic lock.',
  },
  ERR_POLICY_RULE_VALUE: {
    cause: 'A value of a signal rule is not of the form or in the range that its element asks for.',
    cure: 'Correct the value that the message names.',
  },
  ERR_POLICY_TRACE: {
    cause: 'A file is no trace of signals: the line that the message names is not as the format asks.',
    cure: 'Record one with `unlockctl events --record FILE`, or correct the line; see docs/reference/trace.md.',
  },
  ERR_POLICY_USER_FACTS: {
    cause: 'A file that says what users have enrolled is not as it has to be.',
    cure: 'Write a JSON array of {"user": "...", "gestures": ["pin", "securityKey"], "keys": 1, "phones": 0}.',
  },
  ERR_POLICY_STUDY_LIMIT: {
    cause: 'A comparison of policies needs more memory or steps than it may take.',
    cure: 'Compare smaller parts of the policies, one context or a few rules at a time.',
  },
} as const;
