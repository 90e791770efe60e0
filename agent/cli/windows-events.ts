/**
 * Our audit events under the ids that Windows gives its own (channel Microsoft-Windows-HelloForBusiness/Operational, task
 * Device Unlock), with their fields, for consoles that know those. An event that Windows has none for has no alias; what
 * our event does not tell is null, never a guess.
 */
import type { AuditEvent } from '../api/ports.ts';
import { PROVIDER_GUIDS } from '../policy/forms/windows/providers.ts';

export type WindowsEventId = 3520 | 5520 | 6520 | 7520 | 8520;

export interface WindowsEvent {
  readonly id: WindowsEventId;
  readonly level: 'information' | 'warning' | 'error' | 'success';
  readonly fields: Readonly<Record<string, string | number | null>>;
}

/** HRESULTs of what kept a credential from being authenticated; E_FAIL where there is no better one. */
const RESULTS: readonly (readonly [pattern: RegExp, hresult: number])[] = [
  [/^ERR_(API_CEREMONY_CANCELLED|CTAP_CANCELLED|CLI_INTERRUPTED)$/, 0x80004004],
  [/TIMEOUT/, 0x800705b4],
  [/^ERR_(POLICY_DENIED|PIN_|KEY_WRONG|TPM_AUTH_FAILED|TPM_LOCKED_OUT|CTAP_)/, 0x80070005],
];
const E_FAIL = 0x80004005;

/** Nothing on this machine says what an unlock asks for. */
const NO_POLICY = ['ERR_SETUP_NEEDED', 'ERR_CONTAINER_MISSING', 'ERR_CONTAINER_PENDING_SIGNATURE'];
/** What was presented is in no pair of the policy. */
const UNLISTED = ['ERR_POLICY_NO_BRANCH'];

const textOf = (detail: AuditEvent['detail'], key: string): string | null => {
  const value = detail[key];
  return typeof value === 'string' ? value : null;
};

/** Milliseconds, as a whole number of 32 bits. */
function processingTime({ detail }: AuditEvent): number | null {
  const value = detail.ms;
  return typeof value === 'number' && value >= 0 && value <= 0xffff_ffff ? Math.round(value) : null;
}

const GUIDS: Readonly<Record<string, string>> = {
  ...PROVIDER_GUIDS,
  phone: PROVIDER_GUIDS['trusted-signal'],
  network: PROVIDER_GUIDS['trusted-signal'],
  trustedSignal: PROVIDER_GUIDS['trusted-signal'],
};

/** Names of factors, separated by spaces, as the GUIDs of their providers; one that Windows has none for by its name. */
const providersOf = (factors: string | null): string | null =>
  factors === null
    ? null
    : [...new Set(factors.split(' ').map((name) => (Object.hasOwn(GUIDS, name) ? (GUIDS[name] ?? name) : name)))].join(
        ',',
      );

function refused(event: AuditEvent, code: string): WindowsEvent {
  if (NO_POLICY.includes(code)) return { id: 5520, level: 'information', fields: {} };
  if (UNLISTED.includes(code)) return { id: 6520, level: 'warning', fields: {} };
  const result = RESULTS.find(([pattern]) => pattern.test(code))?.[1] ?? E_FAIL;
  return {
    id: 7520,
    level: 'error',
    fields: {
      ErrorText: code,
      Error: `0x${result.toString(16).toUpperCase()}`,
      CorrelationVector: `unlockd.${event.seq}`,
      ProcessingTime: processingTime(event),
    },
  };
}

/** @returns null: Windows has no such event */
export function windowsEventOf(event: AuditEvent): WindowsEvent | null {
  const { detail } = event;
  switch (event.event) {
    case 'unlock-begun':
      return {
        id: 3520,
        level: 'information',
        fields: {
          DeviceUnlockProvider: providersOf(textOf(detail, 'factor')),
          DeviceUnlockGroupA: providersOf(textOf(detail, 'first')),
          DeviceUnlockGroupB: providersOf(textOf(detail, 'second')),
        },
      };
    case 'unlocked':
      return { id: 8520, level: 'success', fields: { ProcessingTime: processingTime(event) } };
    case 'unlock-refused':
      return refused(event, textOf(detail, 'code') ?? '');
    case 'pin-wrong':
      return refused(event, 'ERR_PIN_WRONG');
    default:
      return null;
  }
}

/** `7520 error ErrorText=… Error=0x80070005`: one line, without the fields that nobody knows. */
export const windowsEventWords = ({ id, level, fields }: WindowsEvent): string =>
  [
    `${id} ${level}`,
    ...Object.entries(fields)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}=${value}`),
  ].join(' ');
