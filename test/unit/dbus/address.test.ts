import { describe, expect, it } from 'vitest';
import { busSocket } from '../../../drivers/linux/dbus/address.ts';

describe('the address of a bus', () => {
  it.each([
    ['unix:path=/run/dbus/system_bus_socket', '/run/dbus/system_bus_socket'],
    ['unix:path=/run/a%20b,guid=0123', '/run/a b'],
    ['unix:abstract=/tmp/dbus-x', '\0/tmp/dbus-x'],
    ['tcp:host=localhost,port=4;unix:path=/run/bus', '/run/bus'],
  ])('%s is the socket %j', (address, socket) => {
    expect(busSocket(address)).toBe(socket);
  });

  it.each([
    '',
    'unix:',
    'unix:path=relative',
    'unix:path=/a b',
    'unix:path=/a%00b',
    'unix:path=/a%ff',
    'unix:abstract=',
    'unix:dir=/tmp',
    'tcp:host=localhost,port=4',
    'unixexec:path=/bin/true',
    'launchd:env=X',
  ])('%j is refused', (address) => {
    expect(() => busSocket(address)).toThrow(expect.objectContaining({ code: 'ERR_HAL_BUS_ADDRESS' }));
  });
});
