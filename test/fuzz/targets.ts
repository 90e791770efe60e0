/** Everything that reads what it cannot trust, each with the recordings to spoil and its share of the cases. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeEvents } from '../../agent/api/event-stream.ts';
import { ceremonyRequestSchema } from '../../agent/api/schemas.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { parseApproval } from '../../agent/container/authority/signing-approval.ts';
import { parseRequest } from '../../agent/container/authority/signing-request.ts';
import { decodeState, type StateKind } from '../../agent/container/envelope.ts';
import { POLICY_STATE } from '../../agent/container/machine-policy.ts';
import { parseSheet } from '../../agent/container/recovery-sheet.ts';
import { CONTAINER_STATE, INTENT_STATE, MACHINE_STATE } from '../../agent/container/state.ts';
import { parsePolicy } from '../../agent/policy/forms/native-json.ts';
import { readPolicyFiles } from '../../agent/policy/forms/policy-file.ts';
import { concat, u32, utf8 } from '../../drivers/base/bytes.ts';
import { type Clock, systemClock } from '../../drivers/base/clock.ts';
import { systemEntropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { parseAuthenticatorData } from '../../drivers/fido2/auth-data.ts';
import { Authenticator } from '../../drivers/fido2/authenticator.ts';
import type { CtapHidChannel } from '../../drivers/fido2/channel.ts';
import { getKeyAgreement, getPinRetries, getTokenWithPin } from '../../drivers/fido2/client-pin.ts';
import { parseCoseKey } from '../../drivers/fido2/cose-key.ts';
import { assertSilently } from '../../drivers/fido2/get-assertion.ts';
import { authenticatorGetInfo } from '../../drivers/fido2/get-info.ts';
import { authenticatorMakeCredential } from '../../drivers/fido2/make-credential.ts';
import { decodeLenient, decodePrefix, decodeStrict } from '../../drivers/fido2/wire/cbor.ts';
import { Reassembler } from '../../drivers/fido2/wire/ctaphid.ts';
import type { TpmTransport } from '../../drivers/hal/tpm.ts';
import { buildCommand } from '../../drivers/tpm2/command.ts';
import {
  type CommandName,
  createPrimary,
  decodeNvPublic,
  decodePublicArea,
  emptyAuth,
  externalKey,
  getHandles,
  getProperties,
  getRandom,
  loadExternal,
  nvRead,
  nvReadPublic,
  readPublic,
  readSignature,
  SRK_ECC,
  startAuthSession,
  TPM_CC,
  Tpm,
} from '../../drivers/tpm2/index.ts';
import { reader } from '../../drivers/tpm2/wire/marshal.ts';
import { type Corpus, textOf } from './corpus.ts';
import { type Dice, mutate } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Its share of all cases. */
  readonly weight: number;
  /** Reads one generated case. A value, or a typed error; `false`: refused without an exception. */
  readonly read: (dice: Dice) => unknown;
  readonly close?: () => void | Promise<void>;
}

/** Waiting costs no time here. */
const HASTY: Clock = { ...systemClock, sleep: async () => undefined };

/** Corrects the size field of a TPM response, so that readers get past the header. */
function resized(response: Uint8Array): Uint8Array {
  return response.length < 10 ? response : concat(response.subarray(0, 2), u32(response.length), response.subarray(6));
}

const COMMANDS = Object.keys(TPM_CC) as CommandName[];

function tpmTargets(corpus: Corpus): Target[] {
  const all = [...corpus.tpm.values()].flat();
  const answer = (dice: Dice, among: readonly Uint8Array[] = all): Uint8Array => {
    const bytes = mutate(among, dice);
    return dice.roll(4) === 0 ? bytes : resized(bytes);
  };
  const handle = { handle: 0x80000001, name: new Uint8Array(34) };
  const key = externalKey(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
  const counter = { handle: 0x01800001, name: new Uint8Array(34) };
  const calls: [string, (tpm: Tpm) => Promise<unknown>][] = [
    ['TPM2_ReadPublic', (tpm) => readPublic(tpm, 0x81000001)],
    ['TPM2_NV_ReadPublic', (tpm) => nvReadPublic(tpm, 0x01800001)],
    ['TPM2_GetCapability', (tpm) => getProperties(tpm, 0x200, 32)],
    ['TPM2_GetCapability', (tpm) => getHandles(tpm, 0x01800000, 64)],
    ['TPM2_GetRandom', (tpm) => getRandom(tpm, 16)],
    ['TPM2_StartAuthSession', (tpm) => startAuthSession(tpm, { kind: 'policy' })],
    ['TPM2_LoadExternal', (tpm) => loadExternal(tpm, key)],
    ['TPM2_CreatePrimary', (tpm) => createPrimary(tpm, SRK_ECC)],
    ['TPM2_NV_Read', (tpm) => nvRead(tpm, counter, 8, emptyAuth)],
  ];
  return [
    {
      name: 'tpm/response',
      weight: 12,
      read: (dice) => {
        const sessions = dice.roll(2) === 0;
        const command = dice.pick(COMMANDS);
        const responseHandles = dice.roll(2) === 0 ? 0 : 1;
        const handles = sessions ? [{ ...handle, auth: emptyAuth }] : [];
        const built = buildCommand({ command, handles, responseHandles }, systemEntropy);
        return built.accept(answer(dice, corpus.tpm.get(`TPM2_${command}`) ?? all));
      },
    },
    {
      name: 'tpm/commands',
      weight: 6,
      read: async (dice) => {
        const [name, call] = dice.pick(calls);
        const transport: TpmTransport = {
          description: 'generated',
          managesHandles: dice.roll(2) === 0,
          submit: async () => answer(dice, corpus.tpm.get(name) ?? all),
          close: async () => undefined,
          [Symbol.asyncDispose]: async () => undefined,
        };
        const tpm = new Tpm(transport, { clock: HASTY, entropy: systemEntropy });
        return await call(tpm);
      },
    },
    {
      name: 'tpm/structures',
      weight: 12,
      read: (dice) => {
        const bytes = mutate(corpus.publicAreas, dice);
        const which = dice.roll(3);
        if (which === 0) return decodePublicArea(bytes);
        return which === 1 ? decodeNvPublic(bytes) : readSignature(reader(bytes));
      },
    },
  ];
}

/** Members of the answers that are byte strings of at least this length: authenticator data is among them. */
const byteStrings = (answers: readonly Uint8Array[], least: number): Uint8Array[] =>
  answers.flatMap((answer) => {
    if (answer.length === 0) return [];
    const { value } = decodeLenient(answer, { maxDepth: 8 });
    const members = value instanceof Map ? [...value.values()] : [];
    return members.filter((member): member is Uint8Array => member instanceof Uint8Array && member.length >= least);
  });

/** The COSE_Key of authenticator data that has one, as bytes. */
function authDataKey(data: Uint8Array): Uint8Array | null {
  try {
    const { attested } = parseAuthenticatorData(data);
    return attested === null ? null : attested.publicKey;
  } catch {
    return null;
  }
}

function ctapTargets(corpus: Corpus): Target[] {
  const cbor = corpus.ctap.map((answer) => answer.subarray(1));
  const authData = byteStrings(cbor, 37);
  const coseKeys = authData.flatMap((data) => {
    const key = authDataKey(data);
    return key === null ? [] : [key];
  });
  const hash = new Uint8Array(32);
  const rpId = 'unlockd.local';
  const options = { signal: new AbortController().signal };
  const pinOptions = { ...options, protocol: 2 as const, entropy: systemEntropy };
  const verification = { kind: 'none' } as const;
  const user = { id: Uint8Array.of(1) };
  const calls: ((key: Authenticator) => Promise<unknown>)[] = [
    (key) => authenticatorGetInfo(key, options),
    (key) => authenticatorMakeCredential(key, { clientDataHash: hash, rpId, user, verification }, options),
    (key) => assertSilently(key, { rpId, clientDataHash: hash, allowList: [hash] }, options),
    (key) => getPinRetries(key, pinOptions),
    (key) => getKeyAgreement(key, pinOptions),
    async (key) => {
      using pin = Secret.take(utf8('123456'));
      return await getTokenWithPin(key, pin, null, pinOptions);
    },
  ];
  return [
    {
      name: 'fido2/ctaphid',
      weight: 48,
      read: (dice) => {
        const size = dice.pick([64, 64, 64, 8, 1024]);
        const channel = new DataView((corpus.reports[0] ?? new Uint8Array(4)).buffer).getUint32(0);
        const role = dice.roll(2) === 0 ? ({ role: 'device' } as const) : ({ role: 'host', channel } as const);
        const reassembler = new Reassembler({ ...role, reportSize: size });
        let last: unknown = null;
        for (let reports = 1 + dice.roll(12); reports > 0; reports--) {
          const report = mutate(corpus.reports, dice);
          const whole = new Uint8Array(size);
          whole.set(report.subarray(0, size));
          last = reassembler.push(dice.roll(8) === 0 ? report : whole);
        }
        return last;
      },
    },
    {
      name: 'fido2/cbor',
      weight: 96,
      read: (dice) => {
        const bytes = mutate(cbor, dice);
        const which = dice.roll(3);
        if (which === 0) return decodeStrict(bytes);
        return which === 1 ? decodeLenient(bytes) : decodePrefix(bytes);
      },
    },
    {
      name: 'fido2/responses',
      weight: 8,
      read: async (dice) => {
        const transact = async (): Promise<Uint8Array> => mutate(corpus.ctap, dice);
        const key = new Authenticator({ transact } as unknown as CtapHidChannel);
        return await dice.pick(calls)(key);
      },
    },
    {
      name: 'fido2/structures',
      weight: 8,
      read: (dice) => {
        if (dice.roll(2) === 0) return parseAuthenticatorData(mutate(authData, dice));
        return parseCoseKey(mutate(coseKeys, dice));
      },
    },
  ];
}

function fileTargets(corpus: Corpus): Target[] {
  const kinds: readonly StateKind<unknown>[] = [CONTAINER_STATE, MACHINE_STATE, INTENT_STATE, POLICY_STATE] as never;
  /** The bodies, out of their envelopes: otherwise the digest would keep nearly every case from the shapes. */
  const bodies = corpus.stateFiles.flatMap((file) => {
    const outer = decodeLenient(file, { maxDepth: 12 }).value;
    const body = outer instanceof Map ? outer.get('body') : null;
    return body instanceof Uint8Array ? [body] : [];
  });
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-fuzz-'));
  chmodSync(folder, 0o700);
  const config = utf8(
    '[tpm]\ntcti = "swtpm:path=/run/x"\ntimeout_seconds = 12\n\n[hid]\nenabled = false\n[log]\nlevel="info"\n',
  );
  const configFile = join(folder, 'unlockd.toml');
  return [
    { name: 'state/file', weight: 6, read: (dice) => decodeState(dice.pick(kinds), mutate(corpus.stateFiles, dice)) },
    {
      name: 'state/body',
      weight: 6,
      read: (dice) => dice.pick(kinds).shape.decode(decodeStrict(mutate(bodies, dice), { maxDepth: 12 }), 'body'),
    },
    { name: 'policy/request', weight: 4, read: (dice) => parseRequest(textOf(mutate(corpus.requests, dice))) },
    { name: 'policy/approval', weight: 4, read: (dice) => parseApproval(textOf(mutate(corpus.approvals, dice))) },
    { name: 'policy/document', weight: 4, read: (dice) => parsePolicy(textOf(mutate(corpus.policies, dice))) },
    {
      name: 'policy/file',
      weight: 6,
      read: (dice) => readPolicyFiles([{ name: 'a file', data: mutate(corpus.policyFiles, dice) }]).document.version,
    },
    {
      name: 'recovery/sheet',
      weight: 6,
      read: (dice) => {
        using typed = Secret.take(new Uint8Array(mutate(corpus.sheets, dice)));
        using secret = parseSheet(typed);
        return secret.expose().length;
      },
    },
    {
      name: 'config/toml',
      weight: 1,
      read: (dice) => {
        writeFileSync(configFile, mutate([config], dice), { mode: 0o600 });
        return loadConfig({ file: configFile, env: {} });
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    },
  ];
}

function apiTargets(): Target[] {
  const requests = [
    '{"kind":"unlock","purpose":"backup","forSeconds":60}',
    '{"kind":"unenrol","uid":1000}',
    '{"kind":"policy-apply","document":"{}"}',
    '{"kind":"setup"}',
  ].map(utf8);
  const stream = [utf8('id: 1\nevent: prompt\ndata: {"type":"prompt","slot":"pin","text":"PIN","triesLeft":5}\n\n')];
  return [
    {
      name: 'api/requests',
      weight: 4,
      read: (dice) => {
        let json: unknown;
        try {
          json = JSON.parse(textOf(mutate(requests, dice)));
        } catch {
          return false;
        }
        return ceremonyRequestSchema.safeParse(json).success;
      },
    },
    {
      name: 'api/events',
      weight: 3,
      read: async (dice) => {
        const chunks = Array.from({ length: 1 + dice.roll(4) }, () => mutate(stream, dice));
        const source = (async function* () {
          yield* chunks;
        })();
        let count = 0;
        for await (const _event of decodeEvents(source)) count++;
        return count;
      },
    },
  ];
}

export const targetsOf = (corpus: Corpus): readonly Target[] => [
  ...tpmTargets(corpus),
  ...ctapTargets(corpus),
  ...fileTargets(corpus),
  ...apiTargets(),
];
