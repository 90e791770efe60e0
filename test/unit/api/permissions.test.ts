/** The table of who may what: cell by cell against its meaning, and each cell through the API with the peer as given. */
import { describe, expect, it } from 'vitest';
import { createApi } from '../../../agent/api/create-api.ts';
import { openApiText } from '../../../agent/api/openapi.ts';
import { ACTIONS, type Action, mayCall, permissionsPage, requirePermission } from '../../../agent/api/permissions.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { httpCall, jsonCall } from '../../support/api/raw-http.ts';
import { expectGolden } from '../../support/cli/golden.ts';

/** Written out by hand: [root for itself or the machine, root for another, a user for itself, a user for another]. */
const EXPECTED: Readonly<Record<Action, readonly [boolean, boolean, boolean, boolean]>> = {
  setup: [true, false, false, false],
  'lockout-reset': [true, false, false, false],
  enrol: [true, false, true, false],
  unlock: [true, false, true, false],
  lock: [true, false, true, false],
  'purpose-key': [true, false, true, false],
  'earlier-key': [true, false, true, false],
  'pin-change': [true, false, true, false],
  recover: [true, false, true, false],
  unenrol: [true, true, true, false],
  status: [true, false, true, false],
  users: [true, false, false, false],
  configuration: [true, false, false, false],
  'policy-show': [true, false, true, false],
  'policy-facts': [true, false, false, false],
  'policy-explain': [true, false, true, false],
  signals: [true, false, true, false],
  'key-add': [true, false, true, false],
  'key-revoke': [true, false, true, false],
  phones: [true, false, true, false],
  'phone-add': [true, false, true, false],
  'phone-remove': [true, true, true, false],
  'biometric-add': [true, false, true, false],
  'biometric-remove': [true, false, true, false],
  'policy-set': [true, false, false, false],
  'policy-request': [true, false, true, false],
  'policy-apply': [true, false, true, false],
  events: [true, true, true, false],
};

const CASES = ACTIONS.flatMap((action) => {
  const [rootOwn, rootOther, userOwn, userOther] = EXPECTED[action];
  return [
    [action, 'root', 0, 'itself or the machine', null, rootOwn],
    [action, 'root', 0, 'its own uid', 0, rootOwn],
    [action, 'root', 0, 'another', 1001, rootOther],
    [action, 'a user', 1000, 'itself or the machine', null, userOwn],
    [action, 'a user', 1000, 'its own uid', 1000, userOwn],
    [action, 'a user', 1000, 'another', 1001, userOther],
    [action, 'a user', 1000, 'root', 0, userOther],
  ] as const;
});

describe('the table of permissions', () => {
  it.each(CASES)('%s by %s (uid %i) for %s (%s): %s', (action, _who, uid, _whom, target, allowed) => {
    expect(mayCall({ uid }, action, target)).toBe(allowed);
    const attempt = () => requirePermission({ uid }, action, target);
    if (allowed) attempt();
    else expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_API_FORBIDDEN' }));
  });

  it('stands in the reference as it is', () => expectGolden('docs/reference/permissions.md', permissionsPage()));
});

describe('the OpenAPI document', () => {
  const api = createApi({ service: new FakeService(), peerOf: () => null, clock: systemClock });
  const text = openApiText(api.router);

  it('stands in the reference as it is', () => expectGolden('docs/reference/openapi.json', text));

  it('names every route that answers, and no other', () => {
    const paths: Readonly<Record<string, object>> = JSON.parse(text).paths;
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    const served = api.router.routes.map(({ method, path }) => `${method} ${path}`);
    expect(described.sort()).toEqual([...new Set(served)].sort());
  });
});

const PHONE = 'a0:b1:c2:d3:e4:f5';

/** One request for each action, aimed at the own container or the machine, and at uid 1001 where it can be aimed. */
const REQUESTS: Readonly<Partial<Record<Action, (target: number | null) => [string, string, unknown]>>> = {
  setup: () => ['POST', '/v1/ceremonies', { kind: 'setup' }],
  'lockout-reset': () => ['POST', '/v1/ceremonies', { kind: 'lockout-reset' }],
  enrol: () => ['POST', '/v1/ceremonies', { kind: 'enrol' }],
  unlock: () => ['POST', '/v1/ceremonies', { kind: 'unlock' }],
  'earlier-key': () => ['POST', '/v1/ceremonies', { kind: 'earlier-key', purpose: 'disk', earlier: 1 }],
  'pin-change': () => ['POST', '/v1/ceremonies', { kind: 'pin-change' }],
  recover: () => ['POST', '/v1/ceremonies', { kind: 'recover' }],
  unenrol: (uid) => ['POST', '/v1/ceremonies', { kind: 'unenrol', uid }],
  'policy-apply': () => ['POST', '/v1/ceremonies', { kind: 'policy-apply', document: '{}' }],
  lock: () => ['POST', '/v1/lock', undefined],
  'purpose-key': () => ['POST', '/v1/purpose-key', { purpose: 'p' }],
  status: () => ['GET', '/v1/status', undefined],
  users: () => ['GET', '/v1/users', undefined],
  configuration: () => ['GET', '/v1/configuration', undefined],
  'policy-show': () => ['GET', '/v1/policy', undefined],
  'policy-facts': () => ['GET', '/v1/policy/facts', undefined],
  'policy-explain': () => ['GET', '/v1/policy/explain', undefined],
  signals: () => ['GET', '/v1/signals', undefined],
  'key-add': () => ['POST', '/v1/ceremonies', { kind: 'key-add' }],
  'key-revoke': () => ['POST', '/v1/ceremonies', { kind: 'key-revoke', id: '0123abcd' }],
  phones: () => ['GET', '/v1/phones', undefined],
  'phone-add': () => ['POST', '/v1/ceremonies', { kind: 'phone-add', address: PHONE }],
  'phone-remove': () => ['DELETE', `/v1/phones/${PHONE}`, undefined],
  'biometric-add': () => ['POST', '/v1/ceremonies', { kind: 'biometric-add', modality: 'fingerprint' }],
  'biometric-remove': () => ['POST', '/v1/ceremonies', { kind: 'biometric-remove', modality: 'face' }],
  'policy-set': () => ['PUT', '/v1/policy', {}],
  'policy-request': () => ['GET', '/v1/policy/request', undefined],
  events: () => ['GET', '/v1/events', undefined],
};

describe('each action over the API', () => {
  it.each(ACTIONS.flatMap((action) => [0, 1000].map((uid) => [action, uid] as const)))(
    '%s by uid %i reaches the service as that peer and is refused as the table says',
    async (action, uid) => {
      const service = new FakeService();
      service.addUser(uid).unlocked = true;
      service.managed = true;
      await using api = await apiOnSocket(service);
      api.peer = peerOfUid(uid);
      const [method, path, body] = REQUESTS[action]?.(null) ?? expect.fail(`no request for ${action}`);
      const answer =
        body === undefined
          ? await httpCall(api.socketPath, method, path)
          : await jsonCall(api.socketPath, method, path, body);
      expect(service.calls.map(({ peer }) => peer)).toEqual([peerOfUid(uid)]);
      expect(answer.status === 403).toBe(!mayCall({ uid }, action));
    },
  );

  it.each([0, 1000])('the removal of a phone of uid 1001 by uid %i is refused as the table says', async (uid) => {
    const service = new FakeService();
    service.paired.push({
      address: PHONE,
      name: null,
      uid: 1001,
      enrolledAt: 0,
      paired: true,
      key: 'authenticated',
      pinned: true,
    });
    await using api = await apiOnSocket(service);
    api.peer = peerOfUid(uid);
    const answer = await httpCall(api.socketPath, 'DELETE', `/v1/phones/${PHONE}?uid=1001`);
    expect(answer.status).toBe(uid === 0 ? 200 : 403);
    expect(service.paired).toHaveLength(uid === 0 ? 0 : 1);
  });

  it.each([0, 1000])('unenrol of uid 1001 by uid %i is refused as the table says', async (uid) => {
    await using api = await apiOnSocket(new FakeService());
    api.peer = peerOfUid(uid);
    const answer = await jsonCall(api.socketPath, 'POST', '/v1/ceremonies', { kind: 'unenrol', uid: 1001 });
    expect(answer.status).toBe(uid === 0 ? 201 : 403);
  });
});
