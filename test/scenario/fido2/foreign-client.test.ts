/**
 * What this client enrols, a client that knows nothing of it (python-fido2) can use: the same public key verifies, and
 * the same salt gives the same secret, with and without user verification.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../drivers/base/bytes.ts';
import { enrolSecurityKey } from '../../../drivers/fido2/security-key.ts';
import { UdpServer } from '../../../hal-mocks/fido2/udp-server.ts';
import { ALICE, givePin, key, person } from '../../support/fido2/person.ts';
import { notOn } from '../../support/fido2/pipe.ts';
import { missingPythonModule, runToEnd, SYSTEM_PYTHON } from '../../support/umockdev/bridge.ts';

const ORACLE = fileURLToPath(new URL('../../support/fido2/python_oracle.py', import.meta.url));
/** What is preloaded under the bridge can keep a child from ever getting to its program. */
const startsPrograms = notOn(['hidraw'], 'what runs under the bridge starts no programs');
const missing = startsPrograms.skip ? startsPrograms.why : missingPythonModule('import fido2.ctap2', 'python3-fido2');

describe.skipIf(missing !== null)(`python-fido2${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  it.each([
    ['2.1', '', 1],
    ['2.1', '', 2],
    ['2.1', '248163', 1],
    ['2.1', '248163', 2],
    ['2.0', '248163', 1],
    ['protocol-1-only', '', 1],
  ] as const)(
    'gets the secret that was enrolled on a key of profile %s with PIN "%s" by protocol %d',
    async (profile, pin, protocol) => {
      const one = key(profile);
      const alice = person(one);
      if (pin !== '') {
        await givePin(alice, pin);
        alice.pins.push(pin);
      }
      const enrolled = await enrolSecurityKey({
        ...alice.ceremony,
        ...ALICE,
        uv: pin === '' ? 'discouraged' : 'required',
      });
      using hmacSecret = enrolled.hmacSecret;
      await using server = await UdpServer.start(one, 0);
      const { credentialId, publicKey, salt } = enrolled;
      const hex = { credentialId: toHex(credentialId), publicKey: toHex(publicKey), salt: toHex(salt) };
      const input = JSON.stringify({ ...hex, rpId: 'unlockd', protocol, pin });
      const { stdout, stderr } = await runToEnd([SYSTEM_PYTHON, ORACLE, String(server.port)], { input });
      expect(stdout.trim(), stderr).toBe(toHex(hmacSecret.expose()));
    },
  );
});
