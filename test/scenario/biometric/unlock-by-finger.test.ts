/** The whole unlock with a finger: the real service over a TPM, the real fprintd over libfprint's virtual reader. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { seconds } from '../../../drivers/base/brand.ts';
import type { BiometricHal } from '../../../drivers/hal/biometric.ts';
import { fprintd } from '../../../drivers/linux/biometric/fprintd.ts';
import { missingForFprintd, RealFprintd } from '../../support/biometric/real-fprintd.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const FINGER = 'right-index-finger';
const missing = missingForFprintd();
const because = missing === null ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== null)(`a container that opens with a PIN and a finger${because}`, () => {
  let real: RealFprintd;
  let hal: BiometricHal;
  let agent: TestAgent;
  beforeAll(async () => {
    real = await RealFprintd.start();
    await real.enrol(`user-${UID}`, FINGER);
    hal = fprintd({ bus: real.bus.address });
    agent = await TestAgent.start({ biometric: hal, settings: { touchWithin: seconds(3), attemptRetries: 1 } });
    await agent.setUpAndEnrol(UID, PIN);
    await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['fingerprint', 'securityKey'])));
    await agent.run(UID, UNLOCK, { pin: PIN });
    const add = agent.run(UID, { kind: 'biometric-add', modality: 'fingerprint' }, { pin: PIN });
    await real.command(`SCAN ${FINGER}`);
    expect((await add).done).toMatchObject({ added: true });
    agent.touch = false;
  });
  afterAll(async () => {
    await agent.close();
    await hal[Symbol.asyncDispose]();
    await real[Symbol.asyncDispose]();
  });

  it('opens with the enrolled finger, after the reader wanted another try', async () => {
    const opening = agent.run(UID, UNLOCK, { pin: PIN });
    await real.command('RETRY 1');
    await real.command(`SCAN ${FINGER}`);
    const { done, events } = await opening;
    expect(done).toMatchObject({ unlocked: true, strength: 'bound-1' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'biometric', again: 'that was too short' }));
    expect(await real.claimed()).toBe(false);
  });

  it('stays closed to another finger', async () => {
    const opening = agent.run(UID, UNLOCK, { pin: PIN });
    await real.command('SCAN left-thumb');
    expect((await opening).failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(await real.claimed()).toBe(false);
  });
});
