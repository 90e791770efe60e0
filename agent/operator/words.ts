/** What a person is asked to do, and which of it a person cannot do. */
import type { PhysicalStep } from '../../drivers/hal/operator.ts';
import type { KeyNames } from './key-names.ts';
import type { Doing } from './task.ts';

const PHONE: Readonly<Record<Exclude<(PhysicalStep & { do: 'phone' })['is'], 'impostor'>, (phone: string) => string>> =
  {
    near: (phone) => `Lay the phone ${phone} beside this machine, switched on and with Bluetooth on`,
    away: (phone) => `Take the phone ${phone} out of reach, or put it into a metal box`,
    off: (phone) => `Switch the phone ${phone} off`,
  };

const FINGER = {
  own: 'Put the finger that the reader knows on it',
  other: 'Put a finger on the reader that it does not know',
} as const;

/** One sentence in the imperative. */
export function taskText(doing: Doing, keys: Pick<KeyNames, 'words' | 'device'>): string {
  switch (doing.do) {
    case 'touch':
      return 'Touch the security key that blinks';
    case 'insert': {
      const known = keys.device(doing.key) !== null;
      return known ? `Plug in ${keys.words(doing.key)}` : `Plug in the security key that is ${doing.key} from now on`;
    }
    case 'remove':
      return `Pull out ${keys.words(doing.key)}`;
    case 'remove-all':
      return 'Pull out all security keys';
    case 'finger':
      return FINGER[doing.finger];
    case 'phone':
      return doing.is === 'impostor'
        ? `Take the phone ${doing.phone} away, and let another device answer at its address`
        : PHONE[doing.is](doing.phone);
    case 'access-point':
      return `Switch the access point of ${doing.network} ${doing.is}`;
    case 'join':
      return doing.network === null ? 'Leave the Wi-Fi' : `Join the Wi-Fi ${doing.network}`;
    case 'cable':
      return doing.network === null
        ? 'Pull the network cable out'
        : `Plug in the network cable of ${doing.network}, and no other one`;
    case 'renumber': {
      const { address, gateway, dhcpServer, dnsServers } = doing.to;
      const dns = dnsServers.length === 0 ? 'no DNS server' : `DNS ${dnsServers.join(', ')}`;
      return `Let ${doing.network} hand out ${address}, gateway ${gateway}, DHCP ${dhcpServer}, ${dns}, and renew the lease`;
    }
    case 'keyboard':
      return doing.is === 'idle' ? 'Leave keyboard and mouse alone' : 'Use keyboard or mouse from now on';
    case 'suspend':
      return 'Let this machine sleep, and wake it again';
    case 'replace-tpm':
      return 'Put another TPM into this machine';
  }
}

/** What a person with two hands cannot do; null: can. A machine may be able to. */
export function notByHand(doing: PhysicalStep): string | null {
  if (doing.do === 'replace-tpm') return 'the TPM of a machine is not replaced in a run';
  if (doing.do === 'phone' && doing.is === 'impostor') {
    return 'a device that answers at the address of a phone takes a radio of its own, which a person has not';
  }
  return null;
}
