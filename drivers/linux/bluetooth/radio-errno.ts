/**
 * What an error number of a Bluetooth socket says of the device that was asked. The kernel makes it from the HCI error
 * of the link (bt_to_errno in net/bluetooth/lib.c): authentication failure 0x05 is EACCES, a missing key 0x06 EBADE, a
 * page timeout 0x04 EHOSTDOWN, a lost link 0x08 ETIMEDOUT.
 */
import type { ProbeFailure } from '../../hal/bluetooth.ts';

/** Where it happened: while the socket was made, or while the link was. */
export type Stage = 'socket' | 'link';

const ON_SOCKET: Readonly<Record<string, ProbeFailure>> = {
  EAFNOSUPPORT: 'unsupported',
  EPROTONOSUPPORT: 'unsupported',
  ESOCKTNOSUPPORT: 'unsupported',
  EPERM: 'no-permission',
  EACCES: 'no-permission',
  ENODEV: 'radio-off',
  ENETDOWN: 'radio-off',
  EADDRNOTAVAIL: 'radio-off',
  EHOSTUNREACH: 'radio-off',
  ERFKILL: 'radio-off',
};

const ON_LINK: Readonly<Record<string, ProbeFailure>> = {
  EACCES: 'refused',
  EBADE: 'refused',
  ECONNREFUSED: 'refused',
  EHOSTDOWN: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ENOTCONN: 'unreachable',
  // HCIGETCONNINFO knows no such link any more.
  ENOENT: 'unreachable',
  ECONNRESET: 'unreachable',
  ECONNABORTED: 'unreachable',
  EPERM: 'no-permission',
  ENODEV: 'radio-off',
  ENETDOWN: 'radio-off',
  // No adapter with that address is up: hci_get_route found none.
  EHOSTUNREACH: 'radio-off',
  ERFKILL: 'radio-off',
};

/** @param errno symbolic (`EACCES`); an unknown one is `failed`, never something better */
export function failureOfErrno(errno: string, stage: Stage): ProbeFailure {
  const table = stage === 'socket' ? ON_SOCKET : ON_LINK;
  return Object.hasOwn(table, errno) ? (table[errno] ?? 'failed') : 'failed';
}
