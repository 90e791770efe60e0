/** Which optional packages are installed, for `doctor`: they are looked up, never loaded. */
import { createRequire } from 'node:module';
import type { PackageFact } from './doctor.ts';

const PACKAGES: readonly Omit<PackageFact, 'present'>[] = [
  {
    name: 'koffi',
    purpose: 'who is on the other end of the socket, process hardening, tpm2-tss',
    required: true,
    cure: 'Run `npm ci` without `--omit=optional`.',
  },
  { name: 'node-hid', purpose: 'security keys', required: true, cure: 'Run `npm ci`, and install libusb-1.0-0.' },
];

/** @returns one fact for each package */
export async function packageFacts(): Promise<readonly PackageFact[]> {
  const { resolve } = createRequire(import.meta.url);
  return PACKAGES.map((each) => {
    try {
      resolve(each.name);
      return { ...each, present: true };
    } catch {
      return { ...each, present: false };
    }
  });
}
