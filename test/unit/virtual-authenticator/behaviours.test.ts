/** Misbehaviours do what their names say, and stop when they are taken away. */
import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { type CborMap, decodeLenient, decodeStrict } from '../../../drivers/fido2/wire/cbor.ts';
import { CTAPHID, fragment } from '../../../drivers/fido2/wire/ctaphid.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import * as wire from '../../../hal-mocks/fido2/behaviours.ts';
import * as lies from '../../../hal-mocks/fido2/lies.ts';
import { settle } from './manual-clock.ts';
import {
  CLIENT_DATA_HASH,
  credentialIdOf,
  descriptor,
  flagsOf,
  getParameters,
  makeParameters,
  RawHost,
} from './raw-host.ts';

const { CBOR, PING, ERROR, KEEPALIVE } = CTAPHID;
const GET_INFO = Uint8Array.of(0x04);

async function with_(behaviour: Behaviour) {
  const host = new RawHost();
  const cid = await host.open();
  const stop = host.authenticator.misbehave(behaviour);
  return { host, cid, stop };
}

/** The reports that come back for one getInfo. */
async function reports(behaviour: Behaviour) {
  const { host, cid } = await with_(behaviour);
  const got: Uint8Array[] = [];
  host.authenticator.listen({ report: (report) => got.push(report), gone: () => undefined });
  host.send(cid, CBOR, GET_INFO);
  await settle();
  return { got, cid, host };
}

describe('on the wire', () => {
  it('busy refuses as often as it was told', async () => {
    const { host, cid } = await with_(wire.busy(2));
    for (let i = 0; i < 3; i++) host.send(cid, CBOR, GET_INFO);
    expect(await host.answers()).toEqual([
      [ERROR, 6],
      [ERROR, 6],
      [CBOR, 0],
    ]);
  });

  it('a keep-alive storm stands in front of the answer', async () => {
    const { host, cid } = await with_(wire.keepaliveStorm(50));
    host.send(cid, CBOR, GET_INFO);
    const answers = await host.answers();
    expect([answers.length, answers[49], answers[50]]).toEqual([51, [KEEPALIVE, 1], [CBOR, 0]]);
  });

  it('keep-alives without end never become an answer, and end when they are taken away', async () => {
    const { host, cid } = await with_(wire.endlessKeepalive());
    host.send(cid, CBOR, GET_INFO);
    await host.clock.advance(1000);
    expect(await host.answers()).toEqual(Array.from({ length: 10 }, () => [KEEPALIVE, 1]));
    host.send(cid, CTAPHID.CANCEL);
    await host.clock.advance(1000);
    expect(await host.answers()).toEqual([]);
  });

  it('silence is silent', async () => {
    expect((await reports(wire.silent())).got).toEqual([]);
  });

  it('short reports are short, merged ones are one', async () => {
    expect((await reports(wire.shortReports(20))).got.every((it) => it.length === 20)).toBe(true);
    const { got } = await reports(wire.mergedReports());
    expect([got.length, (got[0]?.length ?? 0) % 64]).toEqual([1, 0]);
  });

  it('an answer on the wrong channel is not heard on the right one', async () => {
    const { got, cid } = await reports(wire.wrongChannel());
    expect(got.map((it) => new DataView(it.buffer).getUint32(0) === cid)).not.toContain(true);
  });

  it('an answer without its end stays unfinished; a reordered one has its packets out of order', async () => {
    const whole = (await reports({ name: 'none' })).got;
    expect((await reports(wire.truncatedAnswers())).got).toHaveLength(whole.length - 1);
    expect((await reports(wire.reorderedReports())).got.slice(0, 3).map((it) => it[4])).toEqual([0x90, 1, 0]);
  });

  it('messages of another channel come in between', async () => {
    const { got, cid } = await reports(wire.foreignTraffic());
    const cids = got.map((it) => new DataView(it.buffer).getUint32(0));
    expect([cids[0] === cid, cids.at(-1) === cid]).toEqual([false, true]);
  });

  it.each([1, 2, 3])('it is pulled out in front of its report %i', async (frame) => {
    const { got, host } = await reports(wire.unplugAtFrame(frame));
    expect([got.length, host.authenticator.plugged]).toEqual([frame - 1, false]);
  });

  it('it is pulled out in the middle of a message of the host', async () => {
    const { host, cid } = await with_(wire.unplugAtHostFrame(2));
    for (const report of fragment(cid, PING, new Uint8Array(200))) host.authenticator.receive(report);
    expect(await host.answers()).toEqual([]);
    expect(host.authenticator.plugged).toBe(false);
  });

  it('it is as before when a behaviour is taken away', async () => {
    const { host, cid, stop } = await with_(wire.silent());
    host.send(cid, CBOR, GET_INFO);
    stop();
    expect((await host.answers()).length).toBe(1);
    host.send(cid, CBOR, GET_INFO);
    expect(await host.answers()).toEqual([[CBOR, 0]]);
  });
});

describe('in CBOR', () => {
  const rejected: readonly Behaviour[] = [
    lies.longMapHead(),
    lies.indefiniteMap(),
    lies.trailingBytes(0),
    lies.deepNesting(5000),
    lies.hugeClaim(),
  ];
  it.each(rejected.map((it) => [it.name, it] as const))('%s is not what CTAP2 allows', async (_name, behaviour) => {
    const { host, cid } = await with_(behaviour);
    host.send(cid, CBOR, GET_INFO);
    await settle();
    const payload = host.heard[0]?.payload ?? new Uint8Array(1);
    expect(payload.length).toBeGreaterThan(1);
    let failure: unknown;
    try {
      decodeLenient(payload.subarray(1));
    } catch (error) {
      failure = error;
    }
    expect(isUnlockdError(failure, 'ERR_CTAP_INVALID_CBOR')).toBe(true);
  });

  it('unsorted maps hold the same and are not canonical', async () => {
    const { host, cid, stop } = await with_(lies.unsortedMaps());
    host.send(cid, CBOR, GET_INFO);
    await settle();
    const { value, canonical } = decodeLenient((host.heard.splice(0)[0]?.payload ?? GET_INFO).subarray(1));
    stop();
    host.send(cid, CBOR, GET_INFO);
    await settle();
    const honest = decodeStrict((host.heard[0]?.payload ?? GET_INFO).subarray(1));
    expect(canonical).toBe(false);
    expect(new Map([...(value as CborMap)].sort(([a], [b]) => Number(a) - Number(b)))).toEqual(honest);
  });

  it('a fixed answer is exactly those bytes', async () => {
    const { host, cid } = await with_(lies.answerStatus(0x04, 0x7f));
    expect((await host.ctap(cid, 0x04)).status).toBe(0x7f);
  });
});

describe('in authenticator data', () => {
  /** One assertion under a behaviour, and whether its signature holds over what it says. */
  async function assertion(behaviour: Behaviour) {
    const host = new RawHost();
    const cid = await host.open();
    const made = (await host.ctap(cid, 0x01, makeParameters())).body;
    const id = credentialIdOf(made);
    const key = decodeStrict((made.get(2) as Uint8Array).slice(55 + id.length)) as CborMap;
    host.authenticator.misbehave(behaviour);
    const { body } = await host.ctap(cid, 0x02, getParameters([[3, [descriptor(id)]]]));
    const point = (label: number) => Buffer.from(key.get(label) as Uint8Array).toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: point(-2), y: point(-3) }, format: 'jwk' });
    const authData = body.get(2) as Uint8Array;
    const signed = verify('sha256', concat(authData, CLIENT_DATA_HASH), publicKey, body.get(3) as Uint8Array);
    return { body, signed, authData, id };
  }

  it('an honest one verifies', async () => {
    const { signed, body } = await assertion({ name: 'none' });
    expect([signed, flagsOf(body)]).toEqual([true, 0x01]);
  });

  it.each([
    ['claims verification', lies.claimUserVerified(true), 0x05],
    ['hides presence', lies.hideUserPresence(), 0x00],
    ['adds an output nobody asked for', lies.extensionOutput('hmac-secret', new Uint8Array(32)), 0x81],
  ] as const)('a lie that %s is signed correctly', async (_title, behaviour, flags) => {
    const { signed, body } = await assertion(behaviour);
    expect([signed, flagsOf(body)]).toEqual([true, flags]);
  });

  it('another relying party and a stuck counter are signed correctly as well', async () => {
    const honest = await assertion({ name: 'none' });
    const other = await assertion(lies.otherRelyingParty());
    expect(other.signed).toBe(true);
    expect(other.authData.subarray(0, 32)).not.toEqual(honest.authData.subarray(0, 32));
    const stuck = await assertion(lies.stuckCounter(7));
    expect([stuck.signed, new DataView(stuck.authData.buffer, stuck.authData.byteOffset).getUint32(33)]).toEqual([
      true,
      7,
    ]);
  });

  it('another credential id is named, and a broken signature does not verify', async () => {
    const named = await assertion(lies.otherCredentialId(Uint8Array.of(1, 2, 3)));
    expect((named.body.get(1) as CborMap).get('id')).toEqual(Uint8Array.of(1, 2, 3));
    expect((await assertion(lies.brokenSignature())).signed).toBe(false);
  });
});
