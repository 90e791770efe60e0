import { describe, expect, it } from 'vitest';
import type { Ceremony } from '../../../agent/api/ports.ts';
import { parseSheet } from '../../../agent/container/recovery-sheet.ts';
import { openLockoutAuth } from '../../../agent/container/setup.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { dictionaryAttackParameters, sessionAuth } from '../../../drivers/tpm2/index.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const never = new AbortController().signal;

describe('the protection of the PIN', () => {
  it('is looked at anew: a TPM that was told to allow any number of tries makes the PIN a gate', async () => {
    await using agent = await TestAgent.start();
    const setup = await agent.run(0, { kind: 'setup' });
    await agent.setUpAndEnrol(UID);
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ strength: 'bound-2' });

    const machine = await agent.parts.store.readMachine();
    if (machine === null) throw new Error('not set up');
    using typed = Secret.take(utf8(setup.out.get('owner-sheet')?.toString('ascii') ?? ''));
    using sheet = parseSheet(typed);
    const lockoutAuth = openLockoutAuth(sheet, machine);
    if (lockoutAuth === null) throw new Error('not the owner’s sheet');
    await agent.parts.tpm.withRoot(never, machine, ({ tpm, session }) =>
      dictionaryAttackParameters(tpm, sessionAuth(session, lockoutAuth), {
        maxTries: 0x7fffffff,
        recoveryTime: 600,
        lockoutRecovery: 86_400,
      }),
    );
    lockoutAuth.dispose();

    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ strength: 'bound-1' });
    const { own } = await agent.service.status(peer(UID));
    expect(own).toMatchObject({ strength: 'bound-1', opensWith: 'this machine + a security key' });
  });
});

type HoldRoot = TestAgent['parts']['tpm']['holdRoot'];

describe('a ceremony that is cancelled while the TPM judges the PIN', () => {
  it('ends when the TPM has ended, so that the next one does not run beside it', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID);
    const { tpm } = agent.parts;
    const real: HoldRoot = tpm.holdRoot.bind(tpm);
    let inside = 0;
    let open: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    const entered = new Promise<void>((resolve) => {
      const waiting: HoldRoot = (signals, machine, first) =>
        real(signals, machine, async (root, keep) => {
          inside++;
          resolve();
          await held;
          try {
            return await first(root, keep);
          } finally {
            inside--;
          }
        });
      tpm.holdRoot = waiting;
    });
    const begin = agent.service.begin.bind(agent.service);
    let ceremony: Ceremony | undefined;
    agent.service.begin = async (who, request) => {
      ceremony = await begin(who, request);
      return ceremony;
    };
    const running = agent.run(UID, UNLOCK, { pin: '246813' });
    await entered;
    let ended = false;
    void running.then(() => {
      ended = true;
    });
    ceremony?.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect({ ended, inside }).toEqual({ ended: false, inside: 1 });
    open();
    const outcome = await running;
    expect(outcome.failed?.refusal.code).toBe('ERR_API_CEREMONY_CANCELLED');
    expect(inside).toBe(0);
  });
});
