/**
 * Whether this machine could run the Bluetooth guest. The guest itself takes a minute and is `npm run test:radio`; what
 * decides whether a run of it counts is tested in test/unit/project/guest-verdict.test.ts.
 */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { missingForBuild } from '../../lab/guest-image/make-image.ts';

const PROGRAM = 'qemu-system-x86_64';
const NEEDED = ['isa-debug-exit', 'virtio-blk-pci', 'virtio-rng-pci', 'virtio-9p-pci'];
const { error, stdout } = spawnSync(PROGRAM, ['-device', 'help'], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });

if (error !== undefined) {
  const how = 'apt-get install qemu-system-x86, then npm run test:radio';
  it.skip(`the Bluetooth probe on real controllers in a guest (skipped: ${PROGRAM} is missing; ${how})`, () =>
    undefined);
} else {
  const cold = missingForBuild();
  const image = cold === null ? 'an image can be made' : `only with a cached image: ${cold}`;
  it(`this QEMU has what the Bluetooth guest needs (run it with npm run test:radio; ${image})`, () => {
    for (const device of NEEDED) expect(stdout).toContain(`name "${device}"`);
  });
}
