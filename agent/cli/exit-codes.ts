/**
 * The exit codes of `unlockctl`: few, stable, and told apart by what a script would do next. The table is data; the
 * reference page is generated from it, and each error code of the product maps to exactly one row.
 */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  denied: 3,
  notRunning: 4,
  notPermitted: 5,
  cancelled: 6,
  lockedOut: 7,
  recoveryNeeded: 8,
  notReady: 9,
  hardware: 10,
  untrusted: 11,
  busy: 12,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One row: what it means, and the codes that lead to it (a trailing `*` stands for any rest). The first match wins. */
interface Row {
  readonly exit: ExitCode;
  readonly meaning: string;
  readonly codes: readonly string[];
}

export const EXIT_ROWS: readonly Row[] = [
  { exit: EXIT.ok, meaning: 'Done.', codes: [] },
  {
    exit: EXIT.usage,
    meaning:
      'The command line is not valid, or wants a flag for what cannot be undone, or a policy, trace, walkthrough, report or recording that it names, or it does not fit the security key.',
    codes: [
      'ERR_CLI_USAGE',
      'ERR_POLICY_INVALID',
      'ERR_POLICY_NOT_WINDOWS',
      'ERR_POLICY_WINDOWS_*',
      'ERR_POLICY_RULE_*',
      'ERR_POLICY_TRACE',
      'ERR_POLICY_USER_FACTS',
      'ERR_WALKTHROUGH_INVALID',
      'ERR_OPERATOR_INVALID',
      'ERR_LANE_DESTRUCTIVE',
      'ERR_LANE_UNKNOWN',
      'ERR_REPORT_INVALID',
      'ERR_RECORDING_INVALID',
      'ERR_CTAP_PIN_SET',
      'ERR_CTAP_NO_SUCH_ID',
    ],
  },
  {
    exit: EXIT.denied,
    meaning: 'The factors do not satisfy the policy: a wrong PIN, the wrong key, a missing factor.',
    codes: [
      'ERR_POLICY_DENIED',
      'ERR_PIN_WRONG',
      'ERR_KEY_WRONG',
      'ERR_RECOVERY_WRONG',
      'ERR_RECOVERY_NOT_CONFIRMED',
      'ERR_TPM_AUTH_FAILED',
      'ERR_CTAP_DENIED',
      'ERR_CTAP_PIN_WRONG',
      'ERR_CTAP_WRONG_KEY',
      'ERR_CTAP_NO_CREDENTIAL',
    ],
  },
  { exit: EXIT.notRunning, meaning: 'The daemon does not run.', codes: ['ERR_DAEMON_NOT_RUNNING'] },
  {
    exit: EXIT.notPermitted,
    meaning: 'This user may not do this.',
    codes: ['ERR_API_FORBIDDEN', 'ERR_API_PEER_UNKNOWN', 'ERR_CLI_SOCKET_PERMISSION', 'ERR_HAL_PERMISSION'],
  },
  {
    exit: EXIT.cancelled,
    meaning: 'Cancelled or not done in time; nothing was changed, or it was put back.',
    codes: [
      'ERR_API_CEREMONY_CANCELLED',
      'ERR_API_TIMEOUT',
      'ERR_CLI_INTERRUPTED',
      'ERR_OPERATOR_ABORTED',
      'ERR_HAL_TIMEOUT',
      'ERR_CTAP_TIMEOUT',
      'ERR_CTAP_TOUCH_TIMEOUT',
      'ERR_CTAP_CANCELLED',
    ],
  },
  {
    exit: EXIT.lockedOut,
    meaning: 'Too many wrong tries: wait, or use the recovery sheet.',
    codes: [
      'ERR_PIN_SOFT_LIMIT',
      'ERR_TPM_LOCKED_OUT',
      'ERR_CTAP_PIN_BLOCKED',
      'ERR_CTAP_PIN_AUTH_BLOCKED',
      'ERR_CTAP_UV_BLOCKED',
    ],
  },
  {
    exit: EXIT.recoveryNeeded,
    meaning: 'Only `unlockctl recover` helps.',
    codes: ['ERR_EPOCH_*', 'ERR_TPM_OTHER_DEVICE', 'ERR_STATE_CORRUPT', 'ERR_CONTAINER_FACTOR_MISSING'],
  },
  {
    exit: EXIT.notReady,
    meaning: 'Something has to be done first: set up, enrol, unlock, get a signature, or install what a lane needs.',
    codes: [
      'ERR_LANE_MISSING',
      'ERR_SETUP_NEEDED',
      'ERR_CONTAINER_MISSING',
      'ERR_CONTAINER_LOCKED',
      'ERR_CONTAINER_PENDING_SIGNATURE',
      'ERR_POLICY_SIGNER_UNREACHABLE',
    ],
  },
  {
    exit: EXIT.hardware,
    meaning: 'A device is missing or does not answer as it should.',
    codes: ['ERR_HAL_*', 'ERR_TPM_*', 'ERR_CTAP_*', 'ERR_LANE_HARDWARE', 'ERR_OPERATOR_UNREACHABLE'],
  },
  {
    exit: EXIT.untrusted,
    meaning: 'The socket is served by somebody who is not trusted to be the daemon; nothing was sent.',
    codes: ['ERR_CLI_DAEMON_UNTRUSTED'],
  },
  {
    exit: EXIT.busy,
    meaning: 'Too many connections or ceremonies are open: try again later.',
    codes: ['ERR_API_TOO_MANY_CONNECTIONS', 'ERR_API_TOO_MANY_CEREMONIES'],
  },
  {
    exit: EXIT.failure,
    meaning:
      'Any other failure; `doctor` found a problem, `policy lint` an error, `report verify` a fault, `policy diff` or `report diff --exit-code` a difference.',
    codes: ['ERR_*'],
  },
];

const matches = (pattern: string, code: string): boolean =>
  pattern.endsWith('*') ? code.startsWith(pattern.slice(0, -1)) : code === pattern;

/** The exit code for an error code, also for one that this version does not know. */
export const exitCodeOf = (code: string): ExitCode =>
  EXIT_ROWS.find((row) => row.codes.some((pattern) => matches(pattern, code)))?.exit ?? EXIT.failure;

/** The reference page docs/reference/exit-codes.md. */
export function exitCodesPage(): string {
  const rows = [...EXIT_ROWS]
    .sort((a, b) => a.exit - b.exit)
    .map(({ exit, meaning, codes }) => `| ${exit} | ${meaning} | ${codes.map((code) => `\`${code}\``).join(', ')} |`);
  return [
    '# Exit codes of `unlockctl`',
    '',
    'Generated from `agent/cli/exit-codes.ts`; do not edit. Where two rows fit, the one that names the code exactly wins.',
    'With `unlock -- CMD` the exit code is that of CMD once it was started (128 + the signal when one ended it); 126 and 127 say that it',
    'could not be executed or was not found, as in a shell. A signal that comes while a file, a pipe or standard input is read ends the',
    'program by that signal.',
    '',
    '| code | meaning | errors |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
