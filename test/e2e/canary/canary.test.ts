/**
 * The canaries: a capture of every byte to and from the TPM, and every log, file and API reply of the whole demo,
 * contains none of its secrets. Where a secret has to pass (a PIN on its way in, a sheet and a purpose key on their one
 * way out), it is counted and has to be there exactly that often; so a capture that saw nothing fails as well.
 *
 * Not looked into: the memory of the software TPM and of the authenticator, which are where the secrets belong.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DurableFiles } from '../../../agent/container/durable-files.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { StateStore } from '../../../agent/container/store.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { reportHtml } from '../../demo/report.ts';
import { Scene } from '../../demo/scene.ts';
import { Stage } from '../../demo/stage.ts';
import { PURPOSE, Script } from '../../demo/steps.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { requireBuild } from '../demo/built.ts';
import { type Canary, type Find, formsOf, type Material, search } from './search.ts';
import { keySecrets, pinSecrets, sealedSecrets, sheetSecrets } from './secrets.ts';
import { Recording, Tap } from './tap.ts';

const missing = (await swtpmMissing()) ?? missingForBridge();

/** Longer than the demo's own, so that none of them can be part of a number that is there by chance. */
const PINS = { first: '604182793561', next: '930574826194', wrong: '715930486273' };

const TO_TPM = 'TPM, commands';
const FROM_TPM = 'TPM, responses';
const TO_DAEMON = 'API, requests';
const FROM_DAEMON = 'API, replies';

/** Every regular file below a folder, as it is now. */
function filesBelow(folder: string): Material[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [{ name: `file ${entry.name}`, bytes: readFileSync(path) }] : [];
  });
}

const uid = process.getuid?.() ?? 0;
const readState = async (folder: string): Promise<ContainerState> => {
  const state = await new StateStore(folder, new DurableFiles(), systemClock).readContainer(uid);
  if (state === null) throw new Error('nobody is enrolled');
  return state;
};

const recorded = (name: string, recordings: readonly Recording[]): Material[] =>
  recordings.map((recording) => ({ name, bytes: recording.bytes() }));

/** Finds of the same canary in the same form, added up over the connections or files of one name. */
function summed(finds: readonly Find[]): Find[] {
  const sums = new Map<string, Find>();
  for (const find of finds) {
    const key = `${find.canary}|${find.form}|${find.where}`;
    sums.set(key, { ...find, count: find.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

const words = (finds: readonly Find[]): string[] =>
  finds.map(({ canary, form, where, count }) => `${canary}, as ${form}, in ${where}: ${count}`).sort();

describe.skipIf(missing !== null)(`the demo, captured on all sides${missing === null ? '' : ` (${missing})`}`, () => {
  const keyFolder = mkdtempSync(join(tmpdir(), 'unlockd-canary-'));
  const materials: Material[] = [];
  const canaries: Canary[] = [];
  let pins: readonly Canary[] = [];
  let scene: Scene;
  let state: ContainerState;
  let purposeKey: Canary;
  let sheets: readonly (readonly Canary[])[] = [];

  beforeAll(async () => {
    requireBuild();
    await using tpm = await Tap.start();
    await using api = await Tap.start();
    const keyFile = join(keyFolder, 'key.state');
    await using stage = await Stage.set({
      tcti: (swtpm) => {
        tpm.target = swtpm.socketPath;
        return `swtpm:path=${tpm.path}`;
      },
      socket: (daemonSocket) => {
        api.target = daemonSocket;
        return api.path;
      },
      authenticator: ['--state', keyFile],
      settings: ['log.level=trace'],
      onCtl: (command, { stdout, stderr }) => {
        materials.push({ name: 'unlockctl', bytes: Buffer.from(`${command.join('\0')}\n${stdout}\n${stderr}`) });
      },
    });
    const daemons = new Set<{ readonly output: string }>();
    scene = new Scene({
      begin: () => undefined,
      end: () => {
        materials.push(...filesBelow(stage.folder));
        // The script stops its daemon at the end; what it has said is still wanted.
        if (stage.daemon) daemons.add(stage.daemon);
      },
    });
    const script = new Script(stage, scene, PINS);
    await script.play();
    for (const { output } of daemons) materials.push({ name: 'log of the daemon', bytes: Buffer.from(output) });
    materials.push(...filesBelow(stage.folder));
    materials.push({ name: 'events of the authenticator', bytes: Buffer.from(stage.authenticator.output) });
    const facts = { startedAt: new Date(), ok: scene.ok, steps: scene.results, parts: [] };
    materials.push({ name: 'report', bytes: Buffer.from(reportHtml(facts)) });
    materials.push({ name: 'JSON of the demo', bytes: Buffer.from(JSON.stringify(scene.results)) });

    const before = await readState(script.oldFiles);
    state = await readState(stage.stateFolder);
    pins = [
      { name: 'first PIN', bytes: utf8(PINS.first) },
      { name: 'next PIN', bytes: utf8(PINS.next) },
      { name: 'wrong PIN', bytes: utf8(PINS.wrong) },
    ];
    canaries.push(
      ...pins,
      ...pinSecrets('the first PIN', PINS.first, before),
      ...pinSecrets('the next PIN', PINS.next, state),
    );
    canaries.push(...pinSecrets('the wrong PIN', PINS.wrong, before), ...(await keySecrets(keyFile, state)));
    const sealed = sealedSecrets(script.sheets.recovery, PURPOSE, state);
    purposeKey = sealed.purposeKey;
    sheets = [sheetSecrets('recovery sheet', script.sheets.recovery), sheetSecrets('owner sheet', script.sheets.owner)];
    canaries.push(...sealed.canaries, purposeKey, ...sheets.flat());
    materials.push(...recorded(TO_TPM, tpm.out), ...recorded(FROM_TPM, tpm.back));
    materials.push(...recorded(TO_DAEMON, api.out), ...recorded(FROM_DAEMON, api.back));
  }, 180_000);
  afterAll(() => rmSync(keyFolder, { recursive: true, force: true }));

  it('went as expected', () => {
    expect(scene.results.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('was captured: objects on the TPM’s wire, wire lines in the log, events in the replies, files of every kind', () => {
    const of = (name: string) => materials.filter((material) => material.name === name);
    const pinObject = state.factors.pin?.blob;
    expect(of(TO_TPM).some(({ bytes }) => bytes.includes(Buffer.from(pinObject?.privateArea ?? '?')))).toBe(true);
    expect(of(FROM_TPM).some(({ bytes }) => bytes.includes(Buffer.from(pinObject?.publicArea ?? '?')))).toBe(true);
    expect(of('log of the daemon').some(({ bytes }) => bytes.includes('"wire"'))).toBe(true);
    expect(of(FROM_DAEMON).some(({ bytes }) => bytes.includes('"type":"touch"'))).toBe(true);
    const files = new Set(materials.map(({ name }) => name));
    expect([...files]).toEqual(
      expect.arrayContaining(['file machine.state', `file ${uid}.state`, `file ${uid}.tries`]),
    );
    expect([...files].some((name) => /^file audit/.test(name))).toBe(true);
  });

  it('knows some forty secrets, each of them another one', () => {
    expect(canaries.length).toBeGreaterThan(40);
    expect(new Set(canaries.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(canaries.length);
    for (const { name, bytes } of canaries) expect(bytes.length, name).toBeGreaterThanOrEqual(5);
  });

  it('holds no secret anywhere but on its one way in or out, exactly as often as it was given', () => {
    const expected = new Set([
      // Enrolment, two unlocks and the PIN change; the change and two unlocks; one wrong try.
      ...pins.map(({ name }, at) => `${name}, as bytes, in ${TO_DAEMON}: ${[4, 3, 1][at]}`),
      `${purposeKey.name}, as bytes, in ${FROM_DAEMON}: 3`,
      // A sheet is shown once, with its hyphens.
      ...sheets.flatMap(([whole, , ...groups]) =>
        [whole, ...groups].map((canary) => `${canary?.name}, as bytes, in ${FROM_DAEMON}: 1`),
      ),
    ]);
    const finds = words(summed(search(materials, canaries)));
    expect([...expected].filter((line) => !finds.includes(line))).toEqual([]);
    const others = finds.filter((line) => !expected.has(line));
    // Two groups of each sheet are asked back.
    const askedBack = others.filter((line) => /sheet, group \d, as bytes, in API, requests: 1$/.test(line));
    expect(others.filter((line) => !askedBack.includes(line))).toEqual([]);
    for (const name of ['recovery sheet', 'owner sheet']) {
      expect(askedBack.filter((line) => line.startsWith(name))).toHaveLength(2);
    }
  });

  it('would have found each of them in every kind of capture, also cut between two pieces', () => {
    const kinds = new Map(materials.map((material) => [material.name, material]));
    expect(kinds.size).toBeGreaterThan(10);
    for (const { name, bytes } of kinds.values()) {
      const known = new Set(words(search([{ name, bytes }], canaries)));
      for (const canary of canaries) {
        const [form] = formsOf(canary.bytes);
        const needle = form?.bytes ?? Buffer.alloc(0);
        const at = Math.floor(bytes.length / 2);
        const cut = Math.floor(needle.length / 2);
        const planted = new Recording();
        planted.push(bytes.subarray(0, at));
        planted.push(needle.subarray(0, cut));
        planted.push(Buffer.concat([needle.subarray(cut), bytes.subarray(at)]));
        expect(planted.pieces).toBe(3);
        const found = words(search([{ name, bytes: planted.bytes() }], [canary])).filter((line) => !known.has(line));
        expect(found.length, `${canary.name} in ${name}`).toBeGreaterThan(0);
      }
    }
  });

  it('would have found each of them in every form', () => {
    const log = materials.find(({ name }) => name === 'unlockctl');
    for (const canary of canaries) {
      for (const { form, bytes } of formsOf(canary.bytes)) {
        const planted = { name: 'log', bytes: Buffer.concat([log?.bytes ?? Buffer.alloc(0), bytes]) };
        expect(search([planted], [canary]).map((find) => find.form)).toContain(form);
      }
    }
  });
});

describe('the search for canaries', () => {
  it('finds base64 whatever stands in front and behind', () => {
    const secret = Buffer.from('604182793561');
    for (const before of [0, 1, 2, 3, 4]) {
      for (const after of [0, 1, 2]) {
        const text = Buffer.concat([Buffer.alloc(before, 0xa5), secret, Buffer.alloc(after, 0x5a)]).toString('base64');
        const finds = search([{ name: 'text', bytes: Buffer.from(text) }], [{ name: 'PIN', bytes: secret }]);
        expect(finds.length, `${before} before, ${after} behind`).toBeGreaterThan(0);
      }
    }
  });

  it('finds nothing where nothing is', () => {
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 167 + 13) & 0xff));
    expect(search([{ name: 'noise', bytes: noise }], [{ name: 'PIN', bytes: Buffer.from('604182793561') }])).toEqual(
      [],
    );
  });
});
