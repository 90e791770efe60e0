/** What one caller can hold or send, and who the callers are: limits and peers over a real socket. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../../agent/api/client.ts';
import { apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { clientOf, codeOf, secret, until } from '../../support/api/calls.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { httpCall, jsonCall, rawExchange } from '../../support/api/raw-http.ts';

describe('the limits of the API', () => {
  it('refuse a secret of 1025 bytes and take one of 1024', async () => {
    const service = new FakeService();
    service.addUser(1000, 'x'.repeat(1024));
    await using api = await apiOnSocket(service);
    const client = clientOf(api);
    const id = await client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
    await client.events(id).next();
    expect(await codeOf(client.supply(id, 'pin', secret('x'.repeat(1025))))).toBe('ERR_API_BODY_TOO_LARGE');
    await client.supply(id, 'pin', secret('x'.repeat(1024)));
    for await (const _ of client.events(id));
    expect(service.containers.get(1000)?.unlocked).toBe(true);
  });

  it('refuse an empty secret and one that is sent as JSON', async () => {
    const service = new FakeService();
    service.addUser(1000);
    await using api = await apiOnSocket(service);
    const id = await clientOf(api).begin({ kind: 'unlock', purpose: null, forSeconds: null });
    const path = `/v1/ceremonies/${id}/secrets/pin`;
    const empty = await httpCall(api.socketPath, 'PUT', path, {
      headers: { 'content-type': 'application/octet-stream', 'content-length': '0' },
    });
    expect([empty.status, JSON.parse(empty.body.toString()).code]).toEqual([400, 'ERR_API_REQUEST_INVALID']);
    const json = await jsonCall(api.socketPath, 'PUT', path, '271828');
    expect([json.status, JSON.parse(json.body.toString()).code]).toEqual([400, 'ERR_API_REQUEST_INVALID']);
  });

  it('refuse a JSON body that is too large without reading all of it', async () => {
    await using api = await apiOnSocket(new FakeService(), { limits: { jsonBytes: 100 } });
    const answer = await jsonCall(api.socketPath, 'POST', '/v1/ceremonies', { kind: 'x'.repeat(200) });
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([413, 'ERR_API_BODY_TOO_LARGE']);
  });

  it('keep the ceremonies of one uid apart from those of another', async () => {
    const service = new FakeService();
    for (const uid of [1000, 1001]) service.addUser(uid);
    await using api = await apiOnSocket(service, { limits: { ceremoniesPerUid: 2 } });
    const client = clientOf(api);
    const begin = () => client.begin({ kind: 'unlock', purpose: null, forSeconds: null });
    const settled = await Promise.allSettled([begin(), begin(), begin(), begin()]);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(await codeOf(begin())).toBe('ERR_API_TOO_MANY_CEREMONIES');
    api.peer = peerOfUid(1001);
    const other = await begin();
    await client.cancel(other);
    api.peer = peerOfUid(1000);
    for (const ceremony of service.ceremonies.values()) ceremony.cancel();
    await until(() => api.openCeremonies() === 0);
    await begin();
  });

  it('keep the connections of one uid apart from those of another', async () => {
    const service = new FakeService();
    await using api = await apiOnSocket(service, { limits: { connectionsPerUid: 2 } });
    const client = clientOf(api);
    const leaving = new AbortController();
    const streams = [1, 2].map(() => client.audit({ last: 0, follow: true, signal: leaving.signal }).next());
    await until(() => service.calls.filter((call) => call.method === 'audit').length === 2);
    expect(await codeOf(client.status())).toBe('ERR_API_TOO_MANY_CONNECTIONS');
    api.peer = peerOfUid(1001);
    await client.status();
    leaving.abort();
    await Promise.allSettled(streams);
    api.peer = peerOfUid(1000);
    // The server hears of the closed connections in its own time.
    for (;;) {
      const code = await codeOf(client.status());
      if (code === 'no error') break;
      expect(code).toBe('ERR_API_TOO_MANY_CONNECTIONS');
    }
  });

  it('answer in time what the service does not', async () => {
    const service = new FakeService();
    service.status = () => new Promise(() => undefined);
    await using api = await apiOnSocket(service, { limits: { answerMs: 20 } });
    expect(await codeOf(clientOf(api).status())).toBe('ERR_API_TIMEOUT');
  });

  it('close a connection whose request never ends', async () => {
    await using api = await apiOnSocket(new FakeService(), { limits: { headersMs: 50, requestMs: 100 } });
    const answer = await new Promise<string>((resolve) => {
      void import('node:net').then(({ connect }) => {
        const socket = connect(api.socketPath);
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
        });
        socket.once('close', () => resolve(text));
        socket.write('GET /v1/status HTTP/1.1\r\nhost: x\r\n');
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('the peer', () => {
  it('that the kernel does not name is refused, also when asking the kernel fails', async () => {
    const service = new FakeService();
    await using api = await apiOnSocket(service);
    api.peer = null;
    const answer = await httpCall(api.socketPath, 'GET', '/v1/status');
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([403, 'ERR_API_PEER_UNKNOWN']);
    await using broken = await apiOnSocket(service, {
      peerOf: () => {
        throw new Error('no koffi');
      },
    });
    expect((await httpCall(broken.socketPath, 'GET', '/v1/status')).status).toBe(403);
    expect(service.calls).toEqual([]);
  });

  it('that the kernel does not name is counted: who holds many such connections gets no more', async () => {
    const service = new FakeService();
    await using api = await apiOnSocket(service, { limits: { connectionsPerUid: 2 } });
    api.peer = null;
    const sockets = Array.from({ length: 8 }, () => connect(api.socketPath));
    let closed = 0;
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.once('close', () => closed++);
      socket.resume();
    }
    await until(() => closed === 4);
    // Those that are left are told why, and a user is served beside them.
    const left = sockets.find((socket) => !socket.destroyed);
    const told = new Promise<string>((resolve) => left?.once('data', (chunk) => resolve(chunk.toString('latin1'))));
    left?.write('GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await told).toMatch(/^HTTP\/1\.1 403 /);
    api.peer = peerOfUid(1000);
    await clientOf(api).status();
    for (const socket of sockets) socket.destroy();
  });

  it('is asked for once, when the connection is made', async () => {
    const service = new FakeService();
    let asked = 0;
    await using api = await apiOnSocket(service, {
      peerOf: () => {
        asked++;
        return peerOfUid(1000 + asked);
      },
    });
    const answer = await rawExchange(
      api.socketPath,
      'GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\nGET /v1/status HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(service.calls.map(({ peer }) => peer.uid)).toEqual([1001, 1001]);
  });

  it('is what the service gets, whatever the message says', async () => {
    const service = new FakeService();
    await using api = await apiOnSocket(service);
    await httpCall(api.socketPath, 'GET', '/v1/status?uid=0', { headers: { 'x-uid': '0', authorization: 'root' } });
    expect(service.calls).toEqual([{ method: 'status', peer: peerOfUid(1000) }]);
  });

  it('of the daemon is checked before anything is sent', async () => {
    const service = new FakeService();
    await using api = await apiOnSocket(service);
    const wary = createClient({
      socketPath: api.socketPath,
      check: { peerOf: async () => peerOfUid(1234), trusts: (uid) => uid === 0 },
    });
    await expect(wary.begin({ kind: 'enrol' })).rejects.toMatchObject({ code: 'ERR_CLI_DAEMON_UNTRUSTED' });
    await expect(wary.supply('a', 'pin', secret('1'))).rejects.toMatchObject({ code: 'ERR_CLI_DAEMON_UNTRUSTED' });
    expect(service.calls).toEqual([]);
  });
});
