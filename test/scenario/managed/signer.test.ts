/** What the signer of a managed machine refuses: it is shown structures, recompiles them, and signs nothing else. */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isApprovedBy } from '../../../agent/container/authority/authority-key.ts';
import { parseApproval } from '../../../agent/container/authority/signing-approval.ts';
import { parseRequest, requestToJson, statementsOf } from '../../../agent/container/authority/signing-request.ts';
import { compileStatement } from '../../../agent/container/authority/statement.ts';
import { policyReference } from '../../../agent/container/references.ts';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { decodePublicArea, encodePublicArea, externalKey, nameOf } from '../../../drivers/tpm2/index.ts';
import { approvalOf, type Signer, SignerProgram } from '../../support/authority/signer-program.ts';
import { peer, TestAgent } from '../../support/service/test-agent.ts';

interface Request {
  readonly wants: string;
  readonly document: string;
  readonly containerId: string;
  readonly factors: readonly { readonly factor: string; readonly check: string; readonly publicArea: string }[];
  readonly contexts: readonly { readonly context: string; readonly branches: readonly (readonly string[])[] }[];
  readonly closing: { readonly counter: string; readonly counterValue: number; readonly n: number };
  readonly highestSigned: number;
}

let program: SignerProgram;
let signer: Signer;
let firstWrite: Request;
let good: Request;
beforeAll(async () => {
  program = await SignerProgram.build();
  signer = await program.authority('authority');
  await using agent = await TestAgent.start({ settings: { managedAuthority: () => signer.coordinates } });
  await agent.setUpAndEnrol(1000);
  firstWrite = (await agent.service.policyRequest(peer(1000))) as Request;
  await agent.run(1000, { kind: 'policy-apply', document: approvalOf(await signer.sign(firstWrite)) });
  good = (await agent.service.policyRequest(peer(1000))) as Request;
});
afterAll(() => program?.[Symbol.asyncDispose]());

const code = async (request: unknown): Promise<string> => (await signer.sign(request)).refusal?.code ?? 'signed';

/** The same object but for its attributes: what an attacker would like to have under the same policy. */
function twin(hex: string, change: (attributes: number) => number): string {
  const area = decodePublicArea(fromHex(hex));
  return toHex(encodePublicArea({ ...area, attributes: change(area.attributes) }));
}

/** An object with the same attributes and another secret in it: keyed hash, whose unique is a digest at the end. */
function withAnotherSecret(hex: string): string {
  const bytes = fromHex(hex);
  return toHex(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)));
}

const memoryFile = (): string => `${signer.privateFile}.signed`;
const forgetSigned = (): Promise<void> => rm(memoryFile(), { force: true });

const PAIR = [['pin', 'securityKey']];
const WITH_WALLET = JSON.stringify({
  version: 2,
  contexts: {
    unlock: { require: { all: ['pin', 'securityKey'] } },
    wallet: { require: { all: ['securityKey', 'pin'] } },
  },
});
const withContexts = (...contexts: readonly unknown[]) => ({ ...good, contexts });
const withBranches = (branches: readonly (readonly string[])[]) => withContexts({ context: 'unlock', branches });

const TPMA_ADMIN_WITH_POLICY = 1 << 7;
const TPMA_NO_DA = 1 << 10;
const withArea = (index: number, change: (hex: string) => string): Request => ({
  ...good,
  factors: good.factors.map((claim, at) => (at === index ? { ...claim, publicArea: change(claim.publicArea) } : claim)),
});

describe('the signer', () => {
  it('signs the request of the machine as it is, and the same one again', async () => {
    expect(parseApproval(approvalOf(await signer.sign(good)))).toMatchObject({ wants: 'policy', n: good.closing.n });
    expect(await code(good)).toBe('signed');
    expect(await code(firstWrite)).toBe('signed');
  });

  it('reads a request as it was written', () => {
    expect(requestToJson(parseRequest(JSON.stringify(good)))).toEqual(good);
  });

  it.each<[string, () => unknown]>([
    ['no closing PolicyNV', () => ({ ...good, closing: null })],
    ['no counter for the first write', () => ({ ...firstWrite, closing: null })],
    ['a first write of a counter that was written', () => ({ ...good, wants: 'first-write' })],
    ['a policy before the first write', () => ({ ...firstWrite, wants: 'policy' })],
    ['no branch', () => withBranches([])],
    ['a branch without factors, whose digest is zero', () => withBranches([[]])],
    ['a branch of one factor beside a good one', () => withBranches([['pin', 'securityKey'], ['pin']])],
    ['one factor twice', () => withBranches([['pin', 'pin']])],
    ['a factor that is not enrolled', () => withBranches([['pin', 'fingerprint']])],
    ['a branch that is not of the document', () => withBranches([['securityKey', 'pin']])],
    ['the number that is in force', () => ({ ...good, closing: { ...good.closing, n: good.closing.n - 1 } })],
    ['a number ahead', () => ({ ...good, closing: { ...good.closing, n: good.closing.n + 1 } })],
    ['a number that was signed before', () => ({ ...good, highestSigned: good.closing.n })],
    ['another container under this counter', () => ({ ...good, containerId: 'ab'.repeat(16) })],
    ['a container id that is too short', () => ({ ...good, containerId: 'ab' })],
    ['a context that there is not', () => withContexts(...good.contexts, { context: 'everything', branches: PAIR })],
    ['the policy of the authority itself', () => withContexts(...good.contexts, { context: 'change', branches: PAIR })],
    ['a context twice', () => withContexts(...good.contexts, ...good.contexts)],
    ['no context', () => withContexts()],
    ['another context in the place of unlock', () => withContexts({ context: 'wallet', branches: PAIR })],
    ['a context that the document has not', () => withContexts(...good.contexts, { context: 'sudo', branches: PAIR })],
    ['fewer contexts than the document has', () => ({ ...good, document: WITH_WALLET })],
    ['a document that cannot be read', () => ({ ...good, document: '{"version":9}' })],
    ['a counter that an owner may write', () => ({ ...good, closing: { ...good.closing, counter: ownerWrites() } })],
    ['bytes that are no counter', () => ({ ...good, closing: { ...good.closing, counter: '00' } })],
    [
      'a twin of the PIN object outside dictionary-attack protection',
      () => withArea(0, (hex) => twin(hex, (a) => a ^ TPMA_NO_DA)),
    ],
    [
      'a twin of the key object without adminWithPolicy',
      () => withArea(1, (hex) => twin(hex, (a) => a ^ TPMA_ADMIN_WITH_POLICY)),
    ],
    ['one object for both factors', () => withArea(1, () => good.factors[0]?.publicArea ?? '')],
    ['an object that cannot be read', () => withArea(0, () => 'ff')],
    [
      'a PIN that would only be asserted',
      () => ({ ...good, factors: good.factors.map((f) => ({ ...f, check: 'signed' })) }),
    ],
    ['one factor claimed twice', () => ({ ...good, factors: [...good.factors, good.factors[0]] })],
  ])('refuses %s', async (_what, request) => {
    const { refusal } = await signer.sign(request());
    expect(refusal?.code).toBe('ERR_AUTHORITY_REFUSED');
    // By the rules of structure, not for the sake of what was signed before.
    expect(refusal?.message).not.toMatch(/signed before/);
  });

  it.each<[string, () => unknown]>([
    ['a digest to be signed as it is', () => ({ ...good, digest: '00'.repeat(32) })],
    ['a digest inside the closing', () => ({ ...good, closing: { ...good.closing, digest: '00'.repeat(32) } })],
    ['an approval in the place of a request', async () => approvalOf(await signer.sign(good))],
    ['a version that it does not know', () => ({ ...good, version: 3 })],
    ['a request of version 1, which carried one context', () => ({ ...good, version: 1 })],
    ['more contexts than there are', () => withContexts(...Array.from({ length: 6 }, () => good.contexts[0]))],
    ['another wish', () => ({ ...good, wants: 'anything' })],
    ['numbers that are none', () => ({ ...good, highestSigned: -1 })],
    ['text', () => 'sign this'],
    ['more than it reads', () => ({ ...good, document: 'x'.repeat(200_000) })],
  ])('does not understand %s', async (_what, request) => {
    expect(await code(await request())).toBe('ERR_POLICY_SIGNATURE');
  });

  it('signs no other policy than the one it was given', async () => {
    const file = join(program.folder, 'policy.json');
    await writeFile(file, good.document);
    expect((await signer.sign(good, file)).refusal).toBeNull();
    await writeFile(file, '{"version":1,"first":["securityKey"],"then":["pin"]}');
    expect((await signer.sign(good, file)).refusal?.code).toBe('ERR_AUTHORITY_REFUSED');
  });

  it('signs every context of a document under the one number, each by its own reference', async () => {
    const both = { ...withContexts(...good.contexts, { context: 'wallet', branches: PAIR }), document: WITH_WALLET };
    await forgetSigned();
    const answer = parseApproval(approvalOf(await signer.sign(both)));
    expect(answer.n).toBe(good.closing.n);
    expect([...answer.policies.keys()]).toEqual(['unlock', 'wallet']);
    const [unlock, wallet] = [...answer.policies.values()];
    const { containerId } = parseRequest(JSON.stringify(both)).statement;
    const name = nameOf(externalKey(signer.coordinates.x, signer.coordinates.y));
    for (const [index, statement] of statementsOf(parseRequest(JSON.stringify(both))).entries()) {
      const { digest } = compileStatement(statement, name).compiled;
      const signedFor = (context: string, signature = [unlock, wallet][index]) =>
        signature?.scheme === 'ecdsa' &&
        isApprovedBy(signer.coordinates, digest, policyReference(containerId, context), signature);
      expect(signedFor(statement.context)).toBe(true);
      expect(signedFor(statement.context === 'unlock' ? 'wallet' : 'unlock')).toBe(false);
    }
  });

  it('signs none of the contexts when it refuses one, and remembers nothing', async () => {
    const bad = {
      ...withContexts(...good.contexts, { context: 'wallet', branches: [['pin']] }),
      document: WITH_WALLET,
    };
    await forgetSigned();
    expect(await code(bad)).toBe('ERR_AUTHORITY_REFUSED');
    await expect(readFile(memoryFile(), 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('signs no second policy under a number that it has signed for, as long as it remembers', async () => {
    const other = withArea(0, withAnotherSecret);
    await forgetSigned();
    expect(await code(good)).toBe('signed');
    expect((await signer.sign(other)).refusal?.message).toMatch(/signed before, for another policy/);
    expect(await code(good)).toBe('signed');
    await forgetSigned();
    expect(await code(other)).toBe('signed');
    expect((await signer.sign(good)).refusal?.code).toBe('ERR_AUTHORITY_REFUSED');
  });

  it('signs nothing more for a device whose counter and files were set back', async () => {
    const { n } = good.closing;
    const next = { ...good, closing: { ...good.closing, counterValue: n, n: n + 1 }, highestSigned: n };
    await forgetSigned();
    expect(await code(next)).toBe('signed');
    expect((await signer.sign(good)).refusal).toMatchObject({
      code: 'ERR_AUTHORITY_REFUSED',
      message: expect.stringMatching(`${n + 1} was signed before`),
    });
    expect(await code(next)).toBe('signed');
  });

  it('signs nothing with a memory that it cannot read, or that another signer has at hand', async () => {
    await writeFile(memoryFile(), '{"a/b":{"n":"many"}}');
    expect((await signer.sign(good)).refusal?.message).toMatch(/is no memory/);
    await forgetSigned();
    await writeFile(`${memoryFile()}.lock`, '');
    expect((await signer.sign(good)).refusal?.message).toMatch(/EEXIST/);
    await rm(`${memoryFile()}.lock`);
    expect(await code(good)).toBe('signed');
  });

  it('uses no key file that others may read', async () => {
    const loose = await program.authority('loose');
    await chmod(loose.privateFile, 0o644);
    expect((await loose.sign(good)).refusal?.message).toMatch(/may be read by others/);
  });
});

/** TPMS_NV_PUBLIC: index (4), nameAlg (2), attributes (4). TPMA_NV_OWNERWRITE is bit 1. */
function ownerWrites(): string {
  const bytes = fromHex(good.closing.counter);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(6, view.getUint32(6) | 2);
  return toHex(bytes);
}
