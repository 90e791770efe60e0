/**
 * Which HID devices are security keys (CTAP 2.1 §11.2.8.1: usage page 0xF1D0, usage 1), out of everything node-hid
 * lists. Where hidapi does not say the usage, the report descriptor does.
 */
import { toHex, utf8 } from '../../base/bytes.ts';
import type { HidDeviceInfo } from '../../hal/hid.ts';
import { readReportDescriptor } from './hidraw-sysfs.ts';
import type { NodeHidDevice } from './node-hid.ts';

export const FIDO_USAGE_PAGE = 0xf1d0;
export const FIDO_USAGE = 0x01;

/** Texts come from the device: bounded, and free of what would act on a terminal. */
function text(value: string | undefined): string | null {
  const clean = [...(value ?? '')]
    .filter((c) => !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(c))
    .join('')
    .trim()
    .slice(0, 128);
  return clean === '' ? null : clean;
}

/** @param sysClassHidraw where the kernel's hidraw class stands */
export async function fidoDevices(
  devices: readonly NodeHidDevice[],
  sysClassHidraw?: string,
): Promise<readonly HidDeviceInfo[]> {
  const found = new Map<string, HidDeviceInfo>();
  for (const device of devices) {
    const { path } = device;
    if (path === undefined || found.has(path)) continue;
    let usagePage = device.usagePage ?? 0;
    let usage = device.usage ?? 0;
    if (usagePage === 0) {
      const descriptor = await readReportDescriptor(path, sysClassHidraw);
      usagePage = descriptor?.usagePage ?? 0;
      usage = descriptor?.usage ?? 0;
    }
    if (usagePage !== FIDO_USAGE_PAGE || usage !== FIDO_USAGE) continue;
    found.set(path, {
      path,
      vendorId: device.vendorId,
      productId: device.productId,
      manufacturer: text(device.manufacturer),
      product: text(device.product),
      serial: text(device.serialNumber),
      usagePage,
      usage,
    });
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Equal for a device that stayed where it was; another one at the same path differs unless it is its twin. */
export const fingerprint = (device: HidDeviceInfo): string =>
  [device.path, device.vendorId, device.productId, toHex(utf8(device.serial ?? ''))].join('|');
