/** Rows of the NV commands: Part 3 §31, on the one kind of index that the product has. */
import { toHex } from '../../../../drivers/base/bytes.ts';
import {
  COUNTER_ATTRIBUTES,
  counterPublic,
  emptyAuth,
  encodeNvPublic,
  type NvPublic,
  nvDefineSpace,
  nvIncrement,
  nvIndex,
  nvRead,
  nvReadPublic,
  nvUndefineSpace,
  passwordAuth,
  TPMA_NV,
} from '../../../../drivers/tpm2/index.ts';
import { type Bench, hexOf, type Row } from '../row.ts';

const INDEX = 0x01800124;
const UNKNOWN = 0x01800999;
const wrong = passwordAuth(Buffer.from('wrong'));

/** A counter that its policy alone moves, as the product has it. */
const STRICT = counterPublic(INDEX, new Uint8Array(32).fill(5), false);
/** The same with a door for the test. */
const OPEN: NvPublic = { ...STRICT, attributes: COUNTER_ATTRIBUTES | TPMA_NV.AUTHWRITE };

async function defineBoth(bench: Bench, area: NvPublic): Promise<string> {
  await nvDefineSpace(bench.tpm, area);
  return await bench.esapi.text('nv_define_space', 'name', { tag: 'index', public: toHex(encodeNvPublic(area)) });
}

async function undefineBoth(bench: Bench): Promise<void> {
  await nvUndefineSpace(bench.tpm, nvIndex(await nvReadPublic(bench.tpm, INDEX)));
  await bench.esapi.call('nv_undefine_space', { index: 'index' });
}

export const NV = {
  NV_DefineSpace: {
    agree: async (bench) => {
      const name = await defineBoth(bench, STRICT);
      const ours = toHex(nvIndex(await nvReadPublic(bench.tpm, INDEX)).name);
      await undefineBoth(bench);
      return { ours: { name: ours }, theirs: { name } };
    },
    refuse: {
      rc: 0x14c,
      ours: async (bench) => {
        await defineBoth(bench, STRICT);
        await nvDefineSpace(bench.tpm, STRICT);
      },
      theirs: ({ esapi }) => esapi.call('nv_define_space', { tag: 'again', public: toHex(encodeNvPublic(STRICT)) }),
    },
    spoils: true,
  },
  NV_UndefineSpace: {
    agree: async (bench) => {
      await defineBoth(bench, STRICT);
      await undefineBoth(bench);
      const ours = await nvReadPublic(bench.tpm, INDEX).then(
        () => 'there',
        () => 'gone',
      );
      const theirs = await bench.esapi.call('from_handle', { tag: 'never', handle: INDEX }).then(
        () => 'there',
        () => 'gone',
      );
      if (ours !== 'gone') throw new Error('the index is still there');
      return { ours: { index: ours }, theirs: { index: theirs } };
    },
    refuse: {
      rc: 0x9a2,
      ours: async (bench) => {
        await defineBoth(bench, STRICT);
        await nvUndefineSpace(bench.tpm, nvIndex(STRICT), wrong);
      },
      theirs: ({ esapi }) => esapi.call('nv_undefine_space', { index: 'index', auth: hexOf('wrong') }),
    },
    spoils: true,
  },
  NV_ReadPublic: {
    agree: async (bench) => {
      await defineBoth(bench, STRICT);
      const ours = await nvReadPublic(bench.tpm, INDEX);
      const theirs = await bench.esapi.call('nv_read_public', { index: 'index' });
      await undefineBoth(bench);
      return {
        ours: { public: toHex(encodeNvPublic(ours)), name: toHex(nvIndex(ours).name) },
        theirs: { public: theirs.public, name: theirs.name },
      };
    },
    refuse: {
      rc: 0x18b,
      ours: ({ tpm }) => nvReadPublic(tpm, UNKNOWN),
      theirs: ({ esapi }) => esapi.call('from_handle', { tag: 'never', handle: UNKNOWN }),
    },
  },
  NV_Increment: {
    agree: async (bench) => {
      await defineBoth(bench, OPEN);
      await nvIncrement(bench.tpm, nvIndex(OPEN), emptyAuth);
      await bench.esapi.call('nv_increment', { index: 'index' });
      const written = await nvReadPublic(bench.tpm, INDEX);
      await nvIncrement(bench.tpm, nvIndex(written), emptyAuth);
      await bench.esapi.call('nv_increment', { index: 'index' });
      const ours = toHex(await nvRead(bench.tpm, nvIndex(written), 8, emptyAuth));
      const theirs = await bench.esapi.call('nv_read', { index: 'index', size: 8 });
      const { name } = await bench.esapi.call('nv_read_public', { index: 'index' });
      await undefineBoth(bench);
      return {
        ours: { value: ours, name: toHex(nvIndex(written).name) },
        theirs: { value: theirs.data, name },
      };
    },
    refuse: {
      rc: 0x12f,
      ours: async (bench) => {
        await defineBoth(bench, STRICT);
        await nvIncrement(bench.tpm, nvIndex(STRICT), emptyAuth);
      },
      theirs: ({ esapi }) => esapi.call('nv_increment', { index: 'index' }),
    },
    spoils: true,
  },
  NV_Read: {
    agree: async (bench) => {
      await defineBoth(bench, OPEN);
      await nvIncrement(bench.tpm, nvIndex(OPEN), emptyAuth);
      await bench.esapi.call('nv_increment', { index: 'index' });
      const written = await nvReadPublic(bench.tpm, INDEX);
      const ours = toHex(await nvRead(bench.tpm, nvIndex(written), 8, emptyAuth));
      const theirs = await bench.esapi.text('nv_read', 'data', { index: 'index', size: 8 });
      await undefineBoth(bench);
      return { ours: { value: ours }, theirs: { value: theirs } };
    },
    refuse: {
      rc: 0x14a,
      ours: async (bench) => {
        await defineBoth(bench, OPEN);
        await nvRead(bench.tpm, nvIndex(OPEN), 8, emptyAuth);
      },
      theirs: ({ esapi }) => esapi.call('nv_read', { index: 'index', size: 8 }),
    },
    spoils: true,
  },
} satisfies Record<string, Row>;
