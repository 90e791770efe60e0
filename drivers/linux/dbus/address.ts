/**
 * D-Bus server addresses (D-Bus specification, "Server Addresses"), of which only UNIX sockets are taken: a bus over a
 * network would tell nothing about who speaks.
 */
import { UnlockdError } from '../../base/errors.ts';

export const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';

/** Undoes the %-escapes of a value; null: not well-formed. */
function unescaped(value: string): string | null {
  if (!/^(?:[-0-9A-Za-z_/.\\*]|%[0-9A-Fa-f]{2})*$/.test(value)) return null;
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}

/** @returns the path for `connect`, with a leading NUL for the abstract namespace; null: no address that is taken */
function socketOf(address: string): string | null {
  const [transport, rest = ''] = address.split(/:(.*)/s);
  if (transport !== 'unix') return null;
  const values = new Map<string, string>();
  for (const pair of rest.split(',')) {
    const [key = '', raw = ''] = pair.split(/=(.*)/s);
    const value = unescaped(raw);
    if (value === null || value.includes('\0')) return null;
    values.set(key, value);
  }
  const path = values.get('path');
  if (path !== undefined) return path.startsWith('/') ? path : null;
  const abstract = values.get('abstract');
  return abstract === undefined || abstract === '' ? null : `\0${abstract}`;
}

/**
 * The socket of the first address of the list that is one.
 * @param addresses as in DBUS_SYSTEM_BUS_ADDRESS: addresses, separated by `;`
 * @throws {ERR_HAL_BUS_ADDRESS}
 */
export function busSocket(addresses: string): string {
  for (const address of addresses.split(';')) {
    const socket = socketOf(address);
    if (socket !== null) return socket;
  }
  throw new UnlockdError('ERR_HAL_BUS_ADDRESS', 'the address of the bus is not one of a UNIX socket');
}
