/**
 * The FIDO2 client against python-fido2 and libfido2: four operations on one virtual key over one kind of pipe (UDP), all
 * clients one after the other in every round. What counts is a client's own cost: its round trip at the median, without the
 * median time that the key says it worked for it. All verify what comes back; only ours is the room `drivers/fido2`.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bytesEqual, utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Closers } from '../../../drivers/base/closers.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { Authenticator } from '../../../drivers/fido2/authenticator.ts';
import { CtapHidChannel } from '../../../drivers/fido2/channel.ts';
import { getTokenWithPin, setPin } from '../../../drivers/fido2/client-pin.ts';
import { authenticatorGetAssertion } from '../../../drivers/fido2/get-assertion.ts';
import { authenticatorGetInfo } from '../../../drivers/fido2/get-info.ts';
import { HMAC_SECRET, hmacSecretInput, hmacSecretOutputs } from '../../../drivers/fido2/hmac-secret.ts';
import { authenticatorMakeCredential } from '../../../drivers/fido2/make-credential.ts';
import { NO_VERIFICATION } from '../../../drivers/fido2/verification.ts';
import { COSE_ALG, PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import { SYSTEM_PYTHON } from '../../support/umockdev/bridge.ts';
import { timed } from '../bare-parts.ts';
import { udpConnection } from '../fido2/udp-hid.ts';
import { comparedLane, type Lane } from '../lane.ts';
import { quantilesOf } from '../quantiles.ts';

const OPERATIONS = ['get-info', 'make-credential', 'get-assertion', 'get-assertion-pin-hmac'] as const;
type Operation = (typeof OPERATIONS)[number];
const OTHERS = ['python', 'libfido2'] as const;
type Other = (typeof OTHERS)[number];

const WARM_UP = 30;
const ROUNDS = 300;
const PIN = '248163';
/** The largest ratio of each operation, and of their geometric mean. */
const LIMITS: Readonly<Record<Other, Readonly<Record<Operation | 'mean', number | null>>>> = {
  python: {
    'get-info': 1.25,
    'make-credential': 1.25,
    'get-assertion': 1.25,
    'get-assertion-pin-hmac': 1.25,
    mean: 1,
  },
  libfido2: {
    'get-info': 3,
    'make-credential': 1.5,
    'get-assertion': 1.5,
    'get-assertion-pin-hmac': 1.5,
    mean: null,
  },
};

const lanesOf = (other: Other): string[] =>
  [...OPERATIONS, ...(LIMITS[other].mean === null ? [] : ['mean'])].map((name) => `fido2/${other}/${name}`);
export const FIDO2_LANES: readonly string[] = OTHERS.flatMap(lanesOf);

/** Does the operation once. @returns milliseconds, as measured around it in its own process */
type Client = (operation: Operation) => Promise<number>;

/** A program that answers each line with one. */
async function lineProgram(opened: Closers, [program = '', ...args]: readonly string[]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin.on('error', () => undefined);
  opened.add(async () => {
    child.stdin.end();
    await ended;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done) throw new Error(`${program} ended`);
    return line.value;
  };
  const first = await read();
  const ask = async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    return await read();
  };
  return { first, ask };
}

async function ourClient(opened: Closers, port: number): Promise<Client> {
  const { signal } = new AbortController();
  const entropy = systemEntropy;
  const channel = await CtapHidChannel.open(await udpConnection(port), { clock: systemClock, entropy, signal });
  opened.add(() => channel.close());
  const authenticator = new Authenticator(channel);
  const info = await authenticatorGetInfo(authenticator, { signal });
  const rpId = 'unlockd';
  const call = { signal };
  const pinCall = { signal, entropy, protocol: 2 } as const;
  using pin = Secret.take(utf8(PIN));
  await setPin(authenticator, pin, { ...pinCall, minLength: info.minPinLength });
  const make = () =>
    authenticatorMakeCredential(
      authenticator,
      {
        clientDataHash: entropy.bytes(32),
        rpId,
        user: { id: utf8('user-0001'), name: 'user 1' },
        algorithms: [COSE_ALG.ES256],
        extensions: new Map([[HMAC_SECRET, true]]),
        verification: NO_VERIFICATION,
      },
      call,
    );
  const made = await make();
  const known = { rpId, credentialId: made.credential.credentialId, publicKey: made.publicKey };
  const work: Readonly<Record<Operation, () => Promise<unknown>>> = {
    'get-info': () => authenticatorGetInfo(authenticator, call),
    'make-credential': make,
    'get-assertion': () => {
      const request = { ...known, clientDataHash: entropy.bytes(32), verification: NO_VERIFICATION };
      return authenticatorGetAssertion(authenticator, request, call);
    },
    'get-assertion-pin-hmac': async () => {
      using typed = Secret.take(utf8(PIN));
      using token = await getTokenWithPin(authenticator, typed, { permissions: PERMISSION.ga, rpId }, pinCall);
      const { shared } = token;
      const { data } = await authenticatorGetAssertion(
        authenticator,
        {
          ...known,
          clientDataHash: entropy.bytes(32),
          extensions: new Map([[HMAC_SECRET, hmacSecretInput(shared, [entropy.bytes(32)], entropy)]]),
          verification: { kind: 'token', token },
        },
        call,
      );
      for (const secret of hmacSecretOutputs(data, shared, 1)) secret.dispose();
    },
  };
  if (!bytesEqual(info.aaguid, made.credential.aaguid)) throw new Error('the key attests another model');
  return (operation) => timed(work[operation]);
}

const script = (name: string): string => fileURLToPath(new URL(`../scripts/${name}`, import.meta.url));

/** @returns null where it cannot be compiled, which is said on standard error */
async function compiled(opened: Closers): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'unlockd-bench-fido2-'));
  opened.add(() => rm(folder, { recursive: true, force: true }));
  const program = join(folder, 'fido2');
  try {
    await promisify(execFile)('cc', ['-O2', '-Wall', '-Werror', '-o', program, script('libfido2.c'), '-lfido2']);
    return program;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error);
    process.stderr.write(`fido2/libfido2 is skipped: needs cc and libfido2-dev (${reason})\n`);
    return null;
  }
}

async function otherClient(opened: Closers, argv: readonly string[]): Promise<Client> {
  const { first, ask } = await lineProgram(opened, argv);
  if (first !== 'ready') throw new Error(`${argv[0]} said ${first}`);
  return async (operation) => Number(await ask(operation));
}

interface Series {
  readonly took: number[];
  /** What the key says it worked meanwhile. */
  readonly worked: number[];
}

/** The client's own cost of each round: what stays when the key's median is taken away. */
function costs({ took, worked }: Series): readonly number[] {
  const { p50 } = quantilesOf(worked);
  return took.map((ms) => ms - p50);
}

/** @param only the lanes that are wanted */
export async function fido2Lanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using opened = new Closers();
  const main = fileURLToPath(new URL('../fido2/authenticator.js', import.meta.url));
  const key = await lineProgram(opened, [process.execPath, main]);
  const port = Number(key.first);
  const clients = new Map<string, Client>([['ours', await ourClient(opened, port)]]);
  if (lanesOf('python').some(only)) {
    clients.set('python', await otherClient(opened, [SYSTEM_PYTHON, script('python_fido2.py'), String(port), PIN]));
  }
  const program = lanesOf('libfido2').some(only) ? await compiled(opened) : null;
  if (program !== null) clients.set('libfido2', await otherClient(opened, [program, String(port), PIN]));
  const measured = new Map<string, Series>();
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const operation of OPERATIONS) {
      // Who begins changes, so that nobody always meets the pause after another.
      const order = [...clients];
      const turned = round % 2 === 0 ? order : order.reverse();
      for (const [who, client] of turned) {
        await key.ask('');
        const took = await client(operation);
        const worked = Number(await key.ask(''));
        if (round < 0) continue;
        const name = `${who}/${operation}`;
        const series = measured.get(name) ?? { took: [], worked: [] };
        measured.set(name, series);
        series.took.push(took);
        series.worked.push(worked);
      }
    }
  }
  return OTHERS.filter((other) => clients.has(other)).flatMap((other) =>
    compare(other, measured).filter((it) => only(it.name)),
  );
}

function compare(other: Other, measured: ReadonlyMap<string, Series>): Lane[] {
  const of = (who: string, operation: Operation): Series =>
    measured.get(`${who}/${operation}`) ?? { took: [], worked: [] };
  const lanes = OPERATIONS.map((operation) => {
    const [mine, theirs] = [of('ours', operation), of(other, operation)];
    return comparedLane({
      name: `fido2/${other}/${operation}`,
      unit: 'ms',
      ours: costs(mine),
      other: { what: `${other}: its own cost`, samples: costs(theirs) },
      limit: LIMITS[other][operation],
      apart: {
        'our round trip': mine.took,
        'the key’s part of ours': mine.worked,
        [`${other}: round trip`]: theirs.took,
        [`the key’s part of ${other}’s`]: theirs.worked,
      },
    });
  });
  const { mean } = LIMITS[other];
  if (mean === null) return lanes;
  const product = lanes.reduce((so, { ratio }) => so * (ratio ?? Number.NaN), 1);
  const ratio = product ** (1 / lanes.length);
  const flat = { p50: ratio, p95: ratio, p99: ratio };
  return [
    ...lanes,
    {
      name: `fido2/${other}/mean`,
      n: ROUNDS,
      unit: 'x',
      ours: flat,
      other: null,
      ratio,
      limit: mean,
      ok: ratio <= mean,
    },
  ];
}
