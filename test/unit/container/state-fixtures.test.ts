/**
 * Every other file of the state folder as version 1 wrote it: it is read for ever, by the code that reads the real one,
 * and as long as version 1 is the newest it is what is written, byte for byte.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog } from '../../../agent/audit/log.ts';
import { DurableFiles } from '../../../agent/container/durable-files.ts';
import { openRecords, sealRecords } from '../../../agent/container/records.ts';
import { openRecovery, wrapForRecovery } from '../../../agent/container/recovery.ts';
import { StateStore } from '../../../agent/container/store.ts';
import { PinTries } from '../../../agent/container/tries.ts';
import { milliseconds, unixMs } from '../../../drivers/base/brand.ts';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { SAMPLE_STATE } from '../../support/container/sample-state.ts';
import {
  fixedEntropy,
  run,
  SAMPLE_INTENT,
  SAMPLE_MACHINE,
  SAMPLE_POLICY,
  SAMPLE_RECORDS,
  SAMPLE_REQUEST,
  SAMPLE_REQUEST_2,
  SIGNED_POLICY,
} from '../../support/container/sample-states.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(`../../fixtures/state/${name}`, import.meta.url));
const fixture = async (name: string): Promise<Uint8Array> =>
  fromHex((await readFile(pathOf(`${name}-v1.hex`), 'utf8')).replaceAll(/\s/g, ''));

const UID = 1000;
let folder: string;
let store: StateStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fixtures-'));
  store = new StateStore(folder, new DurableFiles(), systemClock);
  await store.open();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Row {
  readonly file: string;
  readonly sample: unknown;
  readonly read: () => Promise<unknown>;
  readonly write: () => Promise<void>;
}

describe('a state file of version 1', () => {
  it.each<[string, Row]>([
    [
      'machine',
      {
        file: 'machine.state',
        sample: SAMPLE_MACHINE,
        read: () => store.readMachine(),
        write: () => store.writeMachine(SAMPLE_MACHINE),
      },
    ],
    [
      'intent',
      {
        file: `containers/${UID}.intent`,
        sample: SAMPLE_INTENT,
        read: () => store.readIntent(UID, 'intent'),
        write: () => store.writeIntent(UID, 'intent', SAMPLE_INTENT),
      },
    ],
  ])('%s: is read as what it was made of, and still written so', async (name, { file, sample, read, write }) => {
    const kept = await fixture(name);
    await writeFile(join(folder, file), kept);
    expect(await read()).toEqual(sample);
    await write();
    expect(toHex(new Uint8Array(await readFile(join(folder, file))))).toBe(toHex(kept));
  });

  it('policy: is read as one without a signature, and of version 2 both kinds are still written so', async () => {
    const path = join(folder, 'policy.state');
    await writeFile(path, await fixture('policy'));
    expect(await store.readPolicy()).toEqual(SAMPLE_POLICY);
    await store.writePolicy(SIGNED_POLICY);
    const written = toHex(new Uint8Array(await readFile(path)));
    expect(written).toBe((await readFile(pathOf('policy-v2.hex'), 'utf8')).replaceAll(/\s/g, ''));
    expect(await store.readPolicy()).toEqual(SIGNED_POLICY);
  });

  it('request: is read as one for the context unlock, and of version 2 still written so', async () => {
    const path = join(folder, 'containers', `${UID}.request`);
    await writeFile(path, await fixture('request'));
    expect(await store.readRequest(UID)).toEqual(SAMPLE_REQUEST);
    await store.writeRequest(UID, SAMPLE_REQUEST_2);
    const written = toHex(new Uint8Array(await readFile(path)));
    expect(written).toBe((await readFile(pathOf('request-v2.hex'), 'utf8')).replaceAll(/\s/g, ''));
    expect(await store.readRequest(UID)).toEqual(SAMPLE_REQUEST_2);
  });

  it('tries: three failures at one moment, and still written so', async () => {
    const at = 1_767_225_600_000;
    const clock = { ...systemClock, wall: () => unixMs(at) };
    const tries = new PinTries(folder, UID, new DurableFiles(), clock, { tries: 5, forgetAfter: milliseconds(60_000) });
    const path = join(folder, 'containers', `${UID}.tries`);
    await writeFile(path, await fixture('tries'));
    expect(await tries.left()).toBe(2);
    await tries.begin();
    await tries.takeBack();
    expect(toHex(new Uint8Array(await readFile(path)))).toBe(toHex(await fixture('tries')));
  });
});

describe('what a container file of version 1 holds encrypted', () => {
  const containerId = run(16, 1);
  const key = () => Secret.copyOf(run(32, 20));

  it('records: open under the container key, and are still written so', async () => {
    const kept = await fixture('records');
    using opener = key();
    expect(openRecords(opener, containerId, kept)).toEqual(SAMPLE_RECORDS);
    expect(toHex(sealRecords(opener, containerId, SAMPLE_RECORDS, fixedEntropy))).toBe(toHex(kept));
  });

  it('recovery: opens under the secret of the sheet, and is still written so', async () => {
    const wrap = await fixture('recovery');
    using sheet = Secret.take(run(16, 21));
    using containerKey = key();
    using authorityAuth = Secret.take(run(32, 22));
    const state = { ...SAMPLE_STATE, containerId, recovery: { ...SAMPLE_STATE.recovery, generation: 2, wrap } };
    using recovered = openRecovery(sheet, state);
    expect(recovered.containerKey.equals(containerKey)).toBe(true);
    expect(recovered.authorityAuth?.equals(authorityAuth)).toBe(true);
    expect(toHex(wrapForRecovery(sheet, containerId, 2, { containerKey, authorityAuth }, fixedEntropy))).toBe(
      toHex(wrap),
    );
  });
});

describe('an audit log of version 1', () => {
  it('is read, found whole, and gone on with', async () => {
    await copyFile(pathOf('audit-v1.jsonl'), join(folder, 'audit.log'));
    await using log = await AuditLog.open({ folder, clock: systemClock, maxBytes: 65_536, keepFiles: 2 });
    expect(await log.last(10)).toEqual([
      { seq: 1, at: '2026-01-01T00:00:00.000Z', event: 'setup', uid: null, detail: { authority: 'this-machine' } },
      { seq: 2, at: '2026-01-01T00:00:01.000Z', event: 'enrolled', uid: UID, detail: { strength: 'bound-2' } },
      {
        seq: 3,
        at: '2026-01-01T00:00:02.000Z',
        event: 'unlock-refused',
        uid: UID,
        detail: { more: 7, withinSeconds: 60 },
      },
    ]);
    expect(await log.append({ event: 'locked', uid: UID })).toMatchObject({ seq: 4 });
    expect(await log.verify()).toMatchObject({ ok: true, records: 4, firstSeq: 1, lastSeq: 4 });
  });
});
