/**
 * Responses of a TPM under change: with a session, any flipped bit is refused before anything is used; without one, and
 * for random bytes, there is a value or a typed error, and never another throw.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { satisfyPolicy } from '../../../agent/container/pass.ts';
import { planOf } from '../../../agent/container/plan.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import { concat, toHex, u16, u32 } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { TpmTransport } from '../../../drivers/hal/tpm.ts';
import { type BuiltCommand, buildCommand, type CommandRequest } from '../../../drivers/tpm2/command.ts';
import { create, factorTemplate, flushContext, load, type Session, sessionAuth } from '../../../drivers/tpm2/index.ts';
import { TestMachine } from '../../support/container/fixture.ts';

let machine: TestMachine;
let transport: TpmTransport;
beforeAll(async () => {
  machine = await TestMachine.start({
    between: (inner) => {
      transport = inner;
      return inner;
    },
  });
});
afterAll(() => machine.close());

/** Sends one command past the queue, so that its answer can be shown to `accept` more than once. */
async function exchange(request: CommandRequest): Promise<{ built: BuiltCommand; answer: Uint8Array }> {
  const built = buildCommand(request, systemEntropy);
  return { built, answer: await transport.submit(built.bytes, {}) };
}

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

function outcome(built: BuiltCommand, answer: Uint8Array): 'refused' | string {
  try {
    return toHex(built.accept(answer).parameters);
  } catch (error) {
    if (!(error instanceof UnlockdError)) throw error;
    return 'refused';
  }
}

/** A sealed object that a salted session opens. */
async function withSealed(use: (root: RootSession, request: CommandRequest, data: Uint8Array) => Promise<void>) {
  await machine.withRoot(async (root) => {
    const data = systemEntropy.bytes(32);
    using value = Secret.copyOf(systemEntropy.bytes(20));
    const blob = await create(root.tpm, root.srk, factorTemplate(false), {
      auth: sessionAuth(root.session, undefined, { decrypt: true }),
      sensitive: { authValue: value, data: Secret.copyOf(data) },
    });
    await using object = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
    await use(
      root,
      { command: 'Unseal', handles: [object.use(sessionAuth(root.session, value, { encrypt: true }))] },
      data,
    );
  });
}

describe('an answer under the salted session', () => {
  it('with any one bit flipped is refused, and the session takes the true answer afterwards', async () => {
    await withSealed(async (root, request, data) => {
      const { built, answer } = await exchange(request);
      const nonce = toHex(root.session.nonceTPM);
      for (let bit = 0; bit < answer.length * 8; bit++) {
        expect(outcome(built, flipped(answer, bit)), `bit ${bit}`).toBe('refused');
      }
      expect(toHex(root.session.nonceTPM), 'nothing of a refused answer was kept').toBe(nonce);
      expect(root.session.open).toBe(true);
      expect(outcome(built, answer)).toBe(toHex(concat(u16(32), data)));
    });
  });

  it('cut off or lengthened anywhere is refused', async () => {
    await withSealed(async (_root, request, data) => {
      const { built, answer } = await exchange(request);
      const resized = (bytes: Uint8Array) => concat(bytes.subarray(0, 2), u32(bytes.length), bytes.subarray(6));
      for (let end = 10; end < answer.length; end++) {
        expect(outcome(built, answer.subarray(0, end)), `${end} bytes`).toBe('refused');
        expect(outcome(built, resized(answer.subarray(0, end))), `${end} bytes, size corrected`).toBe('refused');
      }
      expect(outcome(built, resized(concat(answer, Uint8Array.of(0))))).toBe('refused');
      expect(outcome(built, answer)).toBe(toHex(concat(u16(32), data)));
    });
  });

  it('of an earlier command is refused for a later one', async () => {
    await withSealed(async (_root, request) => {
      const first = await exchange(request);
      expect(outcome(first.built, first.answer)).not.toBe('refused');
      const second = await exchange(request);
      expect(outcome(second.built, first.answer)).toBe('refused');
      expect(outcome(second.built, second.answer)).not.toBe('refused');
    });
  });

  it('does not carry its secret in clear', async () => {
    await withSealed(async (_root, request, data) => {
      const { built, answer } = await exchange(request);
      expect(toHex(answer).includes(toHex(data))).toBe(false);
      expect(outcome(built, answer)).toContain(toHex(data));
    });
  });
});

describe('the answer of Unseal in a real unlock (policy session and salted session)', () => {
  it('with any one bit flipped: refused, or the very same secret (bits of the policy session, which has no key)', async () => {
    const { state, group } = await machine.enrol(1000);
    await machine.withRoot(async (root) => {
      const proofs = machine.proofs(state, { pin: '246813', group });
      const name = nameOfBlob(state.sealedKey);
      const policy: Session = await satisfyPolicy(root, planOf(state), ['pin', 'securityKey'], proofs, name);
      await using object = await load(root.tpm, root.srk, state.sealedKey, { auth: sessionAuth(root.session) });
      const { built, answer } = await exchange({
        command: 'Unseal',
        handles: [object.use(sessionAuth(policy))],
        sessions: [{ session: root.session, flags: { encrypt: true } }],
      });
      // An accepted answer moves the nonces on: they are put back, so that each flipped one is judged as if it came first.
      const before = { tpm: root.session.nonceTPM, caller: root.session.nonceCaller };
      const secret = outcome(built, answer);
      expect(secret).not.toBe('refused');
      let accepted = 0;
      for (let bit = 0; bit < answer.length * 8; bit++) {
        root.session.nonceTPM = before.tpm;
        root.session.nonceCaller = before.caller;
        const result = outcome(built, flipped(answer, bit));
        if (result === 'refused') continue;
        expect(result, `bit ${bit}`).toBe(secret);
        accepted++;
      }
      // nonceTPM (32 bytes) and attributes (1) of the policy session, and no more.
      expect(accepted).toBeLessThanOrEqual(33 * 8);
      root.session.nonceTPM = before.tpm;
      expect(outcome(built, answer)).toBe(secret);
      await policy.close();
      // A flipped continueSession made us believe that the TPM had freed it.
      await flushContext(root.tpm, policy.handle);
    });
  });
});

describe('hostile answers', () => {
  const REQUESTS: CommandRequest[] = [
    { command: 'GetRandom', parameters: u16(8) },
    { command: 'ReadPublic', handles: [{ handle: 0x81000001, name: new Uint8Array(0) }] },
    { command: 'LoadExternal', responseHandles: 1 },
    {
      command: 'NV_Read',
      handles: [{ handle: 0x01800000, name: new Uint8Array(34), auth: { type: 'password', value: new Uint8Array(0) } }],
      parameters: concat(u16(8), u16(0)),
    },
  ];
  const framed = fc
    .tuple(
      fc.constantFrom(0x8001, 0x8002, 0x00c4, 0x8003),
      fc.constantFrom(0, 0x98e, 0x101, 0xffffffff),
      fc.uint8Array({ maxLength: 200 }),
    )
    .map(([tag, rc, body]) => concat(u16(tag), u32(10 + body.length), u32(rc), body));

  it('give a value or a typed error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REQUESTS),
        fc.oneof(fc.uint8Array({ maxLength: 300 }), framed),
        (request, answer) => {
          outcome(buildCommand(request, systemEntropy), answer);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('mutated from recorded ones give a value or a typed error', async () => {
    const recorded: { request: CommandRequest; answer: Uint8Array }[] = [];
    await machine.withTpm(async () => {
      for (const request of REQUESTS.filter(({ command }) => command !== 'LoadExternal')) {
        recorded.push({ request, answer: (await exchange(request)).answer });
      }
    });
    expect(recorded.length).toBe(3);
    const edit = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ maxLength: 8 }), keepSize: fc.boolean() });
    fc.assert(
      fc.property(fc.constantFrom(...recorded), edit, ({ request, answer }, { at, bytes, keepSize }) => {
        const index = at % answer.length;
        const edited = concat(answer.subarray(0, index), bytes, answer.subarray(index + (bytes.length >> 1)));
        const sized =
          keepSize || edited.length < 6
            ? edited
            : concat(edited.subarray(0, 2), u32(edited.length), edited.subarray(6));
        outcome(buildCommand(request, systemEntropy), sized);
      }),
      { numRuns: 5000 },
    );
  });

  it('keep unknown response codes in the error', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffffffff }), (rc) => {
        const built = buildCommand({ command: 'GetRandom', parameters: u16(8) }, systemEntropy);
        expect(() => built.accept(concat(u16(0x8001), u32(10), u32(rc)))).toThrow(expect.objectContaining({ rc }));
      }),
      { numRuns: 1000 },
    );
  });
});
