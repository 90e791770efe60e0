/**
 * Spoiled requests, as bytes, on the real socket of the API: each connection is answered with a refusal or closed, nothing
 * in the API calls an error unexpected, and afterwards an honest request is answered as before.
 */
import { utf8 } from '../../drivers/base/bytes.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { apiOnSocket } from '../support/api/api-on-socket.ts';
import { FakeService } from '../support/api/fake-service.ts';
import { rawExchange } from '../support/api/raw-http.ts';
import { Dice, mutate } from './mutate.ts';
import type { Result } from './run.ts';

const body = (method: string, path: string, type: string, content: string): string =>
  `${method} ${path} HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${content.length}\r\n\r\n${content}`;

const REQUESTS = [
  'GET /v1/status HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\n\r\n',
  'GET /v1/users HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\n\r\n',
  'GET /v1/policy HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\n\r\n',
  'GET /v1/events?last=3&follow=false HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\n\r\n',
  body('POST', '/v1/purpose-key', 'application/json', '{"purpose":"backup"}'),
  body('POST', '/v1/ceremonies', 'application/json', '{"kind":"unlock","purpose":"backup","forSeconds":60}'),
  body('PUT', '/v1/policy', 'application/json', '{"version":1,"first":["pin"],"then":["securityKey"]}'),
  body('PUT', '/v1/ceremonies/abcdef/secrets/pin', 'application/octet-stream', '246813'),
].map(utf8);

export async function fuzzSocket(cases: number, seed: number, progress: () => void): Promise<Result> {
  const service = new FakeService();
  service.addUser(1000);
  await using api = await apiOnSocket(service);
  const faults: string[] = [];
  let [values, typedErrors, slowest] = [0, 0, 0];
  const heapBefore = process.memoryUsage().heapUsed;
  const begun = systemClock.now();
  for (let number = 0; number < cases; number++) {
    progress();
    const started = systemClock.now();
    const answer = await rawExchange(api.socketPath, mutate(REQUESTS, new Dice(seed + number)));
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'closed';
    if (status.startsWith('2')) values++;
    else typedErrors++;
    const unexpected = api.unexpected.shift();
    if (unexpected !== undefined || status.startsWith('5')) {
      faults.push(`case ${number}: ${status} ${unexpected instanceof Error ? unexpected.stack : answer.slice(0, 300)}`);
    }
    slowest = Math.max(slowest, systemClock.now() - started);
    // Ceremonies that a case has begun and nobody goes on with.
    for (const ceremony of service.ceremonies.values()) ceremony.cancel();
    service.ceremonies.clear();
    service.calls.length = 0;
    service.log.length = 0;
  }
  const honest = await rawExchange(api.socketPath, REQUESTS[0] ?? '');
  if (!honest.startsWith('HTTP/1.1 200')) faults.push(`an honest request afterwards: ${honest.slice(0, 300)}`);
  const took = systemClock.now() - begun;
  const heapGrowth = process.memoryUsage().heapUsed - heapBefore;
  return { name: 'api/socket', cases, values, typedErrors, faults: faults.slice(0, 10), took, slowest, heapGrowth };
}
