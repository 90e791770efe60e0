import { describe, expect, it } from 'vitest';
import { parsePresenceTrace } from '../../../hal-mocks/bluetooth/presence-trace.ts';

const PHONE = { address: 'aa:bb:cc:dd:ee:ff', users: [1000], classOfDevice: 512 };

describe('a presence trace', () => {
  it('is one line for each thing that is seen', () => {
    const text = [
      JSON.stringify({ phone: PHONE, reachable: true, rssi: -3 }),
      '',
      JSON.stringify({ afterSeconds: 1.5, phone: PHONE, reachable: false }),
      JSON.stringify({ afterSeconds: 2, unavailable: 'radio-off' }),
      JSON.stringify({ available: true }),
    ].join('\n');
    const phone = { ...PHONE, name: null };
    expect(parsePresenceTrace(text)).toEqual([
      {
        afterSeconds: 0,
        seen: { type: 'sample', phone, reachable: true, source: 'probe', rssi: { scale: 'relative', value: -3 } },
      },
      { afterSeconds: 1.5, seen: { type: 'sample', phone, reachable: false, source: 'probe', rssi: null } },
      { afterSeconds: 2, seen: { type: 'unavailable', reason: 'radio-off' } },
      { afterSeconds: 0, seen: { type: 'available' } },
    ]);
  });

  it.each([
    '{',
    '[]',
    '{}',
    '{"unavailable":"asleep"}',
    '{"afterSeconds":-1,"available":true}',
    JSON.stringify({ phone: { ...PHONE, address: 'AA' }, reachable: true }),
    JSON.stringify({ phone: PHONE, reachable: 'yes' }),
    JSON.stringify({ phone: PHONE, reachable: true, rssi: 'strong' }),
    JSON.stringify({ phone: PHONE, reachable: true, source: 'rumour' }),
  ])('%s is refused with its line', (line) => {
    expect(() => parsePresenceTrace(`\n${line}`)).toThrow(
      expect.objectContaining({
        code: 'ERR_HAL_MOCK_SCRIPT',
        message: expect.stringContaining('the presence trace:2: '),
      }),
    );
  });
});
