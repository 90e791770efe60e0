/** A HID host that shows one device only, for machines or commands that name the key to use. */
import type { HidDeviceInfo, HidEvent, HidHal } from '../hal/hid.ts';

export function onlyDevice(hid: HidHal, path: string): HidHal {
  const wanted = (device: HidDeviceInfo): boolean => device.path === path;
  return {
    list: async (options) => (await hid.list(options)).filter(wanted),
    open: (device, options) => hid.open(device, options),
    released: async () => hid.released?.(),
    watch: async function* (options): AsyncIterable<HidEvent> {
      for await (const event of hid.watch(options)) if (wanted(event.device)) yield event;
    },
  };
}
