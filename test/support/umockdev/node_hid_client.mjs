/**
 * The unmodified node-hid (HIDAsync) as a foreign program: finds the FIDO device, sends CTAPHID_INIT and prints what it
 * saw as one JSON line; with `watch`, then goes on printing what changes until its standard input ends.
 */
import { createInterface } from 'node:readline';
import HID from 'node-hid';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const fido = async () => (await HID.devicesAsync()).filter((it) => it.usagePage === 0xf1d0 && it.usage === 1);

const [device] = await fido();
if (!device) {
  say({ path: null });
  process.exit(1);
}
const handle = await HID.HIDAsync.open(device.path);
handle.on('error', (error) => say({ event: 'error', text: String(error) }));
// node-hid reads, and so notices an unplug, only as long as somebody listens for data.
const answer = new Promise((resolve) => handle.on('data', resolve));
const nonce = [1, 2, 3, 4, 5, 6, 7, 8];
await handle.write([0, 0xff, 0xff, 0xff, 0xff, 0x86, 0, 8, ...nonce, ...new Array(49).fill(0)]);
const report = await answer;
say({
  path: device.path,
  vendorId: device.vendorId,
  productId: device.productId,
  product: device.product,
  serial: device.serialNumber,
  answered: report.subarray(0, 15).toString('hex'),
  length: report.length,
});
if (process.argv[2] === 'watch') {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'list') say({ event: 'list', paths: (await fido()).map((it) => it.path) });
    else break;
  }
}
await handle.close();
process.exit(0);
