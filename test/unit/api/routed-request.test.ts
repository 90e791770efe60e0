/** The request that the routes see: what they use is as the Fetch standard has it. */
import { describe, expect, it } from 'vitest';
import { routedRequest } from '../../../agent/api/routed-request.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';

const head = (target: string, headers: Record<string, string> = {}) => ({ method: 'POST', target, headers });

describe('a routed request', () => {
  it.each(['/v1/status', '/v1/x?last=1&last=2', '/v1/a%2Fb', '/v1/../v1/status', '/ü', '//elsewhere/v1', '/a#b'])(
    'for %s has the url of a whole Request',
    (target) => {
      expect(routedRequest(head(target), null).url).toBe(new Request(`http://unlockd${target}`).url);
    },
  );

  it('gives its body as text, JSON and bytes, as often as asked', async () => {
    const request = routedRequest(head('/', { 'Content-Type': 'application/json' }), utf8('{"ä":[1]}'));
    expect(await request.text()).toBe('{"ä":[1]}');
    expect(await request.json()).toEqual({ ä: [1] });
    expect(new Uint8Array(await request.arrayBuffer())).toEqual(utf8('{"ä":[1]}'));
    expect(request.headers.get('content-type')).toBe('application/json');
    expect([request.body === null, request.bodyUsed]).toEqual([false, true]);
    const empty = routedRequest(head('/'), null);
    expect([await empty.text(), empty.body, empty.bodyUsed]).toEqual(['', null, false]);
  });

  it.each<[string, number[]]>([
    ['a byte that is none of UTF-8', [0xff]],
    ['a sequence that is cut off', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
  ])('refuses a body with %s', async (_what, bytes) => {
    const request = routedRequest(head('/'), new Uint8Array([0x22, ...bytes, 0x22]));
    const invalid = { code: 'ERR_API_REQUEST_INVALID' };
    await expect(request.text()).rejects.toMatchObject(invalid);
    await expect(request.json()).rejects.toMatchObject(invalid);
  });

  it.each(['', '*', 'http://elsewhere/', 'v1'])('refuses the target "%s"', (target) => {
    expect(() => routedRequest(head(target), null)).toThrow(
      expect.objectContaining({ code: 'ERR_API_REQUEST_INVALID' }),
    );
  });

  it('refuses a header that is none', () => {
    const bad = head('/', { accept: 'a\nb' });
    expect(() => routedRequest(bad, null)).toThrow(expect.objectContaining({ code: 'ERR_API_REQUEST_INVALID' }));
  });
});
