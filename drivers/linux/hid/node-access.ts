/**
 * Why a security key that is there may not be opened: what the node's owner, group and mode say, and whether udev gave it
 * to anybody (systemd's 70-uaccess.rules and 73-seat-late.rules; its database in /run/udev/data). Windows keeps FIDO
 * devices from everybody but administrators (since 10 1903).
 */
import { readFile, stat } from 'node:fs/promises';

export interface NodeAccess {
  /** User and group ids. */
  readonly owner: number;
  readonly group: number;
  /** The group in /etc/group; null: it has no name there. */
  readonly groupName: string | null;
  /** Permission bits, without those of an access control list. */
  readonly mode: number;
  /** udev's tags of the device; null: its database has no entry that can be read. */
  readonly tags: readonly string[] | null;
}

/** Who was refused. */
export interface Caller {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  /** Supplementary ones too. */
  readonly groups: readonly number[];
}

const READ_AND_WRITE = 0o6;
const MODE_BITS = 0o777;

/** The device number as in makedev(3). */
function deviceNumber(rdev: number): string {
  const whole = BigInt(rdev);
  const major = ((whole >> 8n) & 0xfffn) | ((whole >> 32n) & 0xfffff000n);
  const minor = (whole & 0xffn) | ((whole >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

const textOf = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);

/**
 * @param places where udev's database and the groups stand
 * @returns null: there is no such node, or it cannot be looked at
 */
export async function readNodeAccess(
  path: string,
  places: { readonly udevData: string; readonly groups: string } = {
    udevData: '/run/udev/data',
    groups: '/etc/group',
  },
): Promise<NodeAccess | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  const entry = await textOf(`${places.udevData}/c${deviceNumber(found.rdev)}`);
  const lines = (await textOf(places.groups))?.split('\n') ?? [];
  const named = lines.map((line) => line.split(':')).find(([, , gid]) => gid === String(found.gid));
  return {
    owner: found.uid,
    group: found.gid,
    groupName: named?.[0] ?? null,
    mode: found.mode & MODE_BITS,
    // `Q:` are the tags of now, `G:` those of ever (systemd 247); older ones know only the second.
    tags: entry === null ? null : [...new Set([...entry.matchAll(/^[QG]:(.+)$/gm)].map(([, tag = '']) => tag))],
  };
}

/** One message that says what is missing. @param access null: not known */
export function unopenableWords(path: string, access: NodeAccess | null, caller: Caller): string {
  if (caller.platform === 'win32') {
    return `${path}: Windows lets only administrators use a FIDO2 key directly; start this as administrator`;
  }
  const head = `${path} may not be opened by uid ${caller.uid}`;
  if (access === null) return `${head}: permission denied`;
  const group = access.groupName ?? `gid ${access.group}`;
  const node = `the node belongs to uid ${access.owner} and group ${group}, mode ${access.mode.toString(8).padStart(4, '0')}`;
  const groupBits = (access.mode >> 3) & READ_AND_WRITE;
  const ownerBits = (access.mode >> 6) & READ_AND_WRITE;
  const isOwner = caller.uid === access.owner && ownerBits === READ_AND_WRITE;
  const isMember = caller.groups.includes(access.group) && groupBits === READ_AND_WRITE;
  if (isOwner || isMember || caller.uid === 0) {
    return `${head}, although ${node}: something else forbids it. For a service it is DeviceAllow=char-hidraw rw that is missing, for a container its list of devices`;
  }
  if (access.tags?.includes('uaccess') === true) {
    const member = groupBits === READ_AND_WRITE ? `, or be in the group ${group}` : '';
    return `${head}: udev gives it only to who sits at this machine (uaccess), which this user does not now, or not over ssh; ${node}. Log in at the seat, use sudo${member}`;
  }
  if (groupBits === READ_AND_WRITE && access.group !== 0) {
    return `${head}: ${node}, and this user is not in that group`;
  }
  return `${head}: no udev rule gives it to anybody; ${node}. Put 70-unlockd.rules into /etc/udev/rules.d, then unplug the key and plug it in again`;
}
