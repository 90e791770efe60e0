/** ERR_CONFIG_*, ERR_API_*, ERR_CLI_*, ERR_DAEMON_*: the programs around the unlock path. */
export const AGENT_CODES = {
  ERR_CONFIG_UNREADABLE: {
    cause: 'The configuration file cannot be read, or is no regular file of a sensible size.',
    cure: 'Check the path that the message names; it was chosen by `--config` or UNLOCKD_CONFIG.',
  },
  ERR_CONFIG_PERMISSION: {
    cause: 'Somebody else than root or this user could change the configuration file.',
    cure: 'Give the file to root and take write permission from others: `chown root:root FILE; chmod 644 FILE`.',
  },
  ERR_AUDIT_OPEN_FAILED: {
    cause: 'The audit log cannot be opened.',
    cure: 'Check owner, permissions and free space of the folder that the message names.',
  },
  ERR_AUDIT_WRITE_FAILED: {
    cause: 'An event could not be written to the audit log durably.',
    cure: 'Make room, or mount the disk writable. What could not be recorded was not done.',
  },
  ERR_AUDIT_READ_FAILED: {
    cause: 'The audit log cannot be read.',
    cure: 'Check owner and permissions of the folder that the message names.',
  },
  ERR_AUDIT_INVALID_EVENT: {
    cause: 'An event that the program tried to record is not well-formed.',
    cure: 'This is a defect of the program; report it with the log.',
  },
  ERR_AUDIT_CLOSED: {
    cause: 'The audit log was closed.',
    cure: 'Start the daemon again.',
  },
  ERR_CONFIG_INVALID: {
    cause: 'The configuration file is not valid.',
    cure: 'Correct the key that the message names; docs/reference/configuration.md lists every key with unit and default.',
  },
  ERR_API_INTERNAL: {
    cause: 'The daemon met a condition that it does not know.',
    cure: 'Repeat the command; if it happens again, report it with the log of the daemon, which has the details.',
  },
  ERR_API_NO_ROUTE: {
    cause: 'The daemon has no such route, or not for this method.',
    cure: 'Use the version of `unlockctl` that belongs to the daemon; docs/reference/openapi.json lists the routes.',
  },
  ERR_API_REQUEST_INVALID: {
    cause: 'The request is not well formed.',
    cure: 'Correct what the message names; docs/reference/openapi.json describes every request.',
  },
  ERR_API_BODY_TOO_LARGE: {
    cause: 'The body of the request is larger than its route accepts.',
    cure: 'Send less: `detail.limit` is the limit in bytes.',
  },
  ERR_API_HEADERS_TOO_LARGE: {
    cause: 'The headers of the request are larger than the daemon accepts.',
    cure: 'Send fewer or shorter headers; 8 KiB are accepted in all.',
  },
  ERR_API_TIMEOUT: {
    cause: 'The request was not complete, or its answer was not ready, in time.',
    cure: 'Repeat the command; if the daemon itself is slow, see its log.',
  },
  ERR_API_PEER_UNKNOWN: {
    cause: 'The kernel does not say which user is on the other end of the connection.',
    cure: 'Connect over the UNIX socket of the daemon, from a process whose user exists outside its user namespace.',
  },
  ERR_API_FORBIDDEN: {
    cause: 'The user who asks may not do this.',
    cure: 'Run the command as the user or as root; docs/reference/permissions.md says who may do what.',
  },
  ERR_API_TOO_MANY_CONNECTIONS: {
    cause: 'The user who asks has too many connections to the daemon open.',
    cure: 'Close some: look for programs of this user that keep `unlockctl events --follow` open.',
  },
  ERR_API_TOO_MANY_CEREMONIES: {
    cause: 'The user who asks has too many unlocks, enrolments or changes open.',
    cure: 'End or cancel one of them; an abandoned one ends by itself within seconds.',
  },
  ERR_API_NO_SUCH_CEREMONY: {
    cause: 'There is no such ceremony, it ended long ago, or another user began it.',
    cure: 'Begin again.',
  },
  ERR_API_CEREMONY_CANCELLED: {
    cause: 'The ceremony was cancelled, or whoever began it went away.',
    cure: 'Begin again; nothing was changed.',
  },
  ERR_API_SLOT_NOT_WANTED: {
    cause: 'A secret was sent that the ceremony does not wait for.',
    cure: 'Send it after the event `prompt` that names its slot.',
  },
  ERR_API_SLOT_EMPTY: {
    cause: 'There is no secret in this slot, or it was taken before.',
    cure: 'Take it once, after the event `secret` that names its slot; if it was lost, begin again.',
  },
  ERR_CLI_USAGE: {
    cause: 'The command line is not valid.',
    cure: 'See `unlockctl COMMAND --help`.',
  },
  ERR_CLI_DAEMON_UNTRUSTED: {
    cause: 'The socket is served by a process of a user who is not trusted to be the daemon; nothing was sent to it.',
    cure: 'Find out who serves the socket. If the daemon runs under a user of its own, name it with `--daemon-uid`.',
  },
  ERR_CLI_SOCKET_PERMISSION: {
    cause: 'The socket of the daemon is there, but this user may not open it.',
    cure: 'Check the permissions of the socket and of its directory, or run the command as root.',
  },
  ERR_CLI_CONNECTION_LOST: {
    cause: 'The daemon closed the connection before its answer was complete.',
    cure: 'See whether the daemon still runs (`unlockctl status`), and repeat the command.',
  },
  ERR_CLI_ANSWER_INVALID: {
    cause: 'The answer of the daemon is not one that this version of `unlockctl` understands.',
    cure: 'Use the version of `unlockctl` that belongs to the daemon.',
  },
  ERR_CLI_NO_SECRET_SOURCE: {
    cause: 'A PIN or recovery groups are needed, and there is neither a terminal to ask on nor a descriptor to read.',
    cure: 'Run the command on a terminal, or give the descriptor option that the message names.',
  },
  ERR_CLI_SECRET_INVALID: {
    cause: 'The line that was read is empty, too long, or not UTF-8 text.',
    cure: 'Give one line of at most 1024 bytes on the descriptor or terminal.',
  },
  ERR_CLI_PIN_MISMATCH: {
    cause: 'The new PIN was typed differently the second time.',
    cure: 'Begin again; nothing was changed.',
  },
  ERR_CLI_INTERRUPTED: {
    cause: 'The command was interrupted.',
    cure: 'Begin again; what was under way has been cancelled.',
  },
  ERR_CLI_FILE: {
    cause: 'A file that the command line names could not be read or written.',
    cure: 'Check the path and its permissions.',
  },
  ERR_CLI_NO_SUCH_USER: {
    cause: 'The user named on the command line does not exist on this machine.',
    cure: 'Give an existing user name or a numeric uid.',
  },
  ERR_CLI_SHEET_NOT_SHOWN: {
    cause: 'A recovery sheet has to be shown, and there is neither a terminal nor a descriptor for it.',
    cure: 'Run the command on a terminal, or give `--sheet-fd N`.',
  },
  ERR_CLI_COMMAND: {
    cause: 'The command that should get the key could not be started.',
    cure: 'Check that it exists and may be executed.',
  },
  ERR_CLI_INTERNAL: {
    cause: 'The command line met a condition that it does not know.',
    cure: 'This is a defect of the program; report it.',
  },
  ERR_WALKTHROUGH_INVALID: {
    cause: 'A walkthrough is not valid, or its steps cannot follow each other.',
    cure: 'Correct the element that the message names; `unlockctl walkthrough new` prints one that is valid.',
  },
  ERR_WALKTHROUGH_NOT_GIVEN: {
    cause: 'What a walkthrough takes as given did not come about: nobody could be enrolled, or a key was not.',
    cure: 'The message says why; correct `given`, or the step before.',
  },
  ERR_WALKTHROUGH_NOT_SHIPPED: {
    cause: 'The walkthroughs that belong to the product are not where it is installed.',
    cure: 'Install the whole package; files of your own work without them.',
  },
  ERR_LANE_UNKNOWN: {
    cause: 'There is no lane of this name on this installation.',
    cure: 'Name one of those that the message lists; `unlockctl walkthrough run --help` says what they are.',
  },
  ERR_LANE_MISSING: {
    cause: 'A lane lacks a program or a right that it needs.',
    cure: 'Install or do what the message says, exactly as it stands there; the mock lane needs the least.',
  },
  ERR_LANE_BROKEN: {
    cause: 'A part of the lane itself (a software TPM, a virtual key, the bridge to it) ended or did not answer.',
    cure: 'Run it again; the message has the last words of that part. What the walkthrough shows is not known from such a run.',
  },
  ERR_LANE_HARDWARE: {
    cause: 'This machine lacks hardware, or something around it, that a walkthrough needs.',
    cure: 'Connect what is listed, all of it; docs/guides/run-on-hardware.md has a list to go through before the first run.',
  },
  ERR_LANE_DESTRUCTIVE: {
    cause: 'A walkthrough would destroy or replace something on this machine.',
    cure: 'Run it on a machine of which nothing depends, with `--destructive`; what is not blank is confirmed by a typed word.',
  },
  ERR_LANE_NOT_RESTORED: {
    cause: 'A run could not put back all that it had changed on this machine.',
    cure: 'Do what stands behind each thing in the message.',
  },
  ERR_OPERATOR_INVALID: {
    cause: 'What was said about the operator of a walkthrough is not valid: who it is, or the file with its token.',
    cure: 'Correct what the message names; docs/guides/run-on-hardware.md describes both kinds of operators.',
  },
  ERR_OPERATOR_NO_TERMINAL: {
    cause: 'A person is to be asked for the physical steps, and this program has no terminal.',
    cure: 'Run it in a terminal, or name a machine that does the steps: `--operator http://127.0.0.1:PORT`.',
  },
  ERR_OPERATOR_SKIPPED: {
    cause: 'The operator skipped a physical step and said why.',
    cure: 'Run the walkthrough again where the step can be done; what comes after a skipped step proves little.',
  },
  ERR_OPERATOR_CANNOT: {
    cause: 'The operator cannot do a physical step, or says that it was done while nothing is seen of it.',
    cure: 'See the reason in the message: check cables and relays, and that the device is the one that is meant.',
  },
  ERR_OPERATOR_ABORTED: {
    cause: 'The operator ended the run.',
    cure: 'What the run had changed was put back as far as the report says; run it again when you are ready.',
  },
  ERR_OPERATOR_UNREACHABLE: {
    cause: 'The machine that does the physical steps does not answer.',
    cure: 'Check that it is switched on and that the URL is right; `curl` with the same URL has to get JSON.',
  },
  ERR_OPERATOR_ANSWER: {
    cause:
      'The machine that does the physical steps answered with something that is not of the protocol, or refused the token.',
    cure: 'Correct its program, or the token; docs/guides/run-on-hardware.md describes the protocol.',
  },
  ERR_RECORDING_INVALID: {
    cause:
      'A file is no recording of a run, was cut off, is of another walkthrough, or its seed is not the one beside it.',
    cure: 'Name the file that `walkthrough run --record` wrote, with its seed beside it and the same walkthrough; or record anew.',
  },
  ERR_REPLAY_DEVIATED: {
    cause: 'In a replay the program did something else than when it was recorded, or not all that it did then.',
    cure: 'If the change is meant, record anew; otherwise the message names the first command or report that differs.',
  },
  ERR_REPORT_INVALID: {
    cause: 'A file is no report of a walkthrough, or one of a version that this program does not know.',
    cure: 'Name the file that `unlockctl walkthrough run --report` wrote; a report that was cut off cannot be mended.',
  },
  ERR_DAEMON_NOT_RUNNING: {
    cause: 'Nobody listens on the socket of the daemon.',
    cure: 'Start it (`systemctl start unlockd`), or name another socket with `--socket`.',
  },
  ERR_DAEMON_ALREADY_RUNNING: {
    cause: 'Another daemon runs on the same folder.',
    cure: 'Stop it first, or give this one folders of its own; `detail.pid` is the process that holds the lock.',
  },
  ERR_DAEMON_SOCKET: {
    cause: 'The daemon could not create its socket.',
    cure: 'Check that its directory exists, belongs to the daemon, is not writable for others, and has a short path.',
  },
  ERR_DAEMON_STOP_TIMEOUT: {
    cause: 'The daemon did not finish its work in time when it was told to stop.',
    cure: 'Nothing needs to be done: an unfinished change is completed or undone at the next start. See the log.',
  },
} as const;
