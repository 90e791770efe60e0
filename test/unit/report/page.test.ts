/** The page of a run: one file that loads and runs nothing, whatever stands in it, and that can be read. */
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../agent/report/page.ts';
import { STYLE } from '../../../agent/report/page-style.ts';
import { readEvidence } from '../../../agent/report/read.ts';
import { verifyReport } from '../../../agent/report/verify.ts';
import { builder, HOSTILE, sample } from '../../support/report/sample.ts';

interface Parsed {
  readonly tags: readonly SaxesTagPlain[];
  /** All text outside of the style and the evidence. */
  readonly text: string;
}

/** Strictly, as XML: throws at the first thing that is not well-formed. */
function parse(page: string): Parsed {
  const tags: SaxesTagPlain[] = [];
  const within: string[] = [];
  let text = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    tags.push(tag);
    within.push(tag.name);
  });
  parser.on('closetag', () => within.pop());
  parser.on('text', (more) => {
    if (within.at(-1) !== 'style' && within.at(-1) !== 'script') text += more;
  });
  parser.write(page).close();
  return { tags, text };
}

describe('the page of a run', () => {
  it('is well-formed, loads nothing, runs nothing and forbids both', async () => {
    const page = renderReport(await sample());
    const { tags } = parse(page);
    const names = new Set(tags.map(({ name }) => name));
    for (const name of ['img', 'link', 'iframe', 'object', 'embed', 'form', 'base', 'a', 'use', 'image']) {
      expect(names).not.toContain(name);
    }
    const scripts = tags.filter(({ name }) => name === 'script');
    expect(scripts.map(({ attributes }) => attributes)).toEqual([{ type: 'application/json', id: 'evidence' }]);
    for (const { attributes } of tags) {
      for (const [name, value] of Object.entries(attributes)) {
        expect(name).not.toMatch(/^on|^src$|^href$/);
        if (name !== 'xmlns') expect(value).not.toMatch(/https?:|javascript:|data:|url\(/i);
      }
    }
    expect(STYLE).not.toMatch(/@import|url\(/);
    const policy = tags.find(({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy');
    expect(policy?.attributes.content).toMatch(/^default-src 'none'; style-src 'unsafe-inline'/);
  });

  it('shows names from outside as text, and nothing that turns or hides the line', async () => {
    const page = renderReport(await sample());
    const { tags, text } = parse(page);
    expect(tags.filter(({ name }) => name === 'script')).toHaveLength(1);
    expect(text).toContain('</script><script>alert(1)</script>"\'&');
    expect(page).not.toMatch(/\p{Bidi_Control}|(?!\n)\p{Control}/u);
    expect(page.split('<script')).toHaveLength(2);
  });

  it('carries its evidence, letter by letter', async () => {
    const evidence = await sample();
    expect(readEvidence(renderReport(evidence))).toEqual(evidence);
    expect(evidence.devices[1]?.model).toContain(HOSTILE.slice(0, 10));
  });

  it('says of each step what came of it, and never calls one passed that was not', async () => {
    const { tags, text } = parse(renderReport(await sample()));
    const steps = tags.filter(({ attributes }) => attributes.class?.toString().startsWith('step '));
    expect(steps.map(({ attributes }) => attributes.class)).toEqual([
      'step passed',
      'step passed',
      'step skipped',
      'step not-here',
      'step failed',
    ]);
    for (const words of [
      'not on this lane',
      'the red key is in the other office',
      'no touch came',
      'ERR_POLICY_DENIED',
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toMatch(/✗ failed/);
    const partly = await sample({ last: { outcome: 'passed', why: [] } });
    expect(parse(renderReport(partly)).text).toMatch(/– passed in part/);
    expect(parse(renderReport(builder().finish({ aborted: 'interrupted' }))).text).toMatch(/✗ aborted/);
    expect(parse(renderReport(builder().finish())).text).toMatch(/– nothing was run/);
  });

  it('can be read without seeing it: language, headings in order, tables with heads, a picture with words', async () => {
    const { tags, text } = parse(renderReport(await sample()));
    expect(tags[0]?.attributes.lang).toBe('en');
    const levels = tags.flatMap(({ name }) => (/^h[1-6]$/.test(name) ? [Number(name[1])] : []));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1);
    for (const { attributes } of tags.filter(({ name }) => name === 'th'))
      expect(attributes.scope).toMatch(/^(?:col|row)$/);
    const picture = tags.find(({ attributes }) => attributes.class === 'time-line');
    expect(picture?.attributes).toMatchObject({ role: 'img', 'aria-label': expect.stringContaining('over time') });
    // What the picture shows stands in a table too.
    expect(text).toContain('step 2, unlock: PIN wrong, mine: passed');
    const ids = tags.flatMap(({ attributes }) => (attributes.id === undefined ? [] : [String(attributes.id)]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { attributes } of tags) {
      const by = attributes['aria-labelledby'];
      if (by !== undefined) expect(ids).toContain(by);
    }
  });

  it('nests reasons as deep as they are, also where a depth is left out', async () => {
    const reasons = [
      { depth: 3, ok: false, text: 'first' },
      { depth: 9, ok: true, text: 'deeper' },
      { depth: 0, ok: false, text: 'back' },
    ];
    const asked = { verdict: 'refused', code: null, message: 'no', reasons } as const;
    expect(() => parse(renderReport(renderable(asked)))).not.toThrow();
    function renderable(value: typeof asked) {
      const evidence = builder();
      const [step] = [{ action: 'lock', value: true, note: null, withinSeconds: 60, expect: {} }] as const;
      evidence.stepBegun(step as Parameters<typeof evidence.stepBegun>[0], 0);
      evidence.stepEnded({ outcome: 'failed', why: [], asked: value });
      return evidence.finish();
    }
  });
});

describe('the colours of the page', () => {
  const themes = [...STYLE.matchAll(/:root\{([^}]*)\}/g)].map(([, body = '']) =>
    Object.fromEntries([...body.matchAll(/--([\w-]+):(#[0-9a-f]{3,6})/g)].map(([, name, value]) => [name, value])),
  );
  const luminance = (hex: string): number => {
    const full = hex.length === 4 ? `#${[...hex.slice(1)].map((each) => each + each).join('')}` : hex;
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(full.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string): number => {
    const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const pairs = [
    ...['good', 'bad', 'asked', 'warn', 'none'].map((name) => [name, `${name}-bg`]),
    ...['good', 'bad', 'asked', 'there', 'away'].map((name) => [`on-${name}`, `bar-${name}`]),
    ...['ink', 'soft', 'link'].flatMap((name) => [
      [name, 'page'],
      [name, 'card'],
    ]),
    ['ink', 'warn-bg'],
    ['good', 'card'],
    ['bad', 'card'],
    ['warn', 'card'],
    ['none', 'card'],
    ['card', 'good'],
    ['card', 'bad'],
  ] as const;

  it.each(['light', 'dark'].map((theme, at) => ({ theme, colours: themes[at] ?? {} })))(
    'have a contrast of 4.5 to 1 in the $theme',
    ({ colours }) => {
      const weak = pairs.flatMap(([text = '', ground = '']) => {
        const [a, b] = [colours[text], colours[ground]];
        if (a === undefined || b === undefined) return [`${text} on ${ground}: missing`];
        const ratio = contrast(a, b);
        return ratio >= 4.5 ? [] : [`${text} on ${ground}: ${ratio.toFixed(2)}`];
      });
      expect(weak).toEqual([]);
    },
  );
});

describe('the same evidence', () => {
  it('always makes the same page, and a page that was touched shows', async () => {
    const evidence = await sample();
    const page = renderReport(evidence);
    expect(renderReport(readEvidence(page))).toBe(page);
    expect(verifyReport(page, evidence, null)).toMatchObject({ page: 'shown', faults: [] });
    const touched = page.replace('✗ failed', '✓ passed');
    expect(touched).not.toBe(page);
    expect(verifyReport(touched, readEvidence(touched), null).faults).toEqual([
      'the page does not show what its evidence says',
    ]);
    const other = page.replace('unlockd report 1"', 'unlockd report 2"');
    expect(verifyReport(other, readEvidence(other), null)).toMatchObject({ page: 'not compared', faults: [] });
    expect(verifyReport(page, evidence, '0'.repeat(64)).faults[0]).toMatch(
      /^the last hash is [0-9a-f]{64}, not 0{64}$/,
    );
  });
});
