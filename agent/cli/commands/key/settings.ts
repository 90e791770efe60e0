/** `key config …`: the settings of a key that outlive a power cycle. Those that only a reset takes back are confirmed. */

import { type KeyCeremony, type OpenKey, withKey } from '../../../keys/session.ts';
import { changePinRules, type KeySettings, setAlwaysUv, turnOnEnterpriseAttestation } from '../../../keys/settings.ts';
import { requireTypedWord } from '../../confirm.ts';
import type { KeyChoice } from './options.ts';
import type { KeyWork } from './person.ts';

type SettingsChoice = Extract<KeyChoice, { name: `key config ${string}` }>;

const CHANGED_SECRET =
  'A key that was enrolled in a container answers with another secret when it begins or ceases to verify its user: enrol it anew, or undo this.';

/** What holds afterwards, in words. */
function change(choice: SettingsChoice): {
  readonly apply: (key: OpenKey) => Promise<KeySettings>;
  readonly words: (settings: KeySettings) => readonly string[];
} {
  switch (choice.name) {
    case 'key config always-uv':
      return {
        apply: (key) => setAlwaysUv(key, choice.on),
        words: () => [
          choice.on
            ? 'The security key wants its PIN or a finger at every use.'
            : 'The security key wants its PIN or a finger only where it is asked to.',
          CHANGED_SECRET,
        ],
      };
    case 'key config min-pin-length': {
      const rules = {
        ...(choice.length === null ? {} : { length: choice.length }),
        ...(choice.rpIds === null ? {} : { rpIds: choice.rpIds }),
      };
      return {
        apply: (key) => changePinRules(key, rules),
        words: ({ minPinLength, pinMustChange }) => [
          `A PIN of the security key has at least ${minPinLength} characters.`,
          ...(pinMustChange ? ['The one it has may be shorter: change it, `unlockctl key pin change`.'] : []),
        ],
      };
    }
    case 'key config force-pin-change':
      return {
        apply: (key) => changePinRules(key, { forceChange: true }),
        words: () => ['The security key insists on a new PIN before it is used: `unlockctl key pin change`.'],
      };
    case 'key config enterprise-attestation':
      return { apply: turnOnEnterpriseAttestation, words: () => ['Enterprise attestation is on.'] };
  }
}

/** What only a reset takes back; null: it can be undone. */
function forEver(choice: SettingsChoice): string | null {
  if (choice.name === 'key config enterprise-attestation') {
    return 'This lets the security key tell the relying parties of its maker’s list which key it is. Only a reset takes it back.';
  }
  if (choice.name !== 'key config min-pin-length' || choice.length === null) return null;
  return `This makes ${choice.length} characters the least that a PIN of the security key has. It can only grow; only a reset takes it back.`;
}

export async function settingsCommand(
  { context }: KeyWork,
  ceremony: KeyCeremony,
  choice: SettingsChoice,
): Promise<void> {
  const warning = forEver(choice);
  if (warning !== null && 'yes' in choice && !choice.yes) await requireTypedWord(context, warning, 'SET');
  const { apply, words } = change(choice);
  const settings = await withKey(ceremony, apply);
  context.output.result({ ...settings }, () => words(settings));
}
