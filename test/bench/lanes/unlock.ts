/**
 * The two-factor unlock through the real daemon. What the person's hardware and the PIN's derivation take is subtracted
 * and shown apart; the rest is compared with the parts that it cannot do without, with the TPM's part alone, and with
 * tpm2-tools. Every round measures all of them, so that a slow moment of the machine meets all alike.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Closers } from '../../../drivers/base/closers.ts';
import { agreeOnKey, BareWrites, deriveBare, timed } from '../bare-parts.ts';
import { type BenchDaemon, startBenchDaemon } from '../daemon.ts';
import { Lab } from '../lab.ts';
import { comparedLane, type Lane } from '../lane.ts';
import { enrolSelf, PIN, runCeremony, UNLOCK } from '../person.ts';
import { toolsUnlock } from '../tools-unlock.ts';

const WARM_UP = 15;
const ROUNDS = 120;
/** The script takes much longer than everything else: it runs in every sixth round. */
const TOOLS_EVERY = 6;
/** The PIN/UV protocol of the key, CTAP 2.1 §6.5.4: one agreement for the hmac-secret extension. */
const PIN_PROTOCOL_AGREEMENTS = 1;
/** A try is written down before the TPM judges it, and struck off afterwards. */
const TRIES_WRITES = 2;

const LIMIT_PARTS = 1.25;
const LIMIT_TOOLS = 0.05;

async function sizes(daemon: BenchDaemon): Promise<{ tries: Uint8Array; line: Uint8Array }> {
  const uid = process.getuid?.() ?? 0;
  const tries = (await stat(join(daemon.stateFolder, 'containers', `${uid}.tries`))).size;
  const audit = await readFile(join(daemon.stateFolder, 'audit/audit.log'), 'utf8');
  const unlocked = audit.split('\n').findLast((line) => line.includes('"unlocked"')) ?? '';
  return { tries: new Uint8Array(tries), line: new Uint8Array(unlocked.length + 1).fill(0x20) };
}

const numberIn = (result: Readonly<Record<string, unknown>>, field: string): number => {
  const value = result[field];
  if (typeof value !== 'number') throw new Error(`the daemon does not say ${field}`);
  return value;
};

/** @param only the lanes that are wanted */
export async function unlockLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using opened = new Closers();
  const daemon = await startBenchDaemon();
  opened.add(() => daemon[Symbol.asyncDispose]());
  const { client } = daemon;
  await enrolSelf(client);
  const lab = await Lab.start();
  opened.add(() => lab[Symbol.asyncDispose]());
  const tools = only('unlock/tools') ? await toolsUnlock(lab) : null;
  if (tools) opened.add(() => tools[Symbol.asyncDispose]());
  await runCeremony(client, UNLOCK, { pin: PIN });
  const { tries, line } = await sizes(daemon);
  const writes = await BareWrites.open(daemon.stateFolder);
  opened.add(() => writes[Symbol.asyncDispose]());

  const whole: number[] = [];
  const ours: number[] = [];
  const sums: number[] = [];
  const script: number[] = [];
  const apart: Record<'authenticator' | 'writing' | 'oursWithWriting' | 'derivation' | 'bareDerivation', number[]> = {
    authenticator: [],
    writing: [],
    oursWithWriting: [],
    derivation: [],
    bareDerivation: [],
  };
  const parts: Record<'tpm' | 'requests' | 'writes' | 'agreements', number[]> = {
    tpm: [],
    requests: [],
    writes: [],
    agreements: [],
  };
  let counts = { commands: 0, requests: 0, agreements: 0 };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const before = systemClock.now();
    const { result, requests } = await runCeremony(client, UNLOCK, { pin: PIN });
    const took = systemClock.now() - before;
    const [deviceMs, kdfMs] = [numberIn(result, 'deviceMs'), numberIn(result, 'kdfMs')];
    const writeMs = numberIn(result, 'writeMs');
    const tally = await lab.unlock();
    await client.lock();
    let requestMs = 0;
    // Locking what is locked: a request whose answer needs no work.
    for (let i = 0; i < requests; i++) requestMs += await timed(() => client.lock());
    const agreements = tally.salted + PIN_PROTOCOL_AGREEMENTS;
    let agreementMs = 0;
    for (let i = 0; i < agreements; i++) agreementMs += await timed(agreeOnKey);
    let durableMs = await timed(() => writes.append(line));
    for (let i = 0; i < TRIES_WRITES; i++) durableMs += await timed(() => writes.replace(tries));
    const bareDerivationMs = await timed(deriveBare);
    const scriptMs = tools !== null && round % TOOLS_EVERY === 0 ? await timed(() => tools.run()) : null;
    if (round < 0) continue;
    whole.push(took);
    ours.push(took - deviceMs - kdfMs);
    apart.authenticator.push(deviceMs);
    apart.writing.push(writeMs);
    apart.oursWithWriting.push(took - deviceMs - kdfMs + writeMs);
    apart.derivation.push(kdfMs);
    apart.bareDerivation.push(bareDerivationMs);
    parts.tpm.push(tally.ms);
    parts.requests.push(requestMs);
    parts.writes.push(durableMs);
    parts.agreements.push(agreementMs);
    sums.push(tally.ms + requestMs + durableMs + agreementMs);
    if (scriptMs !== null) script.push(scriptMs);
    counts = { commands: tally.commands, requests, agreements };
  }

  const unit = 'ms';
  const lanes = [
    comparedLane({
      name: 'unlock/parts',
      unit,
      ours,
      other: { what: 'the sum of its parts, each measured bare', samples: sums },
      limit: LIMIT_PARTS,
      parts: {
        [`${counts.commands} TPM commands as bytes on the socket`]: parts.tpm,
        [`${counts.requests} empty API requests`]: parts.requests,
        'durable writes: the retry counter twice, an audit line': parts.writes,
        [`${counts.agreements} P-256 key agreements`]: parts.agreements,
      },
      apart: {
        'the authenticator and its bus': apart.authenticator,
        'of which the reports of the request were written': apart.writing,
        'the unlock with that counted as ours': apart.oursWithWriting,
        'deriving the authValue from the PIN (scrypt)': apart.derivation,
        'the same derivation alone, in the benchmark itself': apart.bareDerivation,
        'all of it together': whole,
      },
    }),
    comparedLane({
      name: 'unlock/tpm',
      unit,
      ours,
      other: { what: 'its TPM commands alone', samples: parts.tpm },
      limit: null,
    }),
  ];
  if (tools !== null) {
    const other = { what: 'a script of tpm2-tools for the same unlock', samples: script };
    lanes.push(comparedLane({ name: 'unlock/tools', unit, ours, other, limit: LIMIT_TOOLS }));
  }
  return lanes.filter(({ name }) => only(name));
}
