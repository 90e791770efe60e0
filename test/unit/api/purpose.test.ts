/** The name of a purpose: what one part of the program accepts, all of them accept. */
import { describe, expect, it } from 'vitest';
import { purposeSchema } from '../../../agent/api/schemas.ts';
import { parsePurpose } from '../../../agent/cli/values.ts';
import { checkPurpose } from '../../../agent/service/ceremonies/unlock.ts';

const accepts = (check: () => unknown): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

describe('a purpose', () => {
  it.each([
    ['disk', true],
    ['a', true],
    ['~', true],
    ['!', true],
    ['restic/home@2', true],
    ['x'.repeat(128), true],
    ['x'.repeat(129), false],
    ['', false],
    ['two words', false],
    [' disk', false],
    ['disk ', false],
    ['disk\n', false],
    ['disk\u0000', false],
    ['dısk', false],
  ])('%j is a name: %s, for the command line, the API and the service', (name, expected) => {
    const answers = [
      accepts(() => parsePurpose(name)),
      purposeSchema.safeParse(name).success,
      accepts(() => checkPurpose(name)),
    ];
    expect(answers).toEqual([expected, expected, expected]);
  });
});
