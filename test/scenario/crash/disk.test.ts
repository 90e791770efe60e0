/**
 * A disk that fills up, turns read-only or fails at fsync, at every call of an enrolment, a PIN change and a policy
 * change: the error is typed, and after a repair and a restart it is the old state or the new one, which opens.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getHandles } from '../../../drivers/tpm2/index.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { DISK_FAULTS, type DiskFault, FailingDisk } from '../../support/crash/failing-disk.ts';
import { type Outcome, peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
/** More calls than any of the operations makes: the loop ends when the fault is not met any more. */
const MOST_CALLS = 60;
/** The old state is in force; the new one may be; the new one is, and the old not yet revoked. */
const TYPED = ['ERR_STATE_WRITE_FAILED', 'ERR_STATE_NOT_DURABLE', 'ERR_CHANGE_NOT_REVOKED'];
const never = new AbortController().signal;
const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`with a failing disk${missing ? ` (${missing})` : ''}`, () => {
  const disk = new FailingDisk();
  let agent: TestAgent;
  let owner = '';
  let pin = '246813';
  let pins = 0;
  let documents = 0;
  const nextPin = (): string => `${(271828 + ++pins * 7919) % 1_000_000}`.padStart(6, '9');

  beforeAll(async () => {
    agent = await TestAgent.start({ fs: disk, settings: { softLimit: { tries: 31, forgetAfter: 1 as never } } });
    const setup = await agent.run(0, { kind: 'setup' });
    owner = setup.out.get('owner-sheet')?.toString('ascii') ?? '';
  });
  afterAll(() => agent.close());

  const counters = (): Promise<number> =>
    agent.parts.tpm.withTpm(never, async (tpm) => (await getHandles(tpm, 0x01800000, 64)).length);

  async function opens(with_: string): Promise<boolean> {
    const { done, failed } = await agent.run(UID, UNLOCK, { pin: with_ });
    if (done === null) expect(['ERR_POLICY_DENIED', 'ERR_API_CEREMONY_CANCELLED']).toContain(failed?.refusal.code);
    return done !== null;
  }

  /** Runs `operation` with the fault at one call; returns whether the fault was met. */
  async function spoiled(
    fault: DiskFault,
    position: number,
    operation: () => Promise<Outcome>,
  ): Promise<Outcome | null> {
    disk.arm(fault, position);
    const outcome = await operation();
    disk.repair();
    const { met } = disk;
    await agent.service.stop();
    await agent.restart();
    expect(agent.problems).toEqual([]);
    if (!met) {
      expect(outcome.failed).toBeNull();
      return null;
    }
    return outcome;
  }

  /** What is not finished is said in the words of the error table, by a code that says what happened. */
  function expectTyped(outcome: Outcome): void {
    if (outcome.failed === null) return;
    expect(TYPED).toContain(outcome.failed.refusal.code);
  }

  async function enrolled(): Promise<void> {
    if ((await agent.parts.store.readContainer(UID)) === null) await agent.setUpAndEnrol(UID, pin);
  }

  describe.each(DISK_FAULTS)('$name', (fault) => {
    it('an enrolment is there or is not, and leaks no counter', async () => {
      for (let position = 0; position < MOST_CALLS; position++) {
        if ((await agent.parts.store.readContainer(UID)) !== null) await agent.run(UID, { kind: 'unenrol', uid: null });
        const outcome = await spoiled(fault, position, () => agent.run(UID, { kind: 'enrol' }, { 'new-pin': pin }));
        const isThere = (await agent.parts.store.readContainer(UID)) !== null;
        expect(await counters(), `call ${position}`).toBe(isThere ? 1 : 0);
        if (isThere) expect(await opens(pin), `call ${position}`).toBe(true);
        if (outcome === null) return;
        expectTyped(outcome);
        if (outcome.done !== null) expect(isThere, `call ${position}`).toBe(true);
      }
      expect.fail('the fault never ended');
    }, 180_000);

    it('a PIN change is done or is not, and exactly one of the PINs opens', async () => {
      await enrolled();
      for (let position = 0; position < MOST_CALLS; position++) {
        const after = nextPin();
        const change = () => agent.run(UID, { kind: 'pin-change' }, { pin, 'new-pin': after });
        const outcome = await spoiled(fault, position, change);
        const opensNew = await opens(after);
        expect(await opens(pin), `call ${position}: old beside new`).toBe(!opensNew);
        if (opensNew) pin = after;
        await agent.resetLockout(owner);
        if (outcome === null) return;
        expectTyped(outcome);
        if (outcome.done !== null) expect(opensNew, `call ${position}`).toBe(true);
      }
      expect.fail('the fault never ended');
    }, 180_000);

    it('a policy change is done or waits for the next unlock', async () => {
      await enrolled();
      for (let position = 0; position < MOST_CALLS; position++) {
        const second = ++documents % 2 === 0 ? ['securityKey'] : ['securityKey', 'network'];
        await agent.service.setPolicy(
          peer(0),
          JSON.stringify(
            Object.fromEntries([
              ['version', 1],
              ['first', ['pin']],
              ['then', second],
            ]),
          ),
        );
        const wanted = (await agent.parts.store.readPolicy())?.version;
        const outcome = await spoiled(fault, position, () => agent.run(UID, UNLOCK, { pin }));
        expect(await opens(pin), `call ${position}`).toBe(true);
        expect((await agent.parts.store.readContainer(UID))?.policy?.version, `call ${position}`).toBe(wanted);
        if (outcome === null) return;
        expectTyped(outcome);
      }
      expect.fail('the fault never ended');
    }, 180_000);
  });
});
