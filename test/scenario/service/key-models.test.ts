/** Which models of security keys an agent enrols: the settings hid.allowed_aaguids and hid.metadata_file at work. */
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../drivers/base/bytes.ts';
import { type KeyModels, parseFidoMetadata } from '../../../drivers/fido2/security-key.ts';
import { attestationCertificate } from '../../../hal-mocks/fido2/attestation-certificate.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { TestAgent } from '../../support/service/test-agent.ts';

const { aaguid } = PROFILES['2.1'];
const UUID = aaguid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const root = Buffer.from(attestationCertificate(fromHex(aaguid))).toString('base64');
const metadata = (types: readonly string[]) =>
  parseFidoMetadata(
    JSON.stringify({
      aaguid: UUID,
      description: 'the virtual key',
      attestationTypes: types,
      attestationRootCertificates: [root],
    }),
  );
const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`an agent that enrols only some models${missing ? ` (${missing})` : ''}`, () => {
  it.each<[string, '2.1' | 'attested', KeyModels, string | null]>([
    ['a model that is listed', '2.1', { allowed: new Set([aaguid]), metadata: null }, null],
    ['another one', '2.1', { allowed: new Set(['00'.repeat(16)]), metadata: null }, 'ERR_CTAP_NOT_ALLOWED_MODEL'],
    ['one that its maker attests', 'attested', { allowed: new Set(), metadata: metadata(['basic_full']) }, null],
    [
      'one that attests itself, as is known',
      '2.1',
      { allowed: new Set(), metadata: metadata(['basic_surrogate']) },
      null,
    ],
    [
      'one that only attests itself',
      '2.1',
      { allowed: new Set(), metadata: metadata([]) },
      'ERR_CTAP_NOT_ALLOWED_MODEL',
    ],
  ])('enrols %s, or says why not', async (_, profile, models, code) => {
    await using agent = await TestAgent.start({ profile, settings: { keyModels: () => models } });
    await agent.run(0, { kind: 'setup' });
    const outcome = await agent.run(1000, { kind: 'enrol' }, { 'new-pin': '246813' });
    expect(outcome.failed?.refusal.code ?? null).toBe(code);
    expect((await agent.parts.store.readContainer(1000)) === null).toBe(code !== null);
  });
});
