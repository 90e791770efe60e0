/** The TPM contract on every way to a TPM that this machine has. */
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { type Swtpm, startSwtpm, swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { tctildrMissing } from '../../support/tpm/tctildr.ts';
import { type ContractTpm, describeTpmContract } from './transport-contract.ts';

const noSwtpm = await swtpmMissing();
const noTctildr = noSwtpm ?? (await tctildrMissing());

/** A software TPM behind the address that `configOf` makes of it. */
const software = (configOf: (swtpm: Swtpm) => string, tcp: boolean) => async (): Promise<ContractTpm> => {
  const swtpm = await startSwtpm({ tcp });
  return {
    hal: linuxTpm(configOf(swtpm)),
    managesHandles: false,
    power: { kill: () => swtpm.kill(), restore: () => swtpm.start() },
    [Symbol.asyncDispose]: () => swtpm.close(),
  };
};

describeTpmContract(
  'swtpm on a UNIX socket',
  noSwtpm === null ? software((swtpm) => swtpm.config, false) : { skip: noSwtpm },
);
describeTpmContract(
  'swtpm on a TCP port',
  noSwtpm === null ? software((swtpm) => swtpm.config, true) : { skip: noSwtpm },
);
describeTpmContract(
  'swtpm through libtss2-tctildr',
  noTctildr === null ? software((swtpm) => `tcti:${swtpm.config}`, false) : { skip: noTctildr },
);

const setting = process.env.UNLOCKD_TEST_TPM;
const chip = async (config: string): Promise<ContractTpm> => ({
  hal: linuxTpm(config),
  managesHandles: /^(device|tcti:device):\/dev\/tpmrm|^tcti:tabrmd:/.test(config),
  power: null,
  [Symbol.asyncDispose]: async () => undefined,
});
describeTpmContract(
  'a TPM of this machine',
  setting === undefined || setting === ''
    ? { skip: 'set UNLOCKD_TEST_TPM, e.g. to device:/dev/tpmrm0' }
    : () => chip(setting),
);
