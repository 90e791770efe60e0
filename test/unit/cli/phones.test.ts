/** `unlockctl phone list` in words: whose a phone is, what is wrong with its pairing, and what to do. */
import { describe, expect, it } from 'vitest';
import type { PhoneLine } from '../../../agent/api/ports.ts';
import { apiOnSocket } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';

const ADDRESS = '02:00:00:00:00:01';
const line = (more: Partial<PhoneLine>): PhoneLine => ({
  address: ADDRESS,
  name: 'phone',
  uid: 1000,
  enrolledAt: 0,
  paired: true,
  key: 'authenticated',
  pinned: true,
  ...more,
});

async function listed(phone: PhoneLine): Promise<string> {
  const service = new FakeService();
  service.paired.push(phone);
  await using api = await apiOnSocket(service);
  return (await ctl(api.socketPath, ['phone', 'list'])).stdout;
}

describe('phone list', () => {
  it('says no more of a phone with which all is well', async () => {
    expect(await listed(line({}))).toMatch(new RegExp(`^${ADDRESS}  phone: enrolled[^,]*\n$`));
  });

  it('says of one whose pairing is not pinned what that means and what to do', async () => {
    const words = await listed(line({ pinned: false }));
    expect(words).toContain('its pairing is not pinned, so that whatever is paired anew at its address counts as it');
    expect(words).toContain(`\`unlockctl phone add ${ADDRESS}\` pins the pairing that is there now`);
  });

  it('says nothing of pins where a phone is not enrolled', async () => {
    const words = await listed(line({ uid: null, enrolledAt: null, pinned: null }));
    expect(words).toContain('paired, not enrolled');
    expect(words).not.toContain('pinned');
  });

  it('says of one that was paired anew that it is to be added again', async () => {
    expect(await listed(line({ paired: false }))).toContain('paired anew: add it again');
  });

  it('lets a name write no line of its own', async () => {
    const words = await listed(line({ name: 'x\n02:00:00:00:00:02  other: enrolled\u202e' }));
    expect(words.trimEnd().split('\n')).toHaveLength(1);
    expect(words).not.toContain('\u202e');
  });
});
