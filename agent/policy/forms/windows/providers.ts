/**
 * The two lists of credential providers: braced GUIDs with commas between them, and the validity rules that Microsoft
 * states for them (multi-factor unlock, *Configure unlock factors*). The DDF's expression matches a single GUID; the
 * documents prescribe the list, which is what is read.
 */
import { MAX_LIST_LENGTH } from './limits.ts';
import { PROVIDERS, type Provider } from './model.ts';
import type { Note } from './notes.ts';
import { quoted, windowsError } from './settings.ts';

export const PROVIDER_GUIDS: Readonly<Record<Provider, string>> = {
  pin: '{D6886603-9D2F-4EB2-B667-1971041FA96B}',
  fingerprint: '{BEC09223-B018-416D-A0AC-523971B639F5}',
  face: '{8AF662BF-65A0-4D0A-A540-A338A999D36F}',
  'trusted-signal': '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD}',
};

/** Providers that people try to list, so that the error can say what it is. */
const FOREIGN: Readonly<Record<string, string>> = {
  '{60B78E88-EAD8-445C-9CFD-0B87F74EA6CD}': 'the password',
  '{F8A1793B-7873-4046-B2A7-1F318747F427}': 'a FIDO security key',
  '{2D8B3101-E025-480D-917C-835522C7F628}': 'a FIDO security key',
  '{C5D7540A-CD51-453B-B22B-05305BA03F07}': 'web sign-in',
  '{8FD7E19C-3BF7-489B-A72C-846AB3678C96}': 'the smart card',
  '{C885AA15-1764-4293-B82A-0586ADD46B35}': 'iris recognition',
  '{48B4E58D-2791-456C-9091-D524C6C706F2}': 'a companion device',
};

const GUID = /^\{[\dA-F]{8}-[\dA-F]{4}-[\dA-F]{4}-[\dA-F]{4}-[\dA-F]{12}\}$/;

/**
 * Reads one list.
 * @param setting `DeviceUnlock/GroupA` or `DeviceUnlock/GroupB`
 * @throws {ERR_POLICY_WINDOWS_PROVIDER} with the position of the entry, from 1 @throws {ERR_POLICY_WINDOWS_PROVIDER_UNKNOWN}
 */
export function readProviders(
  text: string,
  setting: string,
): { readonly providers: readonly Provider[]; readonly notes: readonly Note[] } {
  const providers: Provider[] = [];
  const notes: Note[] = [];
  if (text.length > MAX_LIST_LENGTH) {
    throw windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', `longer than ${MAX_LIST_LENGTH} characters`, setting);
  }
  if (text.trim() === '') throw windowsError('ERR_POLICY_WINDOWS_PROVIDER', 'the list is empty', setting);
  for (const [index, entry] of text.split(',').entries()) {
    const where = `${setting} entry ${index + 1}`;
    const guid = entry.replace(/^[ \t]+|[ \t]+$/g, '').toUpperCase();
    if (!GUID.test(guid)) {
      throw windowsError('ERR_POLICY_WINDOWS_PROVIDER', `${quoted(entry)} is no GUID in braces`, where);
    }
    const provider = PROVIDERS.find((name) => PROVIDER_GUIDS[name] === guid);
    if (provider === undefined) {
      const name = FOREIGN[guid];
      const words = `${guid}${name === undefined ? '' : ` (${name})`} is not supported as an unlock factor`;
      throw windowsError('ERR_POLICY_WINDOWS_PROVIDER_UNKNOWN', words, where);
    }
    if (guid.length !== entry.length) notes.push({ code: 'spelling', words: 'spaces around a GUID', where });
    if (providers.includes(provider)) {
      notes.push({ code: 'duplicate', words: `${provider} is listed twice`, where });
    } else {
      providers.push(provider);
    }
  }
  return { providers, notes };
}

export const writeProviders = (providers: readonly Provider[]): string =>
  providers.map((provider) => PROVIDER_GUIDS[provider]).join(',');

/**
 * The rules that the two lists have to keep together.
 * @throws {ERR_POLICY_WINDOWS_SIGNAL_FIRST} (V2) @throws {ERR_POLICY_WINDOWS_SIGNAL_ALONE} (V3)
 * @throws {ERR_POLICY_WINDOWS_GROUP_MISSING} (V6) @throws {ERR_POLICY_WINDOWS_PIN_MISSING} (V1)
 * @throws {ERR_POLICY_WINDOWS_NO_PAIR} (V4)
 */
export function checkGroups(groupA: readonly Provider[] | undefined, groupB: readonly Provider[] | undefined): void {
  const all = [...(groupA ?? []), ...(groupB ?? [])];
  if (all.length === 0) return;
  if (groupA?.includes('trusted-signal')) {
    throw windowsError('ERR_POLICY_WINDOWS_SIGNAL_FIRST', 'lists trusted signal', 'DeviceUnlock/GroupA');
  }
  if (all.every((provider) => provider === 'trusted-signal')) {
    throw windowsError('ERR_POLICY_WINDOWS_SIGNAL_ALONE', 'lists nothing but trusted signal', 'DeviceUnlock/GroupB');
  }
  if (groupA === undefined || groupB === undefined) {
    const missing = groupA === undefined ? 'GroupA' : 'GroupB';
    throw windowsError(
      'ERR_POLICY_WINDOWS_GROUP_MISSING',
      'is not there, the other list is',
      `DeviceUnlock/${missing}`,
    );
  }
  if (!all.includes('pin')) {
    throw windowsError('ERR_POLICY_WINDOWS_PIN_MISSING', 'neither list has the PIN', 'DeviceUnlock');
  }
  if (all.every((provider) => provider === all[0])) {
    throw windowsError('ERR_POLICY_WINDOWS_NO_PAIR', `both lists have ${all[0]} only`, 'DeviceUnlock');
  }
}
