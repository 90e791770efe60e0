/** A TPM that is opened and never answers: start-up and plain questions end all the same, and say why. */
import { expect, it } from 'vitest';
import { Service } from '../../../agent/service/service.ts';
import { startUp } from '../../../agent/service/startup.ts';
import { TpmAccess } from '../../../agent/service/tpm-access.ts';
import { seconds } from '../../../drivers/base/brand.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { noTrace } from '../../../drivers/base/trace.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import { peer, TestAgent } from '../../support/service/test-agent.ts';

/** The same agent, whose TPM hangs, on a clock that a test moves. */
function hung(agent: TestAgent) {
  const clock = new ManualClock();
  const hal = { description: 'a TPM that hangs', open: () => new Promise<never>(() => undefined) };
  const commandWithin = seconds(3600);
  const tpm = new TpmAccess({ hal, clock, entropy: systemEntropy, trace: noTrace, commandWithin });
  const parts = { ...agent.parts, clock, tpm };
  const none = async function* () {};
  const timersStarted = async (timers: number) => {
    while (clock.pending < timers) await settle();
  };
  return { clock, parts, timersStarted, service: new Service(parts, none, (error) => agent.faults.push(error)) };
}

it('start-up gives up after a minute and leaves the rest to its first use', async () => {
  await using agent = await TestAgent.start();
  await agent.setUpAndEnrol(1000);
  const { clock, parts, timersStarted } = hung(agent);
  const started = startUp(parts, new AbortController().signal);
  await timersStarted(1);
  await clock.advance(60_000);
  expect((await started).map(({ code }) => code)).toContain('ERR_HAL_TIMEOUT');
  expect(
    (await agent.run(1000, { kind: 'unlock', purpose: null, forSeconds: null }, { pin: '246813' })).done,
  ).toMatchObject({ unlocked: true });
});

it('status says after half a minute that the TPM does not answer, also when it waits behind another', async () => {
  await using agent = await TestAgent.start();
  await agent.setUpAndEnrol(1000);
  const { clock, timersStarted, service } = hung(agent);
  const both = [service.status(peer(1000)), service.status(peer(1000))];
  await timersStarted(2);
  await clock.advance(30_000);
  for (const status of await Promise.all(both)) {
    expect(status.tpm).toMatchObject({ reachable: false, problem: { code: 'ERR_HAL_TIMEOUT' } });
    expect(status.own).toMatchObject({ state: 'locked', keys: 1 });
  }
});

it('status and the signing request end when nobody waits for them any more', async () => {
  await using agent = await TestAgent.start();
  await agent.setUpAndEnrol(1000);
  const { service } = hung(agent);
  const gone = new AbortController();
  const status = service.status(peer(1000), { signal: gone.signal });
  const before = await agent.parts.store.readContainer(1000);
  gone.abort(new Error('the connection is gone'));
  expect((await status).tpm.reachable).toBe(false);
  await expect(service.policyRequest(peer(1000), { signal: gone.signal })).rejects.toThrow('the connection is gone');
  expect(await agent.parts.store.readContainer(1000)).toEqual(before);
});
