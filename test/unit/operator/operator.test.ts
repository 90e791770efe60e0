import { expect, test } from 'vitest';
import { KeyNames } from '../../../agent/operator/key-names.ts';
import { PhysicalOperator } from '../../../agent/operator/operator.ts';
import type { Detector, Hands, Task } from '../../../agent/operator/task.ts';
import { notByHand, taskText } from '../../../agent/operator/words.ts';
import type { UnlockdError } from '../../../drivers/base/errors.ts';
import { UnlockdError as Fault } from '../../../drivers/base/errors.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { keyAt, Tabletop } from '../../support/operator/tabletop.ts';

const signal = new AbortController().signal;

function stage(kind: Hands['kind'] = 'terminal') {
  const hid = new Tabletop();
  const keys = new KeyNames();
  const tasks: Task[] = [];
  const said: string[] = [];
  const aborts: UnlockdError[] = [];
  /** What whoever is asked does. */
  let does: (task: Task) => void = () => undefined;
  const hands: Hands = {
    kind,
    perform: async (task, detector, options) => {
      tasks.push(task);
      does(task);
      await detector?.until(options);
    },
    tell: (words) => said.push(words),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const operator = new PhysicalOperator({
    hands,
    keys,
    sight: { hid, clock: new ManualClock() },
    detects: async (): Promise<Detector | null> => null,
    endsAt: () => null,
    run: 'r',
    onAbort: (reason) => aborts.push(reason),
  });
  return {
    hid,
    keys,
    tasks,
    said,
    aborts,
    operator,
    when: (what: (task: Task) => void) => {
      does = what;
    },
  };
}

test('the first key that comes when a name is asked for has it from then on', async () => {
  const { hid, keys, tasks, said, operator, when } = stage();
  when(() => hid.plug(keyAt('/dev/hidraw0', { serial: 'B', product: 'Blue\u001b[2J' })));
  await operator.insert('blue', { signal });
  when(() => hid.plug(keyAt('/dev/hidraw1', { serial: 'R' })));
  await operator.insert('red', { signal });
  when(() => hid.pull('/dev/hidraw0'));
  await operator.remove('blue', { signal });
  when(() => {
    hid.plug(keyAt('/dev/hidraw2', { serial: 'X', product: 'Other' }));
    hid.plug(keyAt('/dev/hidraw3', { serial: 'B' }));
  });
  await operator.insert('blue', { signal });
  expect(tasks.map(({ id, text }) => `${id} ${text}`)).toEqual([
    'r-1 Plug in the security key that is blue from now on',
    'r-2 Plug in the security key that is red from now on',
    'r-3 Pull out blue, the Blue\ufffd[2J (1209:beee)',
    'r-4 Plug in blue, the Blue\ufffd[2J (1209:beee)',
  ]);
  expect([keys.path('blue'), keys.path('red')]).toEqual(['/dev/hidraw3', '/dev/hidraw1']);
  expect(said).toEqual([]);
});

test('another key than the one that is meant is told of', async () => {
  const { hid, said, operator, when } = stage();
  when(() => hid.plug(keyAt('/dev/hidraw0', { serial: 'B' })));
  await operator.insert('blue', { signal });
  when(() => hid.pull('/dev/hidraw0'));
  await operator.remove('blue', { signal });
  hid.plug(keyAt('/dev/hidraw1', { serial: 'X', product: 'Other' }));
  when(() => setImmediate(() => hid.plug(keyAt('/dev/hidraw2', { serial: 'B' }))));
  await operator.insert('blue', { signal });
  expect(said).toEqual(['  Other (1209:beee) is not blue, the Key (1209:beee)']);
});

test('two keys of one model without serial numbers have two names', () => {
  const keys = new KeyNames();
  const [one, two] = [keyAt('/dev/hidraw0'), keyAt('/dev/hidraw1')];
  keys.plugged('blue', one);
  expect([keys.takes('red', one), keys.takes('red', two)]).toEqual([false, true]);
  keys.plugged('red', two);
  keys.unplugged('blue');
  expect([keys.takes('blue', keyAt('/dev/hidraw2')), keys.named('/dev/hidraw1')]).toEqual([true, 'red']);
});

test('a key with a serial number does not get a second name', () => {
  const keys = new KeyNames();
  keys.plugged('blue', keyAt('/dev/hidraw0', { serial: 'B' }));
  keys.unplugged('blue');
  expect(keys.takes('red', keyAt('/dev/hidraw1', { serial: 'B' }))).toBe(false);
});

test('what the operator cannot do is a value, and what was skipped is none', async () => {
  const { operator, when, aborts } = stage();
  when(() => {
    throw new Fault('ERR_OPERATOR_CANNOT', 'x', { detail: { reason: 'no arm for that' } });
  });
  expect(await operator.perform({ do: 'suspend' }, { signal })).toBe('no arm for that');
  when(() => {
    throw new Fault('ERR_OPERATOR_SKIPPED', 'x');
  });
  await expect(operator.perform({ do: 'suspend' }, { signal })).rejects.toMatchObject({ code: 'ERR_OPERATOR_SKIPPED' });
  expect(aborts).toEqual([]);
});

test('whoever ends the run is heard by the run', async () => {
  const { operator, when, aborts } = stage();
  const fault = new Fault('ERR_OPERATOR_ABORTED', 'enough');
  when(() => {
    throw fault;
  });
  await expect(operator.touch({ signal })).rejects.toBe(fault);
  expect(aborts).toEqual([fault]);
});

test('a person is not asked for what takes more than two hands, a machine is', async () => {
  const impostor = { do: 'phone', phone: 'mine', is: 'impostor' } as const;
  const person = stage('terminal');
  expect(await person.operator.perform(impostor, { signal })).toContain('takes a radio of its own');
  expect(person.tasks).toEqual([]);
  const robot = stage('http');
  expect(await robot.operator.perform(impostor, { signal })).toBeNull();
  expect(robot.tasks.map(({ doing }) => doing)).toEqual([impostor]);
});

test('hands off the keyboard is said, and nobody has to press a key for it', async () => {
  const { operator, tasks, said } = stage();
  expect(await operator.perform({ do: 'keyboard', is: 'idle' }, { signal })).toBeNull();
  expect([tasks, said]).toEqual([[], ['> Leave keyboard and mouse alone']]);
});

test('it is known what was done last with each thing that stays so', async () => {
  const { operator, when } = stage();
  for (const is of ['near', 'away'] as const) await operator.perform({ do: 'phone', phone: 'mine', is }, { signal });
  await operator.perform({ do: 'access-point', network: 'office', is: 'off' }, { signal });
  await operator.perform({ do: 'suspend' }, { signal });
  when(() => {
    throw new Fault('ERR_OPERATOR_CANNOT', 'x');
  });
  await operator.perform({ do: 'join', network: 'office' }, { signal });
  expect(operator.moved()).toEqual([
    'Take the phone mine out of reach, or put it into a metal box',
    'Switch the access point of office off',
  ]);
});

test('every step has words', () => {
  const keys = new KeyNames();
  const to = {
    address: '192.0.2.5/24',
    gateway: '192.0.2.1',
    dhcpServer: '192.0.2.1',
    dnsServers: ['192.0.2.53', '192.0.2.54'],
  };
  expect(
    (
      [
        { do: 'touch' },
        { do: 'remove-all' },
        { do: 'finger', finger: 'own' },
        { do: 'finger', finger: 'other' },
        { do: 'phone', phone: 'mine', is: 'near' },
        { do: 'phone', phone: 'mine', is: 'away' },
        { do: 'phone', phone: 'mine', is: 'off' },
        { do: 'access-point', network: 'office', is: 'off' },
        { do: 'join', network: 'office' },
        { do: 'join', network: null },
        { do: 'cable', network: 'office' },
        { do: 'cable', network: null },
        { do: 'renumber', network: 'office', to },
        { do: 'keyboard', is: 'active' },
        { do: 'suspend' },
        { do: 'replace-tpm' },
      ] as const
    ).map((doing) => taskText(doing, keys)),
  ).toMatchInlineSnapshot(`
    [
      "Touch the security key that blinks",
      "Pull out all security keys",
      "Put the finger that the reader knows on it",
      "Put a finger on the reader that it does not know",
      "Lay the phone mine beside this machine, switched on and with Bluetooth on",
      "Take the phone mine out of reach, or put it into a metal box",
      "Switch the phone mine off",
      "Switch the access point of office off",
      "Join the Wi-Fi office",
      "Leave the Wi-Fi",
      "Plug in the network cable of office, and no other one",
      "Pull the network cable out",
      "Let office hand out 192.0.2.5/24, gateway 192.0.2.1, DHCP 192.0.2.1, DNS 192.0.2.53, 192.0.2.54, and renew the lease",
      "Use keyboard or mouse from now on",
      "Let this machine sleep, and wake it again",
      "Put another TPM into this machine",
    ]
  `);
  expect(notByHand({ do: 'replace-tpm' })).toBe('the TPM of a machine is not replaced in a run');
});
