import { expect, it } from 'vitest';
import { fixedProperties } from '../../lab/guest/devices.ts';

it('reads what tpm2_getcap says of a TPM', () => {
  const text = `TPM2_PT_FAMILY_INDICATOR:
  raw: 0x322E3000
  value: "2.0"
TPM2_PT_LEVEL:
  raw: 0
TPM2_PT_MANUFACTURER:
  raw: 0x49424D00
  value: "IBM"
TPM2_PT_FIRMWARE_VERSION_1:
  raw: 0x20191023
`;
  expect(Object.fromEntries(fixedProperties(text))).toEqual({
    FAMILY_INDICATOR: '2.0',
    LEVEL: '0',
    MANUFACTURER: 'IBM',
    FIRMWARE_VERSION_1: '0x20191023',
  });
});
