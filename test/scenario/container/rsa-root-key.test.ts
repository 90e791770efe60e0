/** A machine whose storage root key is RSA 2048, as Windows makes it: the same container, salted with OAEP. */
import { expect, it } from 'vitest';
import { createPrimary, evictControl, SRK_RSA } from '../../../drivers/tpm2/index.ts';
import { TestMachine } from '../../support/container/fixture.ts';
import { refusal } from '../../support/container/thief.ts';

it('enrols, opens, refuses a wrong PIN and changes it under an RSA storage root key', async () => {
  await using machine = await TestMachine.start({ setUp: false, rootHandle: 0x81000002 });
  await machine.withTpm(async (tpm) => {
    await using key = await createPrimary(tpm, SRK_RSA);
    await evictControl(tpm, key, 0x81000002);
  });
  await machine.setUp();
  const types = await machine.withRoot(async (root) => root.srk.publicArea.type);
  expect(types).toBe('rsa');
  const { state, group } = await machine.enrol(1000);
  expect(await refusal(machine.open(state, { pin: '246813', group }))).toBe('done');
  expect(await refusal(machine.open(state, { pin: '000000', group }))).toBe('PolicySecret 0x98E');
  const changed = await machine.changePin(state, { pin: '246813', group }, '135792');
  expect(await refusal(machine.open(changed, { pin: '135792', group }))).toBe('done');
  expect(await refusal(machine.open(state, { pin: '246813', group }))).toBe('PolicyNV 0x126');
});
