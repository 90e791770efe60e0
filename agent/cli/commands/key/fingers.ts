/** `key fingerprints list|add|rename|remove`: the fingers that a key knows. */
import { toHex } from '../../../../drivers/base/bytes.ts';
import {
  addFinger,
  type Finger,
  listFingers,
  removeFinger,
  renameFinger,
  type SampleStatus,
} from '../../../keys/fingerprints.ts';
import type { OpenKey } from '../../../keys/session.ts';
import { requireTypedWord } from '../../confirm.ts';
import { oneLine } from '../../output.ts';
import type { KeyChoice } from './options.ts';
import type { KeyWork } from './person.ts';
import { deviceWords } from './words.ts';

type FingerChoice = Extract<KeyChoice, { name: `key fingerprints ${string}` }>;

/** CTAP 2.1 §6.7.2, lastEnrollSampleStatus: what to do differently. */
const SAMPLE_WORDS: Readonly<Record<SampleStatus, string>> = {
  good: 'good',
  tooHigh: 'too high',
  tooLow: 'too low',
  tooLeft: 'too far left',
  tooRight: 'too far right',
  tooFast: 'too fast',
  tooSlow: 'too slow',
  poorQuality: 'not clear enough',
  tooSkewed: 'too skewed',
  tooShort: 'too short',
  mergeFailure: 'does not fit the others',
  exists: 'the key knows this finger already',
  noUserActivity: 'no finger came',
  noUserPresenceTransition: 'lift the finger before the next one',
  unknown: 'not taken',
};

const plain = ({ id, name }: Finger) => ({ id: toHex(id), name });
const label = ({ id, name }: Finger): string => (name === null || name === '' ? toHex(id) : oneLine(name));
const more = (count: number): string => (count === 1 ? 'once more' : `${count} times more`);

async function add({ context, say }: KeyWork, key: OpenKey, name: string | null): Promise<void> {
  const { device } = key.session;
  const { output } = context;
  const finger = await addFinger(key, name, {
    onReady: ({ samples, kind }) => {
      const how = kind === 'swipe' ? 'Swipe one finger over' : 'Put one finger on';
      say('touch', `${how} the reader of ${deviceWords(device)} and lift it, ${samples} times`, device);
    },
    onSample: ({ status, remaining }) => {
      const rest = remaining === 0 ? 'done' : more(remaining);
      output.note(`${SAMPLE_WORDS[status]}: ${rest}`, { type: 'sample', status, remaining, device: device.path });
    },
  });
  output.result({ added: plain(finger) }, () => [`The security key knows the finger ${label(finger)} now.`]);
}

export async function fingersCommand(work: KeyWork, key: OpenKey, choice: FingerChoice): Promise<void> {
  const { context } = work;
  const { output } = context;
  switch (choice.name) {
    case 'key fingerprints list': {
      const { fingers, sensor } = await listFingers(key);
      output.result({ fingers: fingers.map(plain), sensor }, () =>
        fingers.length === 0
          ? ['The security key knows no finger yet.']
          : fingers.map(
              (finger) => `${toHex(finger.id)}  ${finger.name === null ? '(no name)' : oneLine(finger.name)}`,
            ),
      );
      return;
    }
    case 'key fingerprints add':
      return add(work, key, choice.finger);
    case 'key fingerprints rename': {
      const finger = await renameFinger(key, choice.id, choice.finger);
      output.result({ renamed: plain(finger) }, () => [`The finger is called ${label(finger)} now.`]);
      return;
    }
    case 'key fingerprints remove': {
      const { finger, last } = await removeFinger(key, choice.id, async (one) => {
        if (choice.yes) return;
        await requireTypedWord(context, `This makes the security key forget the finger ${label(one)}.`, 'REMOVE');
      });
      output.result({ removed: plain(finger), last }, () => [
        `The security key has forgotten the finger ${label(finger)}.`,
        ...(last ? ['It knows no finger any more, and verifies its user by its PIN alone.'] : []),
      ]);
      return;
    }
  }
}
