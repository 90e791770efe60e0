/** Our audit events as Windows names and numbers its own. */
import { describe, expect, it, test } from 'vitest';
import type { AuditEvent } from '../../../agent/api/ports.ts';
import { windowsEventOf, windowsEventWords } from '../../../agent/cli/windows-events.ts';
import { ERROR_CODES } from '../../../drivers/base/errors.ts';
import { apiOnSocket } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';

const event = (name: string, detail: AuditEvent['detail'] = {}): AuditEvent => ({
  seq: 12,
  at: '2026-01-02T03:04:05.000Z',
  event: name,
  uid: 1000,
  detail,
});
const refused = (code: string, more: AuditEvent['detail'] = {}) => event('unlock-refused', { code, ...more });
const error = (ErrorText: string, hresult: string, ProcessingTime: number | null = null) => ({
  ErrorText,
  Error: hresult,
  CorrelationVector: 'unlockd.12',
  ProcessingTime,
});

describe('an audit event has the id, level and fields of Windows', () => {
  it.each<[string, AuditEvent, unknown]>([
    [
      'when an unlock begins: the provider and both lists as GUIDs',
      event('unlock-begun', { factor: 'pin', first: 'pin face', second: 'trustedSignal phone securityKey' }),
      {
        id: 3520,
        level: 'information',
        fields: {
          DeviceUnlockProvider: '{D6886603-9D2F-4EB2-B667-1971041FA96B}',
          DeviceUnlockGroupA: '{D6886603-9D2F-4EB2-B667-1971041FA96B},{8AF662BF-65A0-4D0A-A540-A338A999D36F}',
          DeviceUnlockGroupB: '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD},securityKey',
        },
      },
    ],
    ['where there is no policy', refused('ERR_SETUP_NEEDED'), { id: 5520, level: 'information', fields: {} }],
    ['where there is no container', refused('ERR_CONTAINER_MISSING'), { id: 5520, level: 'information', fields: {} }],
    ['for what is in no list', refused('ERR_POLICY_NO_BRANCH'), { id: 6520, level: 'warning', fields: {} }],
    [
      'for a wrong PIN',
      event('pin-wrong', { triesLeft: 4 }),
      { id: 7520, level: 'error', fields: error('ERR_PIN_WRONG', '0x80070005') },
    ],
    [
      'for a policy that is not satisfied, with its time',
      refused('ERR_POLICY_DENIED', { ms: 812.4 }),
      { id: 7520, level: 'error', fields: error('ERR_POLICY_DENIED', '0x80070005', 812) },
    ],
    [
      'for what was cancelled',
      refused('ERR_API_CEREMONY_CANCELLED'),
      { id: 7520, level: 'error', fields: error('ERR_API_CEREMONY_CANCELLED', '0x80004004') },
    ],
    [
      'for what took too long',
      refused('ERR_CTAP_TOUCH_TIMEOUT'),
      { id: 7520, level: 'error', fields: error('ERR_CTAP_TOUCH_TIMEOUT', '0x800705B4') },
    ],
    [
      'for any other failure',
      refused('ERR_STATE_CORRUPT'),
      { id: 7520, level: 'error', fields: error('ERR_STATE_CORRUPT', '0x80004005') },
    ],
    [
      'when it is unlocked, with a time that is none left out',
      event('unlocked', { ms: -1 }),
      { id: 8520, level: 'success', fields: { ProcessingTime: null } },
    ],
  ])('%s', (_what, given, expected) => {
    expect(windowsEventOf(given)).toEqual(expected);
  });

  test('every code that an unlock may end with has one', () => {
    for (const code of Object.keys(ERROR_CODES)) expect(windowsEventOf(refused(code))).not.toBeNull();
  });

  test.each(['locked', 'policy-set', 'rule-failed', 'dynamic-lock', '__proto__'])('%s has none', (name) => {
    expect(windowsEventOf(event(name))).toBeNull();
  });

  test('in words it leaves out what nobody knows', () => {
    const windows = windowsEventOf(refused('ERR_PIN_WRONG'));
    expect(windows && windowsEventWords(windows)).toBe(
      '7520 error ErrorText=ERR_PIN_WRONG Error=0x80070005 CorrelationVector=unlockd.12',
    );
  });
});

test('`events --windows` lists them, and beside them which rule failed', async () => {
  const service = new FakeService();
  const api = await apiOnSocket(service);
  try {
    for (const name of ['policy-set', 'unlocked', 'rule-failed']) service.audited(name, 1000);
    const words = await ctl(api.socketPath, ['events', '--windows']);
    expect(words.stdout.split('\n').map((line) => line.slice(25))).toEqual([
      '8520 success uid=1000 (unlocked)',
      'rule-failed uid=1000',
      '',
    ]);
    const json = JSON.parse((await ctl(api.socketPath, ['events', '--json'])).stdout);
    expect(json.result.events.map(({ windows }: { windows: { id: number } | null }) => windows?.id ?? null)).toEqual([
      null,
      8520,
      null,
    ]);
  } finally {
    await api[Symbol.asyncDispose]();
  }
});
