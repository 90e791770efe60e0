/** What the unmodified node-hid sees of security keys, one line each: path, usage page, ids, product. */
import nodeHid from 'node-hid';

for (const device of await nodeHid.devicesAsync()) {
  if (device.usagePage !== 0xf1d0) continue;
  const id = (value: number) => value.toString(16).padStart(4, '0');
  const page = device.usagePage.toString(16).toUpperCase();
  process.stdout.write(`${device.path} 0x${page} ${id(device.vendorId)}:${id(device.productId)} ${device.product}\n`);
}
process.exit(0);
