/**
 * Writes the archive format that the Linux kernel unpacks as its first root file system: cpio "newc", as
 * Documentation/driver-api/early-userspace/buffer-format.rst of the kernel describes it. Only folders and files.
 */

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** Permission bits, 0o755. */
  readonly mode: number;
  /** null: a folder. */
  readonly content: Uint8Array | null;
}

const MAGIC = '070701';
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** The archive, uncompressed; folders have to stand before what is in them. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const end: CpioEntry = { path: 'TRAILER!!!', mode: 0, content: new Uint8Array() };
  for (const [index, entry] of [...entries, end].entries()) {
    const { path, content } = entry;
    const type = content === null ? S_IFDIR : S_IFREG;
    const size = content?.length ?? 0;
    const name = Buffer.from(`${path}\0`, 'utf8');
    // Inode, mode, uid, gid, links, time, size, device (4 numbers), length of the name, checksum.
    const fields = [index + 1, entry === end ? 0 : type | entry.mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length, 0];
    const header = MAGIC + fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    parts.push(padded(Buffer.concat([Buffer.from(header, 'ascii'), name])), padded(Buffer.from(content ?? [])));
  }
  return Buffer.concat(parts);
}

/** To a multiple of four bytes. */
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
