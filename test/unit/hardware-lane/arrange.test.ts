import { expect, test } from 'vitest';
import { arrange, stepsToGiven } from '../../../agent/lanes/hardware-arrange.ts';
import type { PhysicalStep } from '../../../drivers/hal/operator.ts';
import { walkthroughOf } from '../../support/hardware-lane/found.ts';

const to = { address: '192.0.2.5/24', gateway: '192.0.2.1', dhcpServer: '192.0.2.1', dnsServers: ['192.0.2.53'] };
const signal = new AbortController().signal;

test('what is given is asked for, a Wi-Fi after its access points, what a cable hands out after the cable', () => {
  const { given } = walkthroughOf({
    keys: { blue: 'plugged' },
    phones: { pocket: 'near', other: 'off' },
    wifi: { lobby: { ssid: 'Lobby', security: 'Open' }, twin: { ssid: 'Lobby', security: 'Open', is: 'off' } },
    joined: 'lobby',
    networks: { office: to },
    cable: 'office',
  });
  expect(stepsToGiven(given)).toEqual([
    { do: 'phone', phone: 'pocket', is: 'near' },
    { do: 'phone', phone: 'other', is: 'off' },
    { do: 'access-point', network: 'lobby', is: 'on' },
    { do: 'access-point', network: 'twin', is: 'off' },
    { do: 'join', network: 'lobby' },
    { do: 'cable', network: 'office' },
    { do: 'renumber', network: 'office', to },
  ]);
});

test('a walkthrough of keys alone asks for nothing of this', () => {
  expect(stepsToGiven(walkthroughOf({ keys: { blue: 'plugged' } }).given)).toEqual([]);
});

test('networks that are given without a cable or a Wi-Fi that is joined are left', () => {
  const { given } = walkthroughOf({
    networks: { office: to },
    wifi: { lobby: { ssid: 'Lobby', security: 'Open' } },
  });
  expect(stepsToGiven(given).filter((step) => step.do === 'join' || step.do === 'cable')).toEqual([
    { do: 'join', network: null },
    { do: 'cable', network: null },
  ]);
});

test('what cannot be brought about ends the run before it begins', async () => {
  const done: PhysicalStep[] = [];
  const operator = {
    perform: async (step: PhysicalStep) => {
      done.push(step);
      return step.do === 'phone' ? 'the phone is lost' : null;
    },
  };
  const { given } = walkthroughOf({ phones: { pocket: 'near' }, networks: { office: to } });
  await expect(arrange(given, operator, signal)).rejects.toMatchObject({
    code: 'ERR_WALKTHROUGH_NOT_GIVEN',
    message: 'what is given cannot be brought about (phone): the phone is lost',
  });
  expect(done).toHaveLength(1);
});
