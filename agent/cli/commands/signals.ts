/** `unlockctl signals`: what the machine senses around it, once or as it changes, in words or as JSON. */
import { ssidWords } from '../../../drivers/base/ssid.ts';
import type { SensedSignal, SignalChange, SignalsView } from '../../api/ports.ts';
import { kindWords, stateWords } from '../../policy/signal-words.ts';
import type { Context } from '../context.ts';
import { oneLine, printable, spanWords } from '../output.ts';
import { showLive } from './signals-live.ts';

const LONGEST_NAME = 40;

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
/** Each text on its own: what others write pushes nothing else off the line. */
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? oneLine(`${value}`) : '';
const some = (name: string, values: readonly unknown[]): string[] =>
  values.length === 0 ? [] : [`${name} ${values.map(textOf).join(', ')}`];

/** Anybody may call a device anything: between marks, so that it ends where it ends. */
function nameWords(name: unknown): string {
  const text = [...textOf(name).replaceAll('"', "'")];
  const shown = text.length <= LONGEST_NAME ? text.join('') : `${text.slice(0, LONGEST_NAME).join('')}…`;
  return shown === '' ? '' : `"${shown}" `;
}

function phoneWords(device: Fields): string {
  const { scale, value } = fieldsOf(device.rssi);
  const strength = value === undefined ? [] : [`${textOf(value)} ${scale === 'dBm' ? 'dBm' : 'dB (relative)'}`];
  const facts = [device.proved === true ? 'proved' : 'not proved', ...strength];
  return `${nameWords(device.name)}${textOf(device.address)}: ${facts.join(', ')}`;
}

function interfaceWords(from: Fields): string {
  const families = [fieldsOf(from.ipv4), fieldsOf(from.ipv6)];
  const all = (name: string): readonly unknown[] => families.flatMap((family) => listOf(family[name]));
  const facts = [
    ...(from.connected === true ? [] : ['not connected']),
    ...all('addresses').map(textOf),
    ...some('gateway', all('gateways')),
    ...some('DHCP', all('dhcpServers')),
    ...some('DNS', all('dnsServers')),
  ];
  return `${textOf(from.name)} (${textOf(from.kind)}): ${facts.join('; ')}`;
}

function associationWords(from: Fields): string {
  // A name that is no printable text is shown as its bytes: two of them never look alike.
  const name = ssidWords(textOf(from.ssidHex));
  const ssid = /^0x|^hidden$/.test(name) ? name : `"${name}"`;
  const facts = [
    textOf(from.bssid),
    textOf(from.security),
    ...some('quality', from.quality === null ? [] : [from.quality]),
  ];
  return `${textOf(from.interface)}: ${ssid} ${facts.filter(Boolean).join(', ')}`;
}

function observationLines(observation: Fields): readonly string[] {
  const lines = [
    ...listOf(observation.devices).map((device) => phoneWords(fieldsOf(device))),
    ...listOf(observation.interfaces).map((each) => interfaceWords(fieldsOf(each))),
    ...listOf(observation.associations).map((each) => associationWords(fieldsOf(each))),
  ];
  const suffix = textOf(observation.primaryDnsSuffix);
  return suffix === '' ? lines : [...lines, `DNS suffix ${suffix}`];
}

/** Of phones, only the enrolled ones of who asks are told. */
const nothingWords = (kind: string): string =>
  kind === 'bluetooth' ? 'no phone of yours is enrolled (`unlockctl phone add`)' : 'nothing there';

/** @param now on the clock of the signals */
export function signalWords(signal: SensedSignal, now: number): readonly string[] {
  const age = Math.max(0, now - signal.observedAt);
  const facts = [
    `from ${textOf(signal.source)}`,
    `${spanWords(age / 1000)} ago`,
    ...(age > signal.validFor ? ['too old to count'] : []),
    ...(signal.simulated ? ['simulated'] : []),
  ];
  // What failed is said better by the detail, where there is one.
  const detail = textOf(signal.detail);
  const failed = signal.reason === 'failed' && signal.state === 'unavailable' && detail !== '';
  const state = failed ? `unavailable: ${detail}` : [stateWords(signal), detail].filter(Boolean).join(', ');
  const head = `${kindWords(signal.kind)}: ${state} (${facts.join(', ')})`;
  const lines = signal.state === 'observed' ? observationLines(fieldsOf(signal.observation)) : [];
  const none = signal.state === 'observed' && lines.length === 0 ? [nothingWords(signal.kind)] : lines;
  return [head, ...none.map((line) => `  ${line}`)].map(printable);
}

const NOTHING = 'Nothing is sensed around this machine.';

const viewWords = ({ now, signals, gestures }: SignalsView): readonly string[] => [
  ...(signals.length === 0 ? [NOTHING] : []),
  ...[...signals, ...gestures].flatMap((signal) => signalWords(signal, now)),
];

const lostWords = (kind: string): string => printable(`${kindWords(kind)}: nothing is known any more`);

const changeWords = (change: SignalChange): readonly string[] =>
  change.type === 'lost' ? [lostWords(change.kind)] : signalWords(change.signal, change.now);

/** Drivers tell again and again what is as it was; for people that is no change. */
function isNews(shown: Map<string, string>, change: SignalChange): boolean {
  const kind = change.type === 'lost' ? change.kind : change.signal.kind;
  // The age is no part of it.
  const words = change.type === 'lost' ? '' : signalWords(change.signal, change.signal.observedAt).join('\n');
  if (shown.get(kind) === words) return false;
  shown.set(kind, words);
  return true;
}

const STDOUT = 1;

/**
 * With `--watch`, until Ctrl-C: on a terminal all that is known with its age, elsewhere what is known and then what changes;
 * with `--json` one line for each that comes.
 */
export async function signalsCommand(context: Context, { watch }: { readonly watch: boolean }): Promise<void> {
  const { client, output, deps } = context;
  const { interrupted: signal } = deps;
  if (!watch) {
    const view = await client.signals({ signal });
    output.result({ ...view }, () => viewWords(view));
    return;
  }
  const shown = new Map<string, string>();
  try {
    if (!output.json && deps.descriptors.isTerminal(STDOUT)) {
      const { stdout: sink, clock } = deps;
      await showLive(client.watchSignals({ signal }), { sink, clock, words: signalWords, lostWords });
      return;
    }
    for await (const change of client.watchSignals({ signal })) {
      if (output.json) deps.stdout.write(`${JSON.stringify(change)}\n`);
      else if (isNews(shown, change)) output.result({}, () => changeWords(change));
    }
  } catch (error) {
    // Ctrl-C is how it ends.
    if (!signal.aborted) throw error;
  }
}
