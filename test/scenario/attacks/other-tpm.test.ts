/**
 * Another TPM, a cleared one, or another key at the handle of the storage root key: recognised by the Name before
 * anything secret is sent. What was sent is read from the wire.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRoot } from '../../../agent/container/root.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import type { TraceFrame } from '../../../drivers/base/trace.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { createPrimary, evictControl, readPublic, SRK_RSA, Tpm } from '../../../drivers/tpm2/index.ts';
import { ROOT_HANDLE, type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { refusal } from '../../support/container/thief.ts';

let machine: TestMachine;
let container: TestContainer;
let frames: TraceFrame[];
beforeEach(async () => {
  frames = [];
  machine = await TestMachine.start({ trace: (frame) => frames.push(frame) });
  container = await machine.enrol(1000);
  frames.length = 0;
});
afterEach(() => machine.close());

const sent = (): (string | undefined)[] =>
  frames.filter(({ direction }) => direction === 'out').map(({ label }) => label);

const unlock = () => machine.open(container.state, { pin: '246813', group: container.group });

it('the right TPM opens, and the first command is ReadPublic', async () => {
  expect(await refusal(unlock())).toBe('done');
  expect(sent()[0]).toBe('TPM2_ReadPublic');
  expect(sent()).toContain('TPM2_PolicySecret');
});

describe('ERR_TPM_OTHER_DEVICE, with nothing but ReadPublic sent', () => {
  const expectRefusal = async (attempt: Promise<unknown>): Promise<void> => {
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_TPM_OTHER_DEVICE' });
    expect(sent()).toEqual(['TPM2_ReadPublic']);
  };

  it('a TPM that was set up elsewhere', async () => {
    await using other = await TestMachine.start();
    const transport = await linuxTpm(other.swtpm.config).open({ signal: new AbortController().signal });
    const trace = (frame: TraceFrame) => frames.push(frame);
    await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy, trace });
    await expectRefusal(openRoot(tpm, { handle: ROOT_HANDLE, name: machine.machine.rootName }));
  });

  it('a TPM without any key at that handle', async () => {
    await using other = await TestMachine.start({ setUp: false });
    const transport = await linuxTpm(other.swtpm.config).open({ signal: new AbortController().signal });
    const trace = (frame: TraceFrame) => frames.push(frame);
    await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy, trace });
    await expectRefusal(openRoot(tpm, { handle: ROOT_HANDLE, name: machine.machine.rootName }));
  });

  it('the right TPM with a key of another template at the handle: another Name', async () => {
    await machine.withTpm(async (tpm) => {
      await evictControl(tpm, await readPublic(tpm, ROOT_HANDLE), ROOT_HANDLE);
      await using rsa = await createPrimary(tpm, SRK_RSA);
      await evictControl(tpm, rsa, ROOT_HANDLE);
    });
    frames.length = 0;
    await expectRefusal(unlock());
  });

  it('the right TPM and a pinned Name that is wrong in its last bit', async () => {
    const name = machine.machine.rootName.map((byte, index) => (index === 33 ? byte ^ 1 : byte));
    await expectRefusal(machine.withTpm((tpm) => openRoot(tpm, { handle: ROOT_HANDLE, name })));
    frames.length = 0;
    expect(await refusal(unlock())).toBe('done');
  });
});
