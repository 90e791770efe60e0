/**
 * What the kernel tells about a hidraw node beside the node itself: its report descriptor, in
 * `/sys/class/hidraw/<name>/device/report_descriptor`. hidapi does not hand it out.
 */
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MAX_DESCRIPTOR_LENGTH, parseReportDescriptor, type ReportDescriptor } from './report-descriptor.ts';

const HIDRAW_NAME = /^hidraw\d+$/;

export const SYS_CLASS_HIDRAW = '/sys/class/hidraw';

/**
 * @param path the node, e.g. `/dev/hidraw0`
 * @returns null where there is none, or it cannot be read or understood
 */
export async function readReportDescriptor(
  path: string,
  sysClassHidraw: string = SYS_CLASS_HIDRAW,
): Promise<ReportDescriptor | null> {
  const name = basename(path);
  if (!HIDRAW_NAME.test(name)) return null;
  try {
    await using file = await open(join(sysClassHidraw, name, 'device', 'report_descriptor'), 'r');
    const buffer = new Uint8Array(MAX_DESCRIPTOR_LENGTH + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length === buffer.length) return null;
    }
    return parseReportDescriptor(buffer.subarray(0, length));
  } catch {
    return null;
  }
}
