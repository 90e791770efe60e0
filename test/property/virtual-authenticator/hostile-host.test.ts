/** Whatever a host sends, the virtual authenticator answers by the rules and is ready for the next one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { CTAPHID } from '../../../drivers/fido2/wire/ctaphid.ts';
import { decodeState, encodeState } from '../../../hal-mocks/fido2/state.ts';
import { settle } from '../../unit/virtual-authenticator/manual-clock.ts';
import { descriptor, getParameters, makeParameters, RawHost } from '../../unit/virtual-authenticator/raw-host.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

describe('a hostile host', () => {
  it('that sends any reports at all leaves it able to open a channel and to answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes(70), { maxLength: 30 }), fc.boolean(), async (reports, ownChannel) => {
        const host = new RawHost();
        const cid = await host.open();
        for (const report of reports) {
          const sent = new Uint8Array(report);
          // Half of the time on a channel that exists, where more can go wrong.
          if (ownChannel && sent.length >= 4) new DataView(sent.buffer).setUint32(0, cid);
          host.authenticator.receive(sent);
        }
        host.authenticator.presence.decline();
        await host.clock.advance(600);
        const next = await host.open();
        expect((await host.ctap(next, 0x04)).status).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('that sends any bytes as a command gets one status and nothing changes', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const before = encodeState(host.authenticator.state);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(1, 2, 6, 8, 10, 13, 64), bytes(200), async (command, rest) => {
        const { status, body } = await host.bytes(cid, concat(Uint8Array.of(command), rest));
        expect([status === 0, body.size]).toEqual([false, 0]);
      }),
      { numRuns: 1000 },
    );
    expect(encodeState(host.authenticator.state)).toEqual(before);
  });

  it('that changes one byte of a good request never gets an answer to another encoding of the same', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const good = encodeCanonical(getParameters([[3, [descriptor(new Uint8Array(61))]]]));
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = new Uint8Array(good);
        changed[at] = (changed[at] ?? 0) ^ change;
        const { status } = await host.bytes(cid, concat(Uint8Array.of(2), changed));
        expect(status).not.toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('that pulls it out at any moment finds it whole when it is back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(20), async (reports) => {
        const host = new RawHost();
        const cid = await host.open();
        let seen = 0;
        host.authenticator.misbehave({
          name: 'pulled out',
          outgoing: (out, it) => {
            seen += out.length;
            if (seen <= reports) return out;
            it.unplug();
            return [];
          },
        });
        host.send(cid, CTAPHID.CBOR, concat(Uint8Array.of(1), encodeCanonical(makeParameters())));
        await settle();
        host.authenticator.touch();
        await host.clock.advance(1000);
        host.authenticator.behave();
        if (!host.authenticator.plugged) {
          host.authenticator.insert();
          host.listen();
        }
        const next = await host.open();
        expect((await host.ctap(next, 0x01, makeParameters())).status).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a damaged state file', () => {
  it('is read as it was or refused with ERR_HAL_MOCK_STATE, never otherwise', () => {
    const good = encodeState(new RawHost().authenticator.state);
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(120),
          fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
            const changed = new Uint8Array(good);
            changed[at] = (changed[at] ?? 0) ^ change;
            return changed;
          }),
          fc.nat(good.length - 1).map((length) => good.slice(0, length)),
        ),
        (damaged) => {
          try {
            expect(encodeState(decodeState(damaged))).toEqual(damaged);
          } catch (error) {
            if (!isUnlockdError(error, 'ERR_HAL_MOCK_STATE')) throw error;
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
