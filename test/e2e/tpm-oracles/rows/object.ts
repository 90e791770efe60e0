/** Rows of the commands that make, load and read objects: Part 3 §12, §24.1, §28.5. */
import { concat, fromHex, toHex } from '../../../../drivers/base/bytes.ts';
import {
  create,
  createPrimary,
  decodePublicArea,
  type EccPublic,
  encodePublicArea,
  evictControl,
  externalKey,
  factorTemplate,
  load,
  loadExternal,
  type ObjectBlob,
  objectChangeAuth,
  type PublicArea,
  passwordAuth,
  readPublic,
  SIGNING_KEY,
  SRK_ECC,
  SRK_RSA,
  sealedTemplate,
  sessionAuth,
  startAuthSession,
  TPMA_OBJECT,
  unseal,
} from '../../../../drivers/tpm2/index.ts';
import {
  type Bench,
  blobArguments,
  ENDORSEMENT,
  encrypting,
  hexOf,
  loadBoth,
  OWNER,
  type Row,
  secret,
} from '../row.ts';

const wrong = passwordAuth(Buffer.from('wrong'));
const hex = (area: PublicArea): string => toHex(encodePublicArea(area));

/** A factor object of ours, made over a session that encrypts. */
export async function ourFactor(bench: Bench, value: string, dictionaryAttack: boolean): Promise<ObjectBlob> {
  const { session, uses } = await encrypting(bench);
  using authValue = secret(value);
  using data = secret('what was sealed');
  const template = factorTemplate(dictionaryAttack);
  const blob = await create(bench.tpm, bench.srk, template, { sensitive: { authValue, data }, sessions: uses });
  await session.close();
  return blob;
}

const theirFactor = async (bench: Bench, value: string): Promise<ObjectBlob> => {
  const args = {
    parent: 'srk',
    public: hex(factorTemplate(false)),
    authValue: hexOf(value),
    data: hexOf('what was sealed'),
  };
  const made = await bench.esapi.call('create', args);
  return { publicArea: fromHex(String(made.public)), privateArea: fromHex(String(made.private)) };
};

async function weUnseal(bench: Bench, blob: ObjectBlob, value: string): Promise<string> {
  await using object = await load(bench.tpm, bench.srk, blob);
  await using session = await startAuthSession(bench.tpm, { kind: 'hmac', salt: bench.srk });
  using authValue = secret(value);
  using data = await unseal(bench.tpm, object, sessionAuth(session, authValue, { encrypt: true }));
  return Buffer.from(data.expose()).toString();
}

async function theyUnseal({ esapi }: Bench, blob: ObjectBlob, value: string): Promise<string> {
  await esapi.call('load', { tag: 'sealed', parent: 'srk', ...blobArguments(blob) });
  await esapi.call('start_auth_session', { tag: 'salted', kind: 'hmac', salt: 'srk', encrypt: true });
  const data = await esapi.text('unseal', 'data', { object: 'sealed', session: 'salted', auth: hexOf(value) });
  await esapi.call('flush_context', { object: 'salted' });
  await esapi.call('flush_context', { object: 'sealed' });
  return Buffer.from(data, 'hex').toString();
}

/** The public area without what is random in it. */
const fixedPart = (bytes: Uint8Array): unknown => ({ ...decodePublicArea(bytes), unique: null });

/** A point of P-256 that everybody knows: the generator (FIPS 186-4 §D.1.2.3). */
const GENERATOR = externalKey(
  fromHex('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
  fromHex('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
);
const NO_POINT: EccPublic = { ...GENERATOR, y: GENERATOR.x };

/** Like a factor object, but with a door left open: the ADMIN role takes the authValue. */
const changeable: PublicArea = {
  ...factorTemplate(false),
  attributes: factorTemplate(false).attributes & ~TPMA_OBJECT.ADMIN_WITH_POLICY,
};

export const OBJECT = {
  CreatePrimary: {
    agree: async ({ tpm, esapi }) => {
      const ours: Record<string, string> = {};
      const theirs: Record<string, string> = {};
      for (const [what, template, hierarchy] of [
        ['ecc', SRK_ECC, OWNER],
        ['rsa', SRK_RSA, OWNER],
        ['endorsement', SRK_ECC, ENDORSEMENT],
        ['signing', SIGNING_KEY, OWNER],
      ] as const) {
        await using primary = await createPrimary(tpm, template, { hierarchy });
        ours[what] = toHex(primary.name);
        theirs[what] = await esapi.text('create_primary', 'name', { tag: what, hierarchy, public: hex(template) });
        await esapi.call('flush_context', { object: what });
      }
      return { ours, theirs };
    },
    refuse: {
      rc: 0x9a2,
      ours: ({ tpm }) => createPrimary(tpm, SRK_ECC, { auth: wrong }),
      theirs: ({ esapi }) =>
        esapi.call('create_primary', { tag: 'never', hierarchy: OWNER, auth: hexOf('wrong'), public: hex(SRK_ECC) }),
    },
  },
  Create: {
    agree: async (bench) => {
      const mine = await ourFactor(bench, 'a factor', false);
      const their = await theirFactor(bench, 'a factor');
      return {
        ours: { area: fixedPart(mine.publicArea), other: await weUnseal(bench, their, 'a factor') },
        theirs: { area: fixedPart(their.publicArea), other: await theyUnseal(bench, mine, 'a factor') },
      };
    },
    refuse: {
      rc: 0x9a2,
      ours: ({ tpm, srk }) => create(tpm, srk, sealedTemplate(new Uint8Array(32)), { auth: wrong }),
      theirs: ({ esapi }) =>
        esapi.call('create', { parent: 'srk', auth: hexOf('wrong'), public: hex(sealedTemplate(new Uint8Array(32))) }),
    },
  },
  Load: {
    agree: async (bench) => {
      const { object, theirName } = await loadBoth(bench, await ourFactor(bench, 'a factor', true), 'factor');
      await using ours = object;
      return { ours: { name: toHex(ours.name) }, theirs: { name: theirName } };
    },
    refuse: {
      rc: 0x1df,
      ours: async (bench) => load(bench.tpm, bench.srk, await damaged(bench)),
      theirs: async (bench) =>
        bench.esapi.call('load', { tag: 'never', parent: 'srk', ...blobArguments(await damaged(bench)) }),
    },
  },
  LoadExternal: {
    agree: async ({ tpm, esapi }) => {
      await using ours = await loadExternal(tpm, GENERATOR);
      const theirs = await esapi.text('load_external', 'name', {
        tag: 'external',
        hierarchy: OWNER,
        public: hex(GENERATOR),
      });
      return { ours: { name: toHex(ours.name) }, theirs: { name: theirs } };
    },
    refuse: {
      rc: 0x2e7,
      ours: ({ tpm }) => loadExternal(tpm, NO_POINT),
      theirs: ({ esapi }) => esapi.call('load_external', { tag: 'never', hierarchy: OWNER, public: hex(NO_POINT) }),
    },
  },
  ReadPublic: {
    agree: async ({ tpm, esapi, srk }) => {
      const ours = await readPublic(tpm, srk.handle);
      const theirs = await esapi.call('read_public', { object: 'srk' });
      return {
        ours: { name: toHex(ours.name), public: hex(ours.publicArea) },
        theirs: { name: theirs.name, public: theirs.public },
      };
    },
    refuse: {
      rc: 0x18b,
      ours: ({ tpm }) => readPublic(tpm, 0x81000099),
      theirs: ({ esapi }) => esapi.call('from_handle', { tag: 'never', handle: 0x81000099 }),
    },
  },
  EvictControl: {
    agree: async ({ tpm, esapi, srk }) => {
      await evictControl(tpm, srk, 0x81000123);
      const kept = await readPublic(tpm, 0x81000123);
      const theirs = await esapi.text('evict_control', 'name', { tag: 'kept', object: 'srk', persistent: 0x81000123 });
      await evictControl(tpm, kept, 0x81000123);
      await esapi.call('evict_control', { tag: 'none', object: 'kept', persistent: 0x81000123 });
      return { ours: { name: toHex(kept.name) }, theirs: { name: theirs } };
    },
    refuse: {
      rc: 0x1c4,
      ours: ({ tpm, srk }) => evictControl(tpm, srk, 0x01000000),
      theirs: ({ esapi }) => esapi.call('evict_control', { tag: 'never', object: 'srk', persistent: 0x01000000 }),
    },
  },
  Unseal: {
    agree: async (bench) => {
      const blob = await ourFactor(bench, 'a factor', true);
      return {
        ours: { data: await weUnseal(bench, blob, 'a factor') },
        theirs: { data: await theyUnseal(bench, blob, 'a factor') },
      };
    },
    refuse: {
      rc: 0x98e,
      ours: async (bench) => weUnseal(bench, await ourFactor(bench, 'a factor', true), 'wrong'),
      theirs: async (bench) => theyUnseal(bench, await ourFactor(bench, 'a factor', true), 'wrong'),
    },
  },
  ObjectChangeAuth: {
    agree: async (bench) => {
      using before = secret('before');
      using after = secret('after');
      using data = secret('what was sealed');
      const blob = await create(bench.tpm, bench.srk, changeable, { sensitive: { authValue: before, data } });
      const { object } = await loadBoth(bench, blob, 'changed');
      await using ours = object;
      const { session, uses } = await encrypting(bench);
      const auth = passwordAuth(before.expose());
      const mine = await objectChangeAuth(bench.tpm, ours, bench.srk, auth, after, uses);
      await session.close();
      const privateArea = await bench.esapi.text('object_change_auth', 'private', {
        object: 'changed',
        parent: 'srk',
        auth: hexOf('before'),
        newAuth: hexOf('after'),
      });
      await bench.esapi.call('flush_context', { object: 'changed' });
      const their = { publicArea: blob.publicArea, privateArea: fromHex(privateArea) };
      await ours.close();
      return {
        ours: { opened: await weUnseal(bench, their, 'after') },
        theirs: { opened: await theyUnseal(bench, mine, 'after') },
      };
    },
    refuse: {
      rc: 0x124,
      ours: async (bench) => {
        await using object = await load(bench.tpm, bench.srk, await ourFactor(bench, 'a factor', false));
        using after = secret('after');
        const auth = passwordAuth(Buffer.from('a factor'));
        await objectChangeAuth(bench.tpm, object, bench.srk, auth, after);
      },
      theirs: async (bench) => {
        const blob = await ourFactor(bench, 'a factor', false);
        await bench.esapi.call('load', { tag: 'factor', parent: 'srk', ...blobArguments(blob) });
        const args = { object: 'factor', parent: 'srk', auth: hexOf('a factor'), newAuth: hexOf('after') };
        await bench.esapi.call('object_change_auth', args);
      },
    },
  },
} satisfies Record<string, Row>;

/** A blob whose encrypted part was changed in one bit. */
async function damaged(bench: Bench): Promise<ObjectBlob> {
  const blob = await ourFactor(bench, 'a factor', false);
  const last = blob.privateArea.length - 1;
  const privateArea = concat(blob.privateArea.subarray(0, last), Uint8Array.of((blob.privateArea[last] ?? 0) ^ 1));
  return { ...blob, privateArea };
}
