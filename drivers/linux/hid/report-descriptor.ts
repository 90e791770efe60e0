/**
 * HID report descriptors (Device Class Definition for HID 1.11 §6.2.2): the usage of the first top-level collection and
 * the sizes of its reports. A descriptor comes from the device, so every item is checked against what is left.
 */
export interface ReportDescriptor {
  readonly usagePage: number;
  readonly usage: number;
  /** Bytes of the largest report, without report id; 0: there is none. */
  readonly input: number;
  readonly output: number;
  /** The device numbers its reports (a CTAPHID device must not). */
  readonly numbered: boolean;
}

/** The kernel's limit (HID_MAX_DESCRIPTOR_SIZE). */
export const MAX_DESCRIPTOR_LENGTH = 4096;
/** A report longer than this is no CTAPHID report; bounds what a hostile descriptor can make us allocate. */
const MAX_REPORT_BYTES = 4096;

const TAG = {
  input: 0x80,
  output: 0x90,
  collection: 0xa0,
  usagePage: 0x04,
  reportSize: 0x74,
  reportId: 0x84,
  reportCount: 0x94,
  push: 0xa4,
  pop: 0xb4,
  usage: 0x08,
} as const;
const LONG_ITEM = 0xfe;
const MAX_PUSHED = 16;

interface Globals {
  usagePage: number;
  reportSize: number;
  reportCount: number;
}

function unsigned(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

/** @returns null where the bytes are not a report descriptor with a top-level collection */
export function parseReportDescriptor(bytes: Uint8Array): ReportDescriptor | null {
  if (bytes.length > MAX_DESCRIPTOR_LENGTH) return null;
  let globals: Globals = { usagePage: 0, reportSize: 0, reportCount: 0 };
  const pushed: Globals[] = [];
  let usage: number | null = null;
  let top: { readonly usagePage: number; readonly usage: number } | null = null;
  const bits = { input: 0, output: 0 };
  let numbered = false;
  for (let at = 0; at < bytes.length; ) {
    const prefix = bytes[at] ?? 0;
    if (prefix === LONG_ITEM) {
      at += 3 + (bytes[at + 1] ?? 0);
      continue;
    }
    const size = (prefix & 3) === 3 ? 4 : prefix & 3;
    if (at + 1 + size > bytes.length) return null;
    const value = unsigned(bytes, at + 1, size);
    at += 1 + size;
    switch (prefix & 0xfc) {
      case TAG.usagePage:
        globals.usagePage = value;
        break;
      case TAG.usage:
        usage ??= value;
        break;
      case TAG.reportSize:
        globals.reportSize = value;
        break;
      case TAG.reportCount:
        globals.reportCount = value;
        break;
      case TAG.reportId:
        numbered = true;
        break;
      case TAG.push:
        if (pushed.length >= MAX_PUSHED) return null;
        pushed.push({ ...globals });
        break;
      case TAG.pop:
        globals = pushed.pop() ?? globals;
        break;
      case TAG.collection:
        // A usage of four bytes carries its page in the upper half (§6.2.2.8).
        if (top === null && usage !== null) {
          top =
            usage > 0xffff
              ? { usagePage: usage >>> 16, usage: usage & 0xffff }
              : { usagePage: globals.usagePage, usage };
        }
        usage = null;
        break;
      case TAG.input:
        bits.input += globals.reportSize * globals.reportCount;
        usage = null;
        break;
      case TAG.output:
        bits.output += globals.reportSize * globals.reportCount;
        usage = null;
        break;
      default:
    }
  }
  if (top === null) return null;
  const [input, output] = [Math.ceil(bits.input / 8), Math.ceil(bits.output / 8)];
  if (input > MAX_REPORT_BYTES || output > MAX_REPORT_BYTES) return null;
  return { ...top, input, output, numbered };
}
