/** Rows of the commands on the TPM as a device: Part 3 §9, §16.1, §24.8, §25, §30.2. */
import { concat, toHex, u32 } from '../../../../drivers/base/bytes.ts';
import {
  createPrimary,
  dictionaryAttackLockReset,
  dictionaryAttackParameters,
  encodePublicArea,
  getHandles,
  getProperties,
  getRandom,
  HANDLE_RANGE,
  hierarchyChangeAuth,
  passwordAuth,
  SRK_ECC,
  shutdown,
  startup,
  TPM_PT,
  TPM_SU,
  type Tpm,
} from '../../../../drivers/tpm2/index.ts';
import { type Bench, ENDORSEMENT, encrypting, hexOf, OWNER, type Row, secret } from '../row.ts';

const NOTHING = new Uint8Array(0);
const wrong = passwordAuth(Buffer.from('wrong'));

async function properties(bench: Bench, first: number, count: number) {
  const ours = [...(await getProperties(bench.tpm, first, count))];
  const { properties: theirs } = await bench.esapi.call('get_properties', { first, count });
  return { ours, theirs };
}

const usable = async (tpm: Tpm) => ({ random: (await getRandom(tpm, 8)).length });
const theyUse = async ({ esapi }: Bench) => ({
  random: (await esapi.text('get_random', 'bytes', { count: 8 })).length / 2,
});

export const MANAGEMENT = {
  Startup: {
    agree: async (bench) => {
      await bench.init();
      await startup(bench.tpm, TPM_SU.CLEAR);
      await bench.esapi.call('startup', { type: TPM_SU.CLEAR });
      return { ours: await usable(bench.tpm), theirs: await theyUse(bench) };
    },
    refuse: {
      // Nothing was saved. (A second TPM2_Startup is 0x100 of the TPM, which ESAPI takes for success.)
      rc: 0x1c4,
      ours: async ({ tpm, init }) => {
        await init();
        await startup(tpm, TPM_SU.STATE);
      },
      theirs: ({ esapi }) => esapi.call('startup', { type: TPM_SU.STATE }),
    },
    spoils: true,
  },
  Shutdown: {
    agree: async (bench) => {
      await shutdown(bench.tpm, TPM_SU.CLEAR);
      await bench.esapi.call('shutdown', { type: TPM_SU.CLEAR });
      return { ours: await usable(bench.tpm), theirs: await theyUse(bench) };
    },
    refuse: {
      rc: 0x100,
      ours: async (bench) => {
        await bench.init();
        await shutdown(bench.tpm, TPM_SU.CLEAR);
      },
      theirs: ({ esapi }) => esapi.call('shutdown', { type: TPM_SU.CLEAR }),
    },
    spoils: true,
  },
  GetRandom: {
    agree: async ({ tpm, esapi }) => {
      const counts = [0, 1, 16, 48, 100];
      const ours: number[] = [];
      const theirs: number[] = [];
      for (const count of counts) {
        ours.push((await getRandom(tpm, count)).length);
        theirs.push((await esapi.text('get_random', 'bytes', { count })).length / 2);
      }
      return { ours: { lengths: ours }, theirs: { lengths: theirs } };
    },
    refuse: { never: 'any number of bytes is answered with as many as a digest has' },
  },
  GetCapability: {
    agree: async (bench) => {
      const fixed = await properties(bench, TPM_PT.MANUFACTURER, 40);
      const { handles } = await bench.esapi.call('get_handles', { first: HANDLE_RANGE.TRANSIENT });
      const ourHandles = await getHandles(bench.tpm, HANDLE_RANGE.TRANSIENT);
      return {
        ours: { fixed: fixed.ours, handles: ourHandles },
        theirs: { fixed: fixed.theirs, handles },
      };
    },
    refuse: {
      rc: 0x2cb,
      ours: ({ tpm }) => tpm.execute({ command: 'GetCapability', parameters: concat(u32(1), u32(0x7f000000), u32(1)) }),
      theirs: ({ esapi }) => esapi.call('get_capability', { capability: 1, first: 0x7f000000 }),
    },
  },
  HierarchyChangeAuth: {
    agree: async (bench) => {
      const { session, uses } = await encrypting(bench);
      using value = secret('a new owner password');
      await hierarchyChangeAuth(bench.tpm, ENDORSEMENT, passwordAuth(NOTHING), value, uses);
      await session.close();
      await bench.esapi.call('hierarchy_change_auth', {
        hierarchy: ENDORSEMENT,
        newAuth: hexOf('a new owner password'),
      });
      const auth = passwordAuth(value.expose());
      await using ours = await createPrimary(bench.tpm, SRK_ECC, { hierarchy: ENDORSEMENT, auth });
      const theirs = await bench.esapi.text('create_primary', 'name', {
        tag: 'primary',
        hierarchy: ENDORSEMENT,
        auth: hexOf('a new owner password'),
        public: toHex(encodePublicArea(SRK_ECC)),
      });
      const permanent = await properties(bench, TPM_PT.PERMANENT, 1);
      return {
        ours: { name: toHex(ours.name), permanent: permanent.ours },
        theirs: { name: theirs, permanent: permanent.theirs },
      };
    },
    refuse: {
      rc: 0x9a2,
      ours: async ({ tpm }) => {
        using value = secret('another');
        await hierarchyChangeAuth(tpm, OWNER, wrong, value);
      },
      theirs: ({ esapi }) =>
        esapi.call('hierarchy_change_auth', { hierarchy: OWNER, auth: hexOf('wrong'), newAuth: hexOf('another') }),
    },
    spoils: true,
  },
  DictionaryAttackLockReset: {
    agree: async (bench) => {
      await dictionaryAttackLockReset(bench.tpm, passwordAuth(NOTHING));
      await bench.esapi.call('da_lock_reset');
      const counter = await properties(bench, TPM_PT.LOCKOUT_COUNTER, 1);
      return { ours: { counter: counter.ours }, theirs: { counter: counter.theirs } };
    },
    refuse: {
      rc: 0x98e,
      ours: ({ tpm }) => dictionaryAttackLockReset(tpm, wrong),
      theirs: ({ esapi }) => esapi.call('da_lock_reset', { auth: hexOf('wrong') }),
    },
    spoils: true,
  },
  DictionaryAttackParameters: {
    agree: async (bench) => {
      const parameters = { maxTries: 32, recoveryTime: 600, lockoutRecovery: 86_400 };
      await dictionaryAttackParameters(bench.tpm, passwordAuth(NOTHING), parameters);
      await bench.esapi.call('da_parameters', parameters);
      const set = await properties(bench, TPM_PT.MAX_AUTH_FAIL, 3);
      return { ours: { set: set.ours }, theirs: { set: set.theirs } };
    },
    refuse: {
      rc: 0x98e,
      ours: ({ tpm }) => dictionaryAttackParameters(tpm, wrong, { maxTries: 1, recoveryTime: 1, lockoutRecovery: 1 }),
      theirs: ({ esapi }) =>
        esapi.call('da_parameters', { auth: hexOf('wrong'), maxTries: 1, recoveryTime: 1, lockoutRecovery: 1 }),
    },
    spoils: true,
  },
} satisfies Record<string, Row>;
