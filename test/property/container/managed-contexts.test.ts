/**
 * Any course of policies on a managed machine, with contexts that come, tighten, loosen and go: after each that is put in
 * force, the TPM opens a context to PIN and network just where its policy of now says so, and no earlier file opens any.
 */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authorityCoordinates } from '../../../agent/container/authority/authority-key.ts';
import type { SignedPolicy, SignerMemory } from '../../../agent/container/authority/signer-memory.ts';
import { approveRequest } from '../../../agent/container/authority/signing-approval.ts';
import type { RequestContext } from '../../../agent/container/references.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { requireContainer, requireMachine } from '../../../agent/service/context.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { byPinAndNetwork } from '../../support/container/by-pin-and-network.ts';
import { officeNetwork, RULES } from '../../support/policy-fixtures.ts';
import { type Outcome, peer, TestAgent } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
/** Each is two or three changes on a real TPM. */
const RUNS = 2;
const { publicKey, privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const signed = new Map<string, SignedPolicy>();
const memory: SignerMemory = {
  last: async (container, reference) => signed.get(`${container} ${reference}`) ?? null,
  keep: async (container, reference, policy) => {
    signed.set(`${container} ${reference}`, policy);
  },
};

/** `hard`: PIN and key; `easy`: the network will do in place of the key; `none`: the context is not named. */
type Asks = 'none' | 'easy' | 'hard';
type Course = Readonly<Record<'unlock' | 'wallet' | 'ssh', Asks>>;
const CONTEXTS = ['unlock', 'wallet', 'ssh'] as const satisfies readonly RequestContext[];
const course: fc.Arbitrary<Course> = fc.record({
  unlock: fc.constantFrom('easy', 'hard'),
  wallet: fc.constantFrom('none', 'easy', 'hard'),
  ssh: fc.constantFrom('none', 'easy', 'hard'),
});
const documentOf = (asks: Course): string => {
  const contexts = CONTEXTS.filter((context) => asks[context] !== 'none').map((context) => {
    const second = asks[context] === 'easy' ? { any: ['securityKey', 'network'] } : 'securityKey';
    return [context, { require: { all: ['pin', second] } }];
  });
  return formatDocument(checkedDocument({ version: 2, contexts: Object.fromEntries(contexts), rules: RULES }));
};

let agent: TestAgent;
beforeAll(async () => {
  const world = new SimulatedSurroundings(systemClock);
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  const settings = { managedAuthority: () => authorityCoordinates(publicKey) };
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true, settings });
  for (let i = 0; i < 200 && agent.sensors.ledger.all().size < 3; i++) await systemClock.sleep(milliseconds(10), {});
  // With the network in it, so that every file has somebody to assert that.
  await agent.service.setPolicy(peer(0), documentOf({ unlock: 'easy', wallet: 'easy', ssh: 'none' }));
  await agent.setUpAndEnrol(UID, PIN);
  expect((await signAndApply()).done).toMatchObject({ counterWritten: true });
  expect((await signAndApply()).done).toMatchObject({ applied: true });
});
afterAll(() => agent?.close());

async function signAndApply(): Promise<Outcome> {
  const request = JSON.stringify(await agent.service.policyRequest(peer(UID)));
  const document = await approveRequest(request, privateKey, memory);
  return await agent.run(UID, { kind: 'policy-apply', document }, { pin: PIN });
}

const stateOf = (): Promise<ContainerState> => requireContainer(agent.parts, UID);
async function tried(state: ContainerState, context: RequestContext): Promise<string> {
  const machine = await requireMachine(agent.parts);
  // A context that takes the key has no such branch: that of whoever has one is tried in its place.
  const easy = [state.policy, ...state.contexts].findIndex((each) =>
    each?.branches.some((set) => set[0] === 'network'),
  );
  const own = context === 'unlock' ? state.policy : state.contexts.find((each) => each.context === context);
  const hasOwn = own?.branches.some((set) => set[0] === 'network') ?? false;
  const from = hasOwn || easy < 0 ? context : easy === 0 ? 'unlock' : (state.contexts[easy - 1]?.context ?? context);
  if (!hasOwn && easy < 0) return 'no such branch';
  return await agent.parts.tpm.withRoot(new AbortController().signal, machine, (root) =>
    byPinAndNetwork(root, state, PIN, context, from),
  );
}

const contextsIn = (state: ContainerState): readonly RequestContext[] => [
  'unlock',
  ...state.contexts.map(({ context }) => context),
];

it('each context opens as its policy of now says, and by no earlier file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(course, { minLength: 2, maxLength: 3 }), async (courses) => {
      const earlier: ContainerState[] = [];
      for (const asks of courses) {
        earlier.push(await stateOf());
        await agent.service.setPolicy(peer(0), documentOf(asks));
        expect((await signAndApply()).done).toMatchObject({ applied: true });
        const state = await stateOf();
        expect(contextsIn(state)).toEqual(CONTEXTS.filter((context) => asks[context] !== 'none').sort(order));
        for (const context of contextsIn(state)) {
          const code = await tried(state, context);
          if (asks[context as keyof Course] === 'easy') expect(code).toBe('done');
          else expect(['PolicyAuthorize 0x1C4', 'no such branch']).toContain(code);
        }
        for (const old of earlier) {
          for (const context of contextsIn(old))
            expect(['PolicyNV 0x126', 'no such branch']).toContain(await tried(old, context));
        }
      }
    }),
    { numRuns: RUNS },
  );
});

/** As documents have them: `unlock`, then in the order of the contexts of the product. */
const ORDER: readonly string[] = ['unlock', 'login', 'sudo', 'ssh', 'wallet'];
const order = (a: string, b: string): number => ORDER.indexOf(a) - ORDER.indexOf(b);
