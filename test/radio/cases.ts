/** The cases of a run by name: the guest runs them, and the host wants to see every one of them. */
import { type Ability, BLUETOOTH_CASES, type BluetoothCase } from '../contract/bluetooth/bluetooth-cases.ts';
import { LE_CASES } from './guest/le-cases.ts';
import { OWN_CASES } from './guest/own-cases.ts';

/** What two virtual controllers under one daemon cannot show. */
const LACKING: readonly Ability[] = ['weak bonds', 'identity keys', 'unpair'];

export const CONTRACT_CASES: readonly BluetoothCase[] = BLUETOOTH_CASES.filter(
  ({ needs }) => !needs.some((ability) => LACKING.includes(ability)),
);

export const CASES: readonly string[] = [
  ...OWN_CASES.map(({ title }) => title),
  ...CONTRACT_CASES.map(({ title }) => title),
  ...LE_CASES.map(({ title }) => title),
];
