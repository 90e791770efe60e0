import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HttpHands } from '../../../agent/operator/http.ts';
import type { Detector, Task } from '../../../agent/operator/task.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { deferred } from '../../../drivers/base/deferred.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { type Does, MachineServer } from '../../../hal-mocks/operator/machine-server.ts';

const task: Task = { id: 'run-1', doing: { do: 'insert', key: 'blue' }, text: 'Plug in blue' };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const never: Detector = {
  what: 'blue is plugged in',
  until: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
};

/** Pauses between tries are short here. */
const hurried: Clock = {
  ...systemClock,
  sleep: (span, options) => systemClock.sleep(milliseconds(span / 20), options),
};

const handsAt = (url: string, token: string | null = null) =>
  new HttpHands({
    machine: { url: new URL(url), token: token === null ? null : Secret.copyOf(new TextEncoder().encode(token)) },
    clock: hurried,
    tell: () => undefined,
  });

async function machine(does: Does, options: { readonly token?: string } = {}) {
  const server = await MachineServer.start(does, options);
  closing.push(() => server[Symbol.asyncDispose]());
  return server;
}

type Answers = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server that answers as the test says. */
async function liar(answers: Answers): Promise<{ url: string; methods: string[] }> {
  const methods: string[] = [];
  const server = createServer((request, response) => {
    methods.push(request.method ?? '');
    request.resume();
    answers(request, response, methods.length);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, methods };
}

const perform = (url: string, detector: Detector | null = null, signal = new AbortController().signal) =>
  handsAt(url).perform(task, detector, { signal, endsAt: null });

test('the machine is asked with what is to be done, in words and as data', async () => {
  const asked: unknown[] = [];
  const { url } = await machine(async (what) => {
    asked.push(what);
    return undefined;
  });
  await handsAt(url).perform(task, null, {
    signal: new AbortController().signal,
    endsAt: monotonicMs(systemClock.now() + 60_000),
  });
  expect(asked).toEqual([
    {
      id: 'run-1',
      doing: { do: 'insert', key: 'blue' },
      text: 'Plug in blue',
      seen: false,
      within: expect.any(Number),
    },
  ]);
});

test('the token is sent, and a machine that refuses it is a fault of its own', async () => {
  const { url } = await machine(async () => undefined, { token: 'abc' });
  await handsAt(url, 'abc').perform(task, null, { signal: new AbortController().signal, endsAt: null });
  await expect(perform(url)).rejects.toMatchObject({
    code: 'ERR_OPERATOR_ANSWER',
    message: expect.stringContaining('it refuses the token (status 401)'),
  });
});

test.each([
  ['skipped', 'ERR_OPERATOR_SKIPPED', '“Plug in blue” was skipped: the arm is\ufffd stuck'],
  ['cannot', 'ERR_OPERATOR_CANNOT', '“Plug in blue”: the arm is\ufffd stuck'],
  ['abort', 'ERR_OPERATOR_ABORTED', '127.0.0.1:'],
] as const)('a machine that says “%s” is believed, its words are made safe', async (state, code, message) => {
  const { url } = await machine(async () => ({ state, reason: 'the arm is\u202e stuck' }));
  await expect(perform(url)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test('its word is not enough for what a driver can see', async () => {
  const { url } = await machine(async () => undefined);
  const abort = new AbortController();
  const done = perform(url, never, abort.signal);
  done.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 300));
  abort.abort(new Error('over'));
  await expect(done).rejects.toThrow('over');
});

test('what a driver sees is enough, and the machine is told that nobody waits', async () => {
  const [begun, stopped] = [deferred<void>(), deferred<void>()];
  const { url } = await machine((_, { signal }) => {
    begun.resolve();
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => {
        stopped.resolve();
        resolve(undefined);
      }),
    );
  });
  await perform(url, { what: 'blue is plugged in', until: () => begun.promise });
  await stopped.promise;
});

test('a driver that cannot see makes the word of the machine worthless', async () => {
  const { url } = await machine(async () => undefined);
  const blind: Detector = { what: 'x', until: () => Promise.reject(new Error('no hidraw')) };
  await expect(perform(url, blind)).rejects.toMatchObject({
    code: 'ERR_OPERATOR_CANNOT',
    detail: { reason: 'no hidraw' },
  });
});

test('a task that is asked for twice, because the answer was lost, is done once', async () => {
  let begun = 0;
  const inner = await machine(async () => {
    begun++;
    return undefined;
  });
  // The first request reaches the machine, its answer does not come back.
  let lost = 0;
  const { url } = await liar((request, response) => {
    const forward = async () => {
      const answer = await fetch(`${inner.url}${request.url}`, {
        method: request.method ?? 'GET',
        ...(request.method === 'PUT' ? { body: JSON.stringify({ ...task, seen: false, within: null }) } : {}),
      });
      if (lost++ === 0) response.destroy();
      else response.end(await answer.text());
    };
    forward().catch(() => response.destroy());
  });
  await perform(url);
  expect(begun).toBe(1);
  expect(lost).toBeGreaterThan(1);
});

test('status 503 is tried again, and after some tries in a row given up', async () => {
  const later = await liar((_, response, count) => {
    response.statusCode = count < 3 ? 503 : 200;
    response.end(JSON.stringify({ id: task.id, state: 'done', extra: 1 }));
  });
  await perform(later.url);
  expect(later.methods.filter((method) => method === 'PUT')).toHaveLength(3);
});

test('a machine that is switched off is unreachable', async () => {
  const { url } = await liar(() => undefined);
  for (const close of closing.splice(0)) await close();
  const abort = new AbortController();
  const done = perform(url, null, abort.signal);
  await expect(done).rejects.toMatchObject({
    code: 'ERR_OPERATOR_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

const answered =
  (body: string | Uint8Array, status = 200): Answers =>
  (_, response) => {
    response.statusCode = status;
    response.end(body);
  };

test.each<[string, Answers, string]>([
  ['no JSON', answered('<html>'), 'it is no JSON in UTF-8'],
  ['no UTF-8', answered(new Uint8Array([0x22, 0xff, 0x22])), 'it is no JSON in UTF-8'],
  ['another form', answered('{"id":"run-1","state":"perhaps"}'), 'it has not the form that the protocol gives it'],
  ['a reason that is missing', answered('{"id":"run-1","state":"cannot"}'), 'it has not the form'],
  [
    'a reason without end',
    answered(JSON.stringify({ id: 'run-1', state: 'cannot', reason: 'x'.repeat(501) })),
    'it has not the form',
  ],
  ['the answer of another task', answered('{"id":"run-2","state":"done"}'), 'it is about another task'],
  ['a list', answered('[]'), 'it has not the form'],
  ['a body that is too long', answered(' '.repeat(20_000)), 'its answer is longer than 16384 bytes'],
  ['a status that means nothing', answered('{}', 204), 'it answers with status 204'],
  [
    'a redirect',
    (_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    },
    'it answers with status 302',
  ],
])('%s is refused', async (_name, answers, message) => {
  const { url } = await liar(answers);
  await expect(perform(url)).rejects.toMatchObject({
    code: 'ERR_OPERATOR_ANSWER',
    message: expect.stringContaining(message),
  });
});

test('a machine that never ends its answer does not outlive the step', async () => {
  const { url } = await liar((_, response) => {
    response.write('{"id":');
  });
  const abort = new AbortController();
  const done = perform(url, null, abort.signal);
  done.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const close of closing.splice(0)) setTimeout(() => void close(), 200);
  abort.abort(new Error('over'));
  await expect(done).rejects.toThrow('over');
});
