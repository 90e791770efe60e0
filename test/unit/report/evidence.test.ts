/** The evidence of a run: what the builder makes of what it is told, and that its chain stands for all of it. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, chainFault, headOf } from '../../../agent/report/chain.ts';
import { readEvidence } from '../../../agent/report/read.ts';
import { type Evidence, LONGEST, MOST } from '../../../agent/report/schema.ts';
import { observed } from '../../../agent/report/sensed-words.ts';
import { expectedWords, stepWords } from '../../../agent/report/step-words.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { builder, HOSTILE, sample, WALKTHROUGH } from '../../support/report/sample.ts';

describe('the evidence', () => {
  it('has each step with what was done, expected and got, and how long it took', async () => {
    const { steps, walkthrough, spanMs } = await sample();
    expect(steps.map(({ what, outcome }) => `${what}: ${outcome}`)).toEqual([
      'enrol: PIN mine: passed',
      'unlock: PIN wrong, mine: passed',
      'insert red: skipped',
      'daemon restart: not here',
      'unlock: PIN mine, touch never: failed',
    ]);
    expect(steps[1]).toMatchObject({
      number: 2,
      note: 'The person is wrong once.',
      expected: ['granted', 'events: refused ERR_PIN_WRONG, done', 'the container is unlocked'],
      got: 'granted',
      startMs: 500,
      endMs: 2300,
    });
    expect(steps[1]?.events.map(({ atMs, words }) => `${atMs} ${words}`)).toEqual([
      '1000 prompt pin: asked for pin, 5 tries left',
      '2000 refused ERR_PIN_WRONG: the PIN is wrong, 4 tries left',
      expect.stringMatching(/^2100 touch: touch the key/),
      '2300 done: done',
    ]);
    expect(steps[4]).toMatchObject({ got: 'refused: denied', code: 'ERR_POLICY_DENIED' });
    expect(walkthrough.digest).toBe(createHash('sha256').update(WALKTHROUGH).digest('hex'));
    expect(spanMs).toBe(steps[4]?.endMs);
  });

  it('has factors, verdicts and keys over time', async () => {
    const { tracks } = await sample();
    const of = (name: string) =>
      tracks
        .find((track) => track.name === name)
        ?.intervals.map(({ fromMs, toMs, state }) => `${fromMs}-${toMs} ${state}`);
    expect(tracks.map(({ group }) => group)).toEqual([
      'verdict',
      'verdict',
      'factor',
      'factor',
      'signal',
      'device',
      'device',
    ]);
    expect(of('PIN')).toEqual(['1000-2000 asked', '2000-2300 bad', '3800-4800 asked', '4800-5100 bad']);
    expect(of('security key')).toEqual(['2100-2300 asked', '2300-2300 good', '4900-5100 asked', '5100-5100 bad']);
    expect(of('verdict')?.slice(0, 2)).toEqual(['500-1000 good', '1000-2300 asked']);
    expect(of('container')).toEqual(['2300-5100 good']);
    expect(of('key blue')).toEqual(['0-5100 there']);
    // A step that was skipped has moved no key.
    expect(of('key red')).toEqual(['0-5100 away']);
  });

  it('takes of a result only what is known to be no secret', async () => {
    const text = JSON.stringify(await sample());
    expect(text).toContain('"label":"blue"');
    expect(text).not.toContain('NEVER-SHOWN');
  });

  it('of a run that was aborted says why, and what was not begun', () => {
    const evidence = builder();
    const { end, steps, findings } = evidence.finish({ aborted: 'interrupted' });
    expect({ end, steps, findings }).toEqual({
      end: { how: 'aborted', why: 'interrupted' },
      steps: [],
      findings: ['5 of 5 steps were not begun'],
    });
  });

  it('stays within its limits, whatever it is told, and says what was not kept', () => {
    const evidence = builder();
    evidence.device({
      kind: 'x'.repeat(9999),
      name: HOSTILE,
      nature: 'real',
      more: { aaguid: 'none', a: 'y'.repeat(9999) },
    });
    for (let i = 0; i < MOST.log; i++) evidence.change('device', `d${i % 60}`, 'there', `${i}`);
    const made = evidence.finish();
    expect(JSON.stringify(readEvidence(JSON.stringify(made)))).toBe(JSON.stringify(made));
    expect(made.devices[0]?.kind).toHaveLength(LONGEST.name);
    expect(made.devices[0]?.aaguid).toBeNull();
    expect(JSON.stringify(made)).not.toContain('\\ud800');
    expect(made.findings.at(-1)).toMatch(/^\d+ more changes and events were not kept$/);
  });

  it('keeps a signal once while it stays the same', () => {
    const evidence = builder(new ManualClock());
    const signal = {
      kind: 'bluetooth',
      state: 'unavailable',
      reason: 'no-device',
      source: 'x',
      simulated: true,
    } as const;
    for (let i = 0; i < 3; i++) evidence.signal({ ...signal, observedAt: i, validFor: 10 });
    evidence.signalLost('bluetooth');
    const { log } = evidence.finish();
    expect(log.filter(({ kind, data }) => kind === 'change' && data.track === 'phones')).toHaveLength(2);
  });
});

describe('what is observed, in words', () => {
  const dns = { addresses: ['192.0.2.5/24'], dnsServers: ['192.0.2.53'] };
  it.each([
    [{ devices: [] }, 'no phone'],
    [
      {
        devices: [
          { name: 'pocket', proved: true },
          { address: 'a0:b1', proved: false },
        ],
      },
      'pocket, a0:b1 not proved',
    ],
    [{ interfaces: [{ name: 'eth0', connected: true, ipv4: dns, ipv6: {} }] }, 'eth0 192.0.2.5/24 DNS 192.0.2.53'],
    [{ interfaces: [{ name: 'eth0', connected: false }] }, 'eth0 not connected'],
    [{ interfaces: [] }, 'no network'],
    [{ associations: [] }, 'not joined'],
    [{ associations: [{ ssidHex: '6f6666696365', security: 'WPA2-Personal' }] }, 'office WPA2-Personal'],
    [{ devices: [null, 7], more: 1 }, 'a phone not proved, a phone not proved'],
    [{ somethingNew: 1 }, null],
    [7, null],
  ])('%j', (observation, words) => {
    expect(observed(observation)?.words ?? null).toBe(words);
  });
});

describe('the chain', () => {
  /** One change anywhere in a document of JSON. */
  const changed = (document: Evidence, pick: number): Evidence => {
    const copy = structuredClone(document);
    const spots: (() => void)[] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const holder = value as Record<string, unknown>;
      for (const [name, inner] of Object.entries(holder)) {
        if (typeof inner === 'number') spots.push(() => (holder[name] = inner + 1));
        if (typeof inner === 'string') spots.push(() => (holder[name] = `${inner}!`));
        if (typeof inner === 'boolean') spots.push(() => (holder[name] = !inner));
        if (Array.isArray(inner) && inner.length > 0) spots.push(() => inner.pop());
        walk(inner);
      }
    };
    walk(copy);
    spots[pick % spots.length]?.();
    return copy;
  };

  it('is whole, and any one change of the document shows', async () => {
    const evidence = await sample();
    expect(chainFault(evidence)).toBeNull();
    fc.assert(
      fc.property(fc.nat(100_000), (pick) => {
        expect(chainFault(changed(evidence, pick))).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  it('ends with a hash that anybody can compute from the words of the guide', async () => {
    const evidence = await sample();
    const last = evidence.log.at(-1);
    const { hash, ...entry } = last ?? { hash: '' };
    const text = `unlockd evidence log entry v1\0${canonicalJson(entry)}`;
    expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
    expect(headOf(evidence)).toBe(hash);
  });

  it('is over canonical JSON: names in order, no white space, numbers as ECMAScript writes them', () => {
    expect(canonicalJson({ b: [1, true, null, '\u20ac"'], a: { d: 1e21, c: -0 } })).toBe(
      '{"a":{"c":0,"d":1e+21},"b":[1,true,null,"€\\""]}',
    );
    expect(() => canonicalJson({ a: undefined })).toThrow(TypeError);
    expect(() => canonicalJson(Number.NaN)).toThrow(TypeError);
  });
});

describe('steps in words', () => {
  it.each([
    [{ action: 'changePin', value: { from: 'old', to: 'fresh', touch: 'always' } }, 'change PIN: from old, to fresh'],
    [{ action: 'lock', value: true }, 'lock'],
    [{ action: 'daemon', value: 'restart' }, 'daemon restart'],
    [{ action: 'wait', value: 5 }, 'wait 5 s'],
  ])('%j', (step, words) => {
    expect(stepWords(step as Parameters<typeof stepWords>[0])).toBe(words);
  });

  it('an expectation that is new to them is told by its own name', () => {
    const expect_ = { keys: 1, lockedWithin: 5 } as unknown as Parameters<typeof expectedWords>[0];
    expect(expectedWords(expect_, false)).toEqual(['1 key opens the container', 'locked within: 5']);
  });
});
