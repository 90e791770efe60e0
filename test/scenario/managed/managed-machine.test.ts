/**
 * A managed machine from set-up to a second policy, with the authority's key in another process: what it can do with
 * the signer, what it refuses without, and that an answer which does not fit changes nothing.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCounter } from '../../../agent/container/counter.ts';
import { counterOf } from '../../../agent/container/plan.ts';
import { requireContainer, requireMachine } from '../../../agent/service/context.ts';
import { approvalOf, type Signer, SignerProgram } from '../../support/authority/signer-program.ts';
import { type Answers, peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const PIN = '246813';
const UID = 1000;
const OTHER = 1001;
const WIDER = '{"version":1,"first":["pin"],"then":["securityKey","network"]}';
const TURNED = '{"version":1,"first":["securityKey"],"then":["pin"]}';
type Request = Readonly<Record<string, unknown>>;

let program: SignerProgram;
let signer: Signer;
let stranger: Signer;
let agent: TestAgent;
beforeAll(async () => {
  program = await SignerProgram.build();
  signer = await program.authority('authority');
  stranger = await program.authority('stranger');
  agent = await TestAgent.start({ settings: { managedAuthority: () => signer.coordinates } });
});
afterAll(async () => {
  await agent?.close();
  await program?.[Symbol.asyncDispose]();
});

const request = async (uid = UID): Promise<Request> => (await agent.service.policyRequest(peer(uid))) as Request;
const numberOf = (from: Request): number => (from.closing as { n: number }).n;
const apply = (document: string, answers: Answers = { pin: PIN }, uid = UID) =>
  agent.run(uid, { kind: 'policy-apply', document }, answers);
const refused = async (document: string, answers?: Answers, uid = UID) =>
  (await apply(document, answers, uid)).failed?.refusal.code;

async function epoch(uid = UID): Promise<number> {
  const { parts } = agent;
  const state = await requireContainer(parts, uid);
  return await parts.tpm.withRoot(new AbortController().signal, await requireMachine(parts), (root) =>
    readCounter(root, counterOf(state)),
  );
}

/** Everything that a refused answer must leave as it was: the state file and the counter. */
async function evidence(uid = UID): Promise<{ file: string; epoch: number }> {
  const file = await readFile(join(agent.folder, 'containers', `${uid}.state`), 'hex');
  return { file, epoch: await epoch(uid) };
}

async function unlocks(pin = PIN): Promise<void> {
  const outcome = await agent.run(UID, UNLOCK, { pin });
  expect(outcome.failed).toBeNull();
  expect(outcome.done).toMatchObject({ unlocked: true, strength: 'bound-2' });
}

describe('a machine whose policies are signed elsewhere', () => {
  let first: Request;
  let firstApproval: string;
  let firstWriteApproval: string;
  let sheet: string;

  it('enrols, and then waits for a signature', async () => {
    expect((await agent.run(0, { kind: 'setup' })).failed).toBeNull();
    const enrolled = await agent.run(UID, { kind: 'enrol' }, { 'new-pin': PIN });
    expect(enrolled.done).toMatchObject({ state: 'pending-signature' });
    sheet = enrolled.out.get('recovery-sheet')?.toString('ascii') ?? '';
    expect((await agent.service.status(peer(UID))).own.state).toBe('pending-signature');
    expect((await agent.service.policy(peer(UID))).authority).toBe('managed');
  });

  it('refuses to unlock until then, without asking for a factor', async () => {
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_CONTAINER_PENDING_SIGNATURE');
    expect(outcome.events.map(({ type }) => type)).toEqual(['failed']);
  });

  it('has the first write of its counter signed, by its own authority only', async () => {
    const wanted = await request();
    expect(wanted).toMatchObject({ wants: 'first-write', closing: { counterValue: null } });
    expect(await stranger.sign(wanted)).toMatchObject({ refusal: { code: 'ERR_AUTHORITY_REFUSED' } });
    firstWriteApproval = approvalOf(await signer.sign(wanted));
    const edited = JSON.parse(firstWriteApproval) as { counter: { r: string; s: string } };
    edited.counter = { r: edited.counter.s, s: edited.counter.r };
    expect(await refused(JSON.stringify(edited))).toBe('ERR_POLICY_SIGNATURE');
    await expect(epoch()).rejects.toMatchObject({ code: 'ERR_EPOCH_LOST' });
    expect((await apply(firstWriteApproval)).done).toMatchObject({ counterWritten: true });
    expect(await epoch()).toBeGreaterThan(0);
    expect(await refused(firstWriteApproval)).toBe('ERR_POLICY_SIGNATURE');
  });

  it('has its first policy signed and applies it with the PIN and the key', async () => {
    first = await request();
    expect(first.wants).toBe('policy');
    firstApproval = approvalOf(await signer.sign(first));
    const outcome = await apply(firstApproval);
    expect(outcome.failed).toBeNull();
    expect(outcome.done).toMatchObject({ applied: true, epoch: numberOf(first) });
    expect(outcome.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['prompt', 'touch']));
    await unlocks();
  });

  it('unlocks after a restart as well', async () => {
    await agent.restart();
    expect(agent.problems).toEqual([]);
    await unlocks();
  });

  it('refuses a PIN change before it asks for anything, and leaves every byte', async () => {
    const before = await evidence();
    const outcome = await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' });
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_SIGNER_UNREACHABLE');
    expect(outcome.events.map(({ type }) => type)).toEqual(['failed']);
    expect(await evidence()).toEqual(before);
    await unlocks();
  });

  it('keeps the old policy, and says so, until a new one of root is signed', async () => {
    await agent.service.setPolicy(peer(0), WIDER);
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, policyPending: 'ERR_POLICY_SIGNER_UNREACHABLE' });
    expect((await agent.service.status(peer(UID))).own.policyPending).toBe(true);
  });

  it('asks for the same number with the same request, until something changes: then a new one is burned', async () => {
    const earlier = await request();
    const before = await evidence();
    expect(await request()).toEqual(earlier);
    await agent.restart();
    expect(await request()).toEqual(earlier);
    expect(await evidence()).toEqual(before);
    await agent.service.setPolicy(peer(0), TURNED);
    const other = await request();
    await agent.service.setPolicy(peer(0), WIDER);
    const later = await request();
    expect([other, later].map(numberOf)).toEqual([numberOf(earlier) + 1, numberOf(earlier) + 2]);
    const burned = await evidence();
    expect(await refused(approvalOf(await signer.sign(earlier)))).toBe('ERR_POLICY_SIGNATURE');
    expect(await refused(approvalOf(await signer.sign(other)))).toBe('ERR_POLICY_SIGNATURE');
    expect(await evidence()).toEqual(burned);
  });

  it('makes a request anew when what it kept of it is damaged', async () => {
    const earlier = await request();
    await writeFile(join(agent.folder, 'containers', `${UID}.request`), 'damaged');
    expect(await refused(approvalOf(await signer.sign(earlier)))).toBe('ERR_POLICY_SIGNATURE');
    const later = await request();
    expect(numberOf(later)).toBe(numberOf(earlier) + 1);
    expect(await request()).toEqual(later);
  });

  it('refuses, with nothing changed and nobody asked, every answer that is not the one to its request', async () => {
    const wanted = await request();
    const good = JSON.parse(approvalOf(await signer.sign(wanted))) as {
      n: number;
      counter: { r: string; s: string };
      policies: { context: string; r: string; s: string }[];
    };
    const [policy] = good.policies;
    const { counter } = good;
    const unlock = { context: 'unlock' };
    const containerId = 'ab'.repeat(16);
    const withLength = (length: number) => ({ r: 'ff'.repeat(length), s: policy?.s });
    const answers: Record<string, unknown> = {
      'replayed: the policy that is in force': JSON.parse(firstApproval),
      'replayed: the first write': JSON.parse(firstWriteApproval),
      'for another container': { ...good, containerId },
      'for the next number': { ...good, n: good.n + 1 },
      'without a number': { ...good, n: null },
      'the signatures exchanged': {
        ...good,
        counter: { r: policy?.r, s: policy?.s },
        policies: [{ ...unlock, ...counter }],
      },
      'the policy signed, the move not': { ...good, counter: { r: policy?.r, s: policy?.s } },
      'the half of another signature': { ...good, policies: [{ ...policy, s: counter.s }] },
      'a signature of 33 bytes': { ...good, policies: [{ ...unlock, ...withLength(33) }] },
      'no signature of the policy': { ...good, policies: [] },
      'the policy of another context': { ...good, policies: [{ ...policy, context: 'wallet' }] },
      'a context more than was asked for': { ...good, policies: [policy, { ...policy, context: 'wallet' }] },
      'a context twice': { ...good, policies: [policy, policy] },
      'an answer of version 1': { ...good, version: 1 },
      'a field more': { ...good, digest: '00'.repeat(32) },
      'no approval at all': wanted,
      'no object': 'yes',
    };
    const before = await evidence();
    for (const [what, answer] of Object.entries(answers)) {
      const outcome = await apply(JSON.stringify(answer));
      expect(outcome.failed?.refusal.code, what).toBe('ERR_POLICY_SIGNATURE');
      expect(
        outcome.events.map(({ type }) => type),
        what,
      ).toEqual(['failed']);
    }
    expect(await evidence()).toEqual(before);
    // The right one is still good after all of these.
    expect((await apply(JSON.stringify(good))).done).toMatchObject({ applied: true, epoch: good.n });
    expect(await epoch()).toBe(good.n);
    expect((await agent.service.status(peer(UID))).own).toMatchObject({ policyPending: false, epoch: good.n });
    await unlocks();
  });

  it('refuses the answer once more after it was applied, and without a request', async () => {
    const wanted = await request();
    const approval = approvalOf(await signer.sign(wanted));
    expect((await apply(approval)).failed).toBeNull();
    const before = await evidence();
    expect(await refused(approval)).toBe('ERR_POLICY_SIGNATURE');
    expect(await evidence()).toEqual(before);
  });

  it('refuses an answer once the machine has another document, though it compiles to the same policy', async () => {
    const wanted = await request();
    const approval = approvalOf(await signer.sign(wanted));
    const { version } = (await agent.parts.store.readPolicy()) ?? { version: 0 };
    await agent.service.setPolicy(peer(0), TURNED);
    const before = await evidence();
    const outcome = await apply(approval);
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_CHANGED_SINCE');
    expect(outcome.events.map(({ type }) => type)).toEqual(['failed']);
    expect(await evidence()).toEqual(before);
    const anew = await request();
    expect(anew.document).toBe(TURNED);
    expect((await apply(approvalOf(await signer.sign(anew)))).failed).toBeNull();
    expect((await requireContainer(agent.parts, UID)).policy).toMatchObject({ version: version + 1, document: TURNED });
    await unlocks();
  });

  it('needs the factors to apply an answer, and can be given them later', async () => {
    const approval = approvalOf(await signer.sign(await request()));
    const before = await evidence();
    agent.touch = false;
    expect(await refused(approval)).toBe('ERR_POLICY_DENIED');
    agent.touch = true;
    expect(await evidence()).toEqual(before);
    expect((await apply(approval)).failed).toBeNull();
    await unlocks();
  });

  it('gives no user the policy of another: the signer and the machine both refuse', async () => {
    expect((await agent.run(OTHER, { kind: 'enrol' }, { 'new-pin': '314159' })).failed).toBeNull();
    const others = await request(OTHER);
    const own = await request();
    expect(await signer.sign({ ...own, containerId: others.containerId })).toMatchObject({
      refusal: { code: 'ERR_AUTHORITY_REFUSED' },
    });
    const approval = approvalOf(await signer.sign(own));
    expect(await refused(approval, { pin: '314159' }, OTHER)).toBe('ERR_POLICY_SIGNATURE');
    const renamed = JSON.stringify({ ...JSON.parse(approval), containerId: others.containerId });
    expect(await refused(renamed, { pin: '314159' }, OTHER)).toBe('ERR_POLICY_SIGNATURE');
    expect((await agent.service.status(peer(OTHER))).own.state).toBe('pending-signature');
  });

  it('recovers with the sheet into a new container, which waits for signatures of its own', async () => {
    const approval = approvalOf(await signer.sign(await request()));
    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': '864209' });
    expect(recovered.done).toMatchObject({ state: 'pending-signature' });
    expect(await refused(approval, { pin: '864209' })).toBe('ERR_POLICY_SIGNATURE');
    expect((await apply(approvalOf(await signer.sign(await request())))).done).toMatchObject({ counterWritten: true });
    const answer = approvalOf(await signer.sign(await request()));
    expect((await apply(answer, { pin: '864209' })).done).toMatchObject({ applied: true });
    await unlocks('864209');
  });
});
