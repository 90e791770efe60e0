import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLockout } from '../../../agent/container/lockout.ts';
import { TestMachine } from '../../support/container/fixture.ts';

describe('a container with a PIN and a security key', () => {
  let machine: TestMachine;
  beforeAll(async () => {
    machine = await TestMachine.start();
  });
  afterAll(() => machine.close());

  it('opens with both factors, to the same key each time', async () => {
    const { state, group } = await machine.enrol(1000);
    using first = await machine.open(state, { pin: '246813', group });
    using second = await machine.open(state, { pin: '246813', group });
    expect(first.length).toBe(32);
    expect(first.equals(second)).toBe(true);
  });

  it('is read back from its file as it was written', async () => {
    const { state } = await machine.enrol(1001);
    expect(await machine.store.readContainer(1001)).toEqual(state);
  });

  it('refuses a wrong PIN with TPM_RC_AUTH_FAIL and counts it', async () => {
    const { state, group } = await machine.enrol(1002);
    const before = await machine.withTpm(readLockout);
    await expect(machine.open(state, { pin: '000000', group })).rejects.toMatchObject({ rc: 0x98e });
    const after = await machine.withTpm(readLockout);
    expect(after.counter).toBe(before.counter + 1);
  });

  it('changes its PIN: the new one opens, the old file with the old PIN is refused by the epoch', async () => {
    const { state, group } = await machine.enrol(1003);
    const changed = await machine.changePin(state, { pin: '246813', group }, '135792');
    using before = await machine.open(changed, { pin: '135792', group });
    expect(before.length).toBe(32);
    await expect(machine.open(state, { pin: '246813', group })).rejects.toMatchObject({ rc: 0x126 });
    await expect(machine.open(changed, { pin: '246813', group })).rejects.toMatchObject({ rc: 0x98e });
  });
});
