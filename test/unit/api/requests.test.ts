/** The API over a real socket with a service in memory: every route, every shape of error, every limit. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../../agent/api/client.ts';
import type { CeremonyEvent } from '../../../agent/api/ports.ts';
import { type ApiOnSocket, apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { clientOf, codeOf, secret, until } from '../../support/api/calls.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { httpCall, rawExchange } from '../../support/api/raw-http.ts';

describe('the API over its socket', () => {
  let service: FakeService;
  let api: ApiOnSocket;
  let client: ApiClient;

  beforeEach(async () => {
    service = new FakeService();
    api = await apiOnSocket(service);
    client = clientOf(api);
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
    expect(api.unexpected).toEqual([]);
  });

  describe('a ceremony', () => {
    it('goes from the first event to the last, takes the PIN raw and hands the key out raw', async () => {
      service.addUser(1000, '271828');
      const id = await client.begin({ kind: 'unlock', purpose: 'disk', forSeconds: 60 });
      const seen: CeremonyEvent['type'][] = [];
      let key = '';
      for await (const event of client.events(id)) {
        seen.push(event.type);
        if (event.type === 'prompt') await client.supply(id, event.slot, secret('271828'));
        if (event.type === 'secret') key = Buffer.from((await client.take(id, event.slot)).expose()).toString();
        if (event.type === 'done') expect(event.result).toEqual({ purpose: 'disk', forSeconds: 60 });
      }
      expect(seen).toEqual(['prompt', 'touch', 'secret', 'done']);
      expect(key).toBe(Buffer.from(service.keyOf('disk')).toString());
    });

    it('is begun and heard in one request, and found again by its name', async () => {
      service.addUser(1000, '271828');
      const { id, events } = await client.start({ kind: 'unlock', purpose: null, forSeconds: null });
      const seen: CeremonyEvent['type'][] = [];
      for await (const event of events) {
        seen.push(event.type);
        if (event.type === 'prompt') await client.supply(id, event.slot, secret('271828'));
      }
      expect(seen).toEqual(['prompt', 'touch', 'done']);
      const again: CeremonyEvent['type'][] = [];
      for await (const event of client.events(id)) again.push(event.type);
      expect(again).toEqual(seen);
    });

    it('is answered as JSON or as events, as the request accepts, and named either way', async () => {
      service.addUser(1000);
      const body = JSON.stringify({ kind: 'unlock', purpose: null, forSeconds: null });
      const begin = (accept: string) =>
        httpCall(api.socketPath, 'POST', '/v1/ceremonies', {
          headers: { accept, 'content-type': 'application/json' },
          body,
        });
      const json = await begin('application/json');
      const { id } = JSON.parse(json.body.toString()) as { id: string };
      expect(json).toMatchObject({ status: 201, headers: { location: `/v1/ceremonies/${id}` } });
      const answer = begin('application/json;q=0.5, text/event-stream');
      await until(() => service.ceremonies.size === 2);
      const [, other] = [...service.ceremonies.values()];
      other?.cancel();
      const events = await answer;
      expect(events).toMatchObject({ status: 201, headers: { location: `/v1/ceremonies/${other?.id}` } });
      expect(events.headers['content-type']).toMatch(/^text\/event-stream/);
      expect(events.body.toString()).toContain('event: failed\n');
    });

    it('that is begun and heard in one request is cancelled when that connection goes', async () => {
      service.addUser(1000);
      const leaving = new AbortController();
      const options = { signal: leaving.signal };
      const { id, events } = await client.start({ kind: 'unlock', purpose: null, forSeconds: null }, options);
      await events.next();
      leaving.abort();
      await until(() => service.ceremonies.get(id)?.cancelled === true);
      await until(() => api.openCeremonies() === 0);
    });

    it('tells a late listener everything from the first event, and one that resumes only the rest', async () => {
      service.addUser(1000);
      const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
      const first = client.events(id);
      await first.next();
      await client.supply(id, 'pin', secret('271828'));
      for await (const _ of first);
      const types = async (after?: number) => {
        const all: string[] = [];
        for await (const event of client.events(id, after === undefined ? {} : { after })) all.push(event.type);
        return all;
      };
      expect(await types()).toEqual(['prompt', 'touch', 'done']);
      expect(await types(1)).toEqual(['touch', 'done']);
    });

    it('tells that a PIN was wrong and how many tries are left, and goes on', async () => {
      service.addUser(1000, 'right1');
      const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
      const pins = ['wrong1', 'right1'];
      const told: unknown[] = [];
      for await (const event of client.events(id)) {
        if (event.type === 'prompt') await client.supply(id, 'pin', secret(pins.shift() ?? ''));
        if (event.type === 'refused') told.push(event.refusal.code, event.refusal.detail.triesLeft);
      }
      expect(told).toEqual(['ERR_PIN_WRONG', 4]);
    });

    it('fails with the reasons of the verdict', async () => {
      const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
      const events: CeremonyEvent[] = [];
      for await (const event of client.events(id)) events.push(event);
      expect(events.at(-1)).toMatchObject({
        type: 'failed',
        refusal: { code: 'ERR_CONTAINER_MISSING' },
        reasons: [{ depth: 0, ok: false, text: 'the PIN is missing' }],
      });
    });

    it('refuses a secret that it did not ask for', async () => {
      service.addUser(1000);
      const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
      expect(await codeOf(client.supply(id, 'recovery', secret('x')))).toBe('ERR_API_SLOT_NOT_WANTED');
    });

    it('hands a secret out once', async () => {
      service.addUser(1000);
      const id = await client.begin({ kind: 'unlock', purpose: 'p', forSeconds: null });
      await client.events(id).next();
      await client.supply(id, 'pin', secret('271828'));
      for await (const _ of client.events(id));
      (await client.take(id, 'purpose-key')).dispose();
      expect(await codeOf(client.take(id, 'purpose-key'))).toBe('ERR_API_SLOT_EMPTY');
    });

    it('does not exist for another uid, root included', async () => {
      service.addUser(1000);
      const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
      for (const uid of [1001, 0]) {
        api.peer = peerOfUid(uid);
        expect(await codeOf(client.cancel(id))).toBe('ERR_API_NO_SUCH_CEREMONY');
        expect(await codeOf(client.supply(id, 'pin', secret('1')))).toBe('ERR_API_NO_SUCH_CEREMONY');
        expect(await codeOf(client.take(id, 'purpose-key'))).toBe('ERR_API_NO_SUCH_CEREMONY');
        expect(await codeOf(client.events(id).next())).toBe('ERR_API_NO_SUCH_CEREMONY');
      }
    });

    it('is cancelled by DELETE, and again without harm', async () => {
      service.addUser(1000);
      const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
      await client.cancel(id);
      await client.cancel(id);
      const events: CeremonyEvent[] = [];
      for await (const event of client.events(id)) events.push(event);
      expect(events.at(-1)).toMatchObject({ type: 'failed', refusal: { code: 'ERR_API_CEREMONY_CANCELLED' } });
    });

    describe('that nobody listens to', () => {
      beforeEach(async () => {
        await api[Symbol.asyncDispose]();
        // Long enough for a listener on a machine with other work, short enough to wait for.
        api = await apiOnSocket(service, { limits: { abandonedMs: 1500 } });
        client = clientOf(api);
      });

      it('is cancelled when its listener vanishes, or never comes', async () => {
        service.addUser(1000);
        const heard = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
        const unheard = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
        const leaving = new AbortController();
        await client.events(heard, { signal: leaving.signal }).next();
        leaving.abort();
        await until(() => service.ceremonies.get(heard)?.cancelled === true);
        await until(() => service.ceremonies.get(unheard)?.cancelled === true);
        await until(() => api.openCeremonies() === 0);
      });

      it('goes on as long as it is listened to', async () => {
        service.addUser(1000);
        const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
        const other = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
        const listener = client.events(id);
        await listener.next();
        // The other one, begun later and without a listener, has been given up: this one had its time as well.
        await until(() => service.ceremonies.get(other)?.cancelled === true);
        expect(service.ceremonies.get(id)?.cancelled).toBe(false);
        await client.supply(id, 'pin', secret('271828'));
        for await (const _ of listener);
        expect(service.containers.get(1000)?.unlocked).toBe(true);
      });
    });
  });

  describe('what needs no ceremony', () => {
    it('answers status, users, lock, purpose-key and policy', async () => {
      service.addUser(1000).unlocked = true;
      expect((await client.status()).own).toMatchObject({ uid: 1000, state: 'unlocked' });
      using key = await client.purposeKey('mail');
      expect(Buffer.from(key.expose())).toEqual(Buffer.from(service.keyOf('mail')));
      expect(await client.lock()).toEqual({ wasUnlocked: true });
      expect(await codeOf(client.purposeKey('mail'))).toBe('ERR_CONTAINER_LOCKED');
      expect((await client.policy()).authority).toBe('this-machine');
      expect(await codeOf(client.policyRequest())).toBe('ERR_POLICY_NOT_MANAGED');
      service.managed = true;
      expect(await client.policyRequest()).toEqual({ container: 1000, template: 'unlockd policy v1' });
      expect(await codeOf(client.users())).toBe('ERR_API_FORBIDDEN');
      api.peer = peerOfUid(0);
      expect((await client.users()).map((user) => user.uid)).toEqual([1000]);
      const text = '{ "first": ["pin"],  "then": ["fingerprint"] }';
      expect((await client.setPolicy(text)).document).toEqual(JSON.parse(text));
    });

    it('streams the audit log: the newest, then what comes', async () => {
      for (let i = 0; i < 5; i++) service.audited(`event-${i}`, 1000);
      service.audited('of another', 1001);
      const names = async (last: number) => {
        const all: string[] = [];
        for await (const event of client.audit({ last, follow: false })) all.push(event.event);
        return all;
      };
      expect(await names(100)).toEqual(['event-0', 'event-1', 'event-2', 'event-3', 'event-4']);
      const leaving = new AbortController();
      const following = client.audit({ last: 1, follow: true, signal: leaving.signal });
      const next = following.next();
      await until(() => service.calls.filter((call) => call.method === 'audit').length === 2);
      service.audited('fresh', 1000);
      expect((await next).value?.event).toBe('fresh');
      leaving.abort();
    });
  });

  describe('an error', () => {
    it.each([
      ['an unknown route', 'GET', '/v1/nothing', undefined, 404, 'ERR_API_NO_ROUTE'],
      ['another method', 'DELETE', '/v1/status', undefined, 404, 'ERR_API_NO_ROUTE'],
      ['no JSON', 'POST', '/v1/ceremonies', '{', 400, 'ERR_API_REQUEST_INVALID'],
      ['an unknown kind', 'POST', '/v1/ceremonies', '{"kind":"open-sesame"}', 400, 'ERR_API_REQUEST_INVALID'],
      ['a member too many', 'POST', '/v1/ceremonies', '{"kind":"enrol","uid":0}', 400, 'ERR_API_REQUEST_INVALID'],
      ['a bad query', 'GET', '/v1/events?last=-1', undefined, 400, 'ERR_API_REQUEST_INVALID'],
      ['an id that is none', 'DELETE', '/v1/ceremonies/a%20b', undefined, 400, 'ERR_API_REQUEST_INVALID'],
      ['an unknown id', 'DELETE', '/v1/ceremonies/abc', undefined, 404, 'ERR_API_NO_SUCH_CEREMONY'],
      ['an unknown slot', 'GET', '/v1/ceremonies/abc/secrets/container-key', undefined, 400, 'ERR_API_REQUEST_INVALID'],
    ])('of %s has the one shape', async (_what, method, path, body, status, code) => {
      const answer = await httpCall(api.socketPath, method, path, {
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body }),
      });
      expect(answer.status).toBe(status);
      const refusal = JSON.parse(answer.body.toString());
      expect(Object.keys(refusal)).toEqual(['code', 'message', 'cure', 'detail']);
      expect(refusal.code).toBe(code);
    });

    it('that nobody foresaw reveals nothing and is told to the log', async () => {
      service.breakNext = new Error('canary 4f1d');
      const answer = await httpCall(api.socketPath, 'GET', '/v1/status');
      expect(answer.status).toBe(500);
      expect(answer.body.toString()).not.toContain('canary');
      expect(JSON.parse(answer.body.toString()).code).toBe('ERR_API_INTERNAL');
      expect(api.unexpected.splice(0).map(String)).toEqual(['Error: canary 4f1d']);
    });

    it('in the middle of a stream is an event', async () => {
      service.breakNext = new Error('canary 4f1e');
      expect(await codeOf(client.audit({ last: 1, follow: false }).next())).toBe('ERR_API_INTERNAL');
      expect(api.unexpected.splice(0)).toHaveLength(1);
    });

    it('of bytes that are no HTTP has the one shape too', async () => {
      const answer = await rawExchange(api.socketPath, 'ceci n’est pas une requête\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).code).toBe('ERR_API_REQUEST_INVALID');
    });

    it('of headers beyond the limit has the one shape too', async () => {
      const answer = await rawExchange(
        api.socketPath,
        `GET /v1/status HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9000)}\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 431 /);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).code).toBe('ERR_API_HEADERS_TOO_LARGE');
    });
  });
});
