import { expect, test } from 'vitest';
import { Changes } from '../../../agent/lanes/hardware-changes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

function stage() {
  const clock = new ManualClock();
  const told: string[] = [];
  const changes = new Changes(clock, (words, isDone) => told.push(`${isDone ? '+' : '-'} ${words}`));
  return { clock, told, changes };
}

const done = (words: string | null) => async () => words;

test('everything is put back in reverse order, once', async () => {
  const { told, changes } = stage();
  changes.add({ what: 'the policy', putBack: done('the policy'), cure: '' });
  changes.add({ what: 'nothing', putBack: done(null), cure: '' });
  changes.add({ what: 'the enrolment', putBack: done('the enrolment'), cure: '' });
  await changes.putBack();
  await changes.putBack();
  expect(told).toEqual(['+ put back: the enrolment', '+ put back: the policy']);
});

test('what cannot be put back is said with what to do, and the rest is put back all the same', async () => {
  const { told, changes } = stage();
  changes.add({ what: 'the policy', putBack: done('the policy'), cure: '' });
  const putBack = async () => {
    throw new UnlockdError('ERR_API_FORBIDDEN', 'only root may');
  };
  changes.add({ what: 'the enrolment', putBack, cure: 'Remove it with `unlockctl unenrol`.' });
  await expect(changes.putBack()).rejects.toMatchObject({
    code: 'ERR_LANE_NOT_RESTORED',
    message: 'not put back: the enrolment: only root may (ERR_API_FORBIDDEN). Remove it with `unlockctl unenrol`.',
  });
  expect(told.map((line) => line.slice(0, 20))).toEqual(
    ['- NOT put back: the e', '+ put back: the polic'].map((l) => l.slice(0, 20)),
  );
});

test('a daemon that never answers does not keep the rest from being put back', async () => {
  const { clock, told, changes } = stage();
  changes.add({ what: 'the policy', putBack: done('the policy'), cure: '' });
  changes.add({ what: 'the enrolment', putBack: () => new Promise(() => undefined), cure: 'x' });
  const end = changes.putBack();
  end.catch(() => undefined);
  await settle();
  await clock.advance(61_000);
  await expect(end).rejects.toMatchObject({ code: 'ERR_LANE_NOT_RESTORED' });
  expect(told.at(-1)).toBe('+ put back: the policy');
});

test('what stays as it is is said at the end, and is no failure', async () => {
  const { told, changes } = stage();
  changes.stays('the TPM is set up');
  changes.add({ what: 'the policy', putBack: done('the policy'), cure: '' });
  await changes.putBack();
  expect(told).toEqual(['+ put back: the policy', '- stays as it is: the TPM is set up']);
});
