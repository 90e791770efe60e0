/**
 * Who may what: the whole table, as data and as one pure function. The kernel says who asks (SO_PEERCRED), the service
 * asks this function, and docs/reference/permissions.md is generated from it. Root administers the machine, but is
 * nobody's proxy: it neither spends another user's PIN tries nor reads his status.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Peer } from './ports.ts';

export type Allowed = 'root' | 'everyone' | 'nobody';

interface Rule {
  /** What the action does, for the table in the documentation. */
  readonly what: string;
  /** Who may do it to the machine, or to the own container. */
  readonly own: Allowed;
  /** Who may do it to the container of another uid; null: the action has no target. */
  readonly other: Allowed | null;
}

export const PERMISSIONS = {
  setup: { what: 'set this machine up', own: 'root', other: null },
  'lockout-reset': { what: 'reset the lockout of the TPM with the owner’s sheet', own: 'root', other: null },
  enrol: { what: 'create a container', own: 'everyone', other: 'nobody' },
  unlock: { what: 'unlock a container, which spends PIN tries', own: 'everyone', other: 'nobody' },
  'earlier-key': {
    what: 'take a purpose key of a container that a recovery replaced, which spends PIN tries',
    own: 'everyone',
    other: 'nobody',
  },
  lock: { what: 'forget the keys of a container', own: 'everyone', other: 'nobody' },
  'purpose-key': { what: 'take a purpose key of an unlocked container', own: 'everyone', other: 'nobody' },
  'pin-change': { what: 'change a PIN, which spends PIN tries', own: 'everyone', other: 'nobody' },
  recover: { what: 'recover a container with its sheet', own: 'everyone', other: 'nobody' },
  unenrol: { what: 'remove a container', own: 'everyone', other: 'root' },
  status: { what: 'read the status of a container', own: 'everyone', other: 'nobody' },
  users: { what: 'list who is enrolled', own: 'root', other: null },
  configuration: { what: 'read the configuration that the daemon was started with', own: 'root', other: null },
  'policy-show': { what: 'read the unlock policy of this machine', own: 'everyone', other: null },
  'policy-facts': { what: 'list what every user has enrolled, for `policy risk`', own: 'root', other: null },
  'policy-explain': { what: 'hold the policy against what is around the machine', own: 'everyone', other: 'nobody' },
  signals: { what: 'see what the machine senses around it, of phones the own ones', own: 'everyone', other: 'nobody' },
  'key-add': { what: 'add a security key, which takes a whole unlock', own: 'everyone', other: 'nobody' },
  'key-revoke': { what: 'revoke a security key, which takes a whole unlock', own: 'everyone', other: 'nobody' },
  phones: { what: 'list the enrolled phones and those that could be', own: 'everyone', other: 'nobody' },
  'phone-add': { what: 'enrol a phone, which takes a whole unlock', own: 'everyone', other: 'nobody' },
  'phone-remove': { what: 'remove a phone', own: 'everyone', other: 'root' },
  'biometric-add': {
    what: 'let a finger or face count for a container, which takes a whole unlock',
    own: 'everyone',
    other: 'nobody',
  },
  'biometric-remove': {
    what: 'let a finger or face count no more, which takes a whole unlock',
    own: 'everyone',
    other: 'nobody',
  },
  'policy-set': { what: 'set the unlock policy of this machine', own: 'root', other: null },
  'policy-request': { what: 'write the signing request of a container', own: 'everyone', other: 'nobody' },
  'policy-apply': { what: 'apply what the signer sent back to a container', own: 'everyone', other: 'nobody' },
  events: { what: 'read the audit events about a user', own: 'everyone', other: 'root' },
} as const satisfies Record<string, Rule>;

export type Action = keyof typeof PERMISSIONS;
export const ACTIONS = Object.keys(PERMISSIONS) as readonly Action[];

const ROOT = 0;

/**
 * @param targetUid the uid whose container is meant; null: the caller's own, or the machine
 * @returns whether `peer` may do `action`; total, without any state
 */
export function mayCall(peer: Pick<Peer, 'uid'>, action: Action, targetUid: number | null = null): boolean {
  const rule: Rule = PERMISSIONS[action];
  const foreign = targetUid !== null && targetUid !== peer.uid;
  // An action without a target can not be aimed at somebody: whoever tries gets the answer of "nobody".
  const allowed = foreign ? (rule.other ?? 'nobody') : rule.own;
  if (allowed === 'everyone') return true;
  return allowed === 'root' && peer.uid === ROOT;
}

/**
 * As {@link mayCall}, for those who go on only when it is allowed.
 * @throws {ERR_API_FORBIDDEN}
 */
export function requirePermission(peer: Pick<Peer, 'uid'>, action: Action, targetUid: number | null = null): void {
  if (mayCall(peer, action, targetUid)) return;
  throw new UnlockdError('ERR_API_FORBIDDEN', `uid ${peer.uid} may not ${PERMISSIONS[action].what}`, {
    detail: { action, uid: peer.uid, targetUid },
  });
}

const WORDS: Readonly<Record<Allowed, string>> = { root: 'root only', everyone: 'yes', nobody: 'no' };

/** The reference page docs/reference/permissions.md. */
export function permissionsPage(): string {
  const rows = ACTIONS.map((action) => {
    const rule: Rule = PERMISSIONS[action];
    const other = rule.other === null ? '–' : WORDS[rule.other];
    return `| \`${action}\` | ${rule.what} | ${WORDS[rule.own]} | ${other} |`;
  });
  return [
    '# Who may what',
    '',
    'Generated from `agent/api/permissions.ts`; do not edit. The caller is who the kernel says it is (`SO_PEERCRED`, read',
    'once when the connection is made), never who the message says. A refusal is `ERR_API_FORBIDDEN`. "Own" is the',
    'container of the uid that asks, or the machine where an action has no container. The socket itself may be opened by',
    'everybody (mode 0666): this table is what protects.',
    '',
    '| action | what it does | own, or the machine | of another uid |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Root is not a proxy for a user: it cannot unlock, change, recover, or look at the status of another container. A',
    'ceremony belongs to the uid that began it; for every other uid, root included, it does not exist.',
    '',
  ].join('\n');
}
