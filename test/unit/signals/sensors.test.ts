/** The sensors of a machine: streams into one ledger, begun again when they end, and a simulation that is moved about. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sensors } from '../../../agent/signals/sensors.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import { parseScript, readScript, ScriptPlayer } from '../../../hal-mocks/signals/script.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import { officeNetwork } from '../../support/policy-fixtures.ts';

const HOME = officeNetwork('198.51.100.7/24');

describe('the sensors', () => {
  it('know which kinds have a driver, and follow each of them from its first word', async () => {
    const clock = new ManualClock();
    const surroundings = new SimulatedSurroundings(clock);
    surroundings.set({ kind: 'ipConfig', observation: officeNetwork() });
    await using sensors = new Sensors(clock, surroundings.drivers);
    expect([sensors.has('ipConfig'), sensors.has('face')]).toEqual([true, false]);
    sensors.start();
    await settle();
    expect(sensors.ledger.latest('ipConfig')).toMatchObject({ state: 'observed', simulated: true });
    expect(sensors.ledger.latest('wifi')).toMatchObject({ state: 'unavailable', reason: 'no-device' });
    surroundings.set({ kind: 'ipConfig', observation: HOME });
    await settle();
    expect(sensors.ledger.latest('ipConfig')).toMatchObject({ observation: HOME });
  });

  it('keep what stands fresh, and let grow old what was told once', async () => {
    const clock = new ManualClock();
    const surroundings = new SimulatedSurroundings(clock);
    await using sensors = new Sensors(clock, surroundings.drivers);
    sensors.start();
    surroundings.set({ kind: 'ipConfig', observation: HOME }, { validFor: milliseconds(1000) });
    surroundings.set(
      { kind: 'wifi', observation: { associations: [] } },
      { validFor: milliseconds(1000), repeated: false },
    );
    await clock.advance(1600);
    expect([...sensors.ledger.snapshot().keys()].sort()).toEqual(['bluetooth', 'ipConfig']);
    expect(sensors.ledger.all().has('wifi')).toBe(true);
  });

  it('forget at once what was seen before a suspend, and ask every driver anew without a pause', async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    let tell: (() => void) | null = null;
    const driver: FactorDriver = {
      kind: 'wifi',
      watch: async function* ({ signal }) {
        asked.push('stream');
        const seen = () =>
          ({
            kind: 'wifi',
            source: 'x',
            observedAt: clock.now(),
            validFor: milliseconds(60_000),
            simulated: true,
          }) as const;
        yield { ...seen(), state: 'observed', observation: { associations: [] } };
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
        asked.push(signal.aborted ? 'ended' : 'goes on');
        // A driver that does not notice yet: what it says now was seen before.
        yield { ...seen(), state: 'observed', observation: { associations: [] } };
      },
      forget: () => asked.push('forget'),
    };
    await using sensors = new Sensors(clock, [driver]);
    sensors.start();
    await settle();
    expect(sensors.ledger.latest('wifi')).toBeDefined();
    sensors.forget();
    expect(sensors.ledger.all().size).toBe(0);
    tell = tell as (() => void) | null;
    tell?.();
    await settle();
    expect(asked).toEqual(['stream', 'forget', 'ended', 'stream']);
    expect(sensors.ledger.latest('wifi')).toBeDefined();
    (tell as (() => void) | null)?.();
    sensors.stop();
  });

  it('begin a stream again that has ended, and end all of them when they are stopped', async () => {
    const clock = new ManualClock();
    let begun = 0;
    const driver: FactorDriver = {
      kind: 'wifi',
      // biome-ignore lint/correctness/useYield: a driver that fell over
      watch: async function* () {
        begun++;
        throw new Error('fell over');
      },
    };
    const sensors = new Sensors(clock, [driver]);
    sensors.start();
    await settle();
    expect(sensors.ledger.latest('wifi')).toMatchObject({ state: 'unavailable', reason: 'failed' });
    await clock.advance(5000);
    expect(begun).toBe(2);
    await sensors.stop();
    expect(sensors.ledger.all().size).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe('a script of surroundings', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'surroundings-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['no JSON', '{', 2, 'this is not JSON'],
    ['half of a word', '{"kind": wifi}', 10, 'this is not JSON'],
    ['another kind', '{"kind":"face","observation":{}}', 2, 'kind: is to be one of bluetooth, ipConfig, wifi'],
    ['neither observation nor reason', ' {"kind":"wifi"}', 2, 'neither an observation nor unavailable is there'],
    [
      'both',
      '{"kind":"wifi","observation":{},"unavailable":"failed"}',
      33,
      'unavailable: stands beside an observation',
    ],
    ['an unknown reason', '{"kind":"wifi","unavailable":"tired"}', 16, 'unavailable: is to be one of no-device, '],
    ['no object', '{"kind":"wifi","observation":7}', 16, 'observation: is to be an object'],
    ['a time before now', '{"kind":"wifi","observation":{},"afterSeconds":-1}', 33, 'afterSeconds: is to be a number'],
    [
      'a span that is none',
      '{"kind":"wifi","observation":{},"validForSeconds":"1"}',
      33,
      'validForSeconds: is to be a',
    ],
    ['a word for once', '{"kind":"wifi","observation":{},"once":"yes"}', 33, 'once: is to be true or false'],
    [
      'a field that is not known',
      '{"kind":"wifi","observation":{},"validFor":1}',
      33,
      'validFor: there is no such field',
    ],
    ['a list', '[]', 1, 'each line is to be an object'],
  ])('with %s is refused with its place and what is wanted', (_, line, column, reason) => {
    const good = '{"kind":"wifi","unavailable":"no-device"}';
    expect(() => parseScript(`${good}\n\n${line}`)).toThrow(
      expect.objectContaining({
        code: 'ERR_HAL_MOCK_SCRIPT',
        message: expect.stringContaining(`line 3 column ${column}: ${reason}`),
      }),
    );
  });

  it('is named by its file in every refusal', async () => {
    const path = join(folder, 'script');
    await writeFile(path, '\n{"kind":"face","observation":{}}\n');
    await expect(readScript(path)).rejects.toMatchObject({
      code: 'ERR_HAL_MOCK_SCRIPT',
      message: `${path}:2:2: kind: is to be one of bluetooth, ipConfig, wifi`,
      detail: { path, line: 2, column: 2 },
    });
    await expect(readScript(folder)).rejects.toMatchObject({ message: `${folder}: it is no regular file` });
  });

  it('that is not there is refused', async () => {
    const opening = ScriptPlayer.open(
      join(folder, 'none'),
      systemClock,
      new SimulatedSurroundings(systemClock),
      () => undefined,
    );
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_HAL_MOCK_SCRIPT',
      message: expect.stringMatching(/none: there is no such file$/),
    });
  });

  it('is played, and what takes its place as well; one that cannot be played leaves things as they are', async () => {
    const path = join(folder, 'script');
    const place = async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    const at = (observation: unknown) => JSON.stringify({ kind: 'ipConfig', observation });
    await place(at(officeNetwork()));
    const surroundings = new SimulatedSurroundings(systemClock);
    await using sensors = new Sensors(systemClock, surroundings.drivers);
    sensors.start();
    const until = async (told: () => boolean) => {
      for (let i = 0; i < 100 && !told(); i++) await systemClock.sleep(milliseconds(50), {});
      expect(told()).toBe(true);
    };
    const sees = (observation: unknown) => {
      const seen = sensors.ledger.latest('ipConfig');
      return seen?.state === 'observed' && JSON.stringify(seen.observation) === JSON.stringify(observation);
    };
    const problems: string[] = [];
    await using _player = await ScriptPlayer.open(path, systemClock, surroundings, ({ code }) => problems.push(code));
    await until(() => sees(officeNetwork()));
    await place('nonsense');
    await until(() => problems.length === 1);
    expect(problems).toEqual(['ERR_HAL_MOCK_SCRIPT']);
    expect(sees(officeNetwork())).toBe(true);
    await place(at(HOME));
    await until(() => sees(HOME));
  });
});
