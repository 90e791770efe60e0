/** What the emulator lane lacks is said all at once, as what to do about it. */
import { describe, expect, it } from 'vitest';
import { type EmulatorNeeds, missingWords } from '../../../agent/lanes/emulator-needs.ts';

const ALL: EmulatorNeeds = { koffi: true, root: true, build: true, swtpm: true, bridge: true };

describe('what the emulator lane lacks', () => {
  it('is nothing where everything is there', () => {
    expect(missingWords(ALL)).toEqual([]);
  });

  it.each([
    [{ swtpm: false }, ['apt-get install swtpm']],
    [{ bridge: false }, ['apt-get install umockdev python3-gi gir1.2-umockdev-1.0']],
    [{ koffi: false }, ['npm install koffi']],
    [{ root: false }, ['run it as root, of this machine or of a user namespace: `sudo`, or `unshare --map-root-user`']],
    [{ build: false }, ['npm run build']],
    [
      { swtpm: false, bridge: false, build: false },
      ['apt-get install swtpm umockdev python3-gi gir1.2-umockdev-1.0', 'npm run build'],
    ],
  ])('%j', (lacks, words) => {
    expect(missingWords({ ...ALL, ...lacks })).toEqual(words);
  });
});
