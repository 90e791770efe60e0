/**
 * The recordings that are spoiled: everything a TPM and a security key answered, and every file that was written, while
 * a machine was set up, a user enrolled, unlocked and changed the PIN. Recorded anew for each run, from the real parts.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requestToJson } from '../../agent/container/authority/signing-request.ts';
import { statementOf } from '../../agent/container/change.ts';
import { policyOf } from '../../agent/container/plan.ts';
import { fromWindows } from '../../agent/policy/forms/from-windows.ts';
import { formatDocument } from '../../agent/policy/forms/native-json.ts';
import { readWindowsStrings, type WindowsStrings } from '../../agent/policy/forms/windows/read.ts';
import { writeReg } from '../../agent/policy/forms/windows/reg-write.ts';
import { writeOmaSettings } from '../../agent/policy/forms/windows/write.ts';
import { formatToml } from '../../agent/policy/forms/write-toml.ts';
import { DEFAULT_DOCUMENT } from '../../agent/policy/model.ts';
import { utf8 } from '../../drivers/base/bytes.ts';
import { DocumentSigner } from '../support/policy/document-signer.ts';
import { peer, TestAgent, UNLOCK } from '../support/service/test-agent.ts';

export interface Corpus {
  /** Answers of the TPM, by command (`TPM2_Load`). */
  readonly tpm: ReadonlyMap<string, readonly Uint8Array[]>;
  /** Reports of the security key. */
  readonly reports: readonly Uint8Array[];
  /** Status byte and CBOR of its answers. */
  readonly ctap: readonly Uint8Array[];
  readonly stateFiles: readonly Uint8Array[];
  /** TPMT_PUBLIC, TPMS_NV_PUBLIC. */
  readonly publicAreas: readonly Uint8Array[];
  readonly requests: readonly Uint8Array[];
  readonly approvals: readonly Uint8Array[];
  readonly policies: readonly Uint8Array[];
  /** Policies in every form that is read from a file. */
  readonly policyFiles: readonly Uint8Array[];
  readonly sheets: readonly Uint8Array[];
}

const PIN = '246813';

const WINDOWS: WindowsStrings = {
  groupA: '{D6886603-9D2F-4EB2-B667-1971041FA96B},{BEC09223-B018-416D-A0AC-523971B639F5}',
  groupB: '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD},{D6886603-9D2F-4EB2-B667-1971041FA96B}',
  plugins:
    '<rule schemaVersion="1.0"><and><signal type="ipConfig"><dnsSuffix>ward.clinic.example</dnsSuffix><ipv4DhcpServer>192.0.2.67</ipv4DhcpServer></signal><signal type="bluetooth" scenario="Authentication" classOfDevice="512"/></and></rule>',
  dynamicLock: { enabled: true },
};

function policyFiles(): readonly Uint8Array[] {
  const { policy } = readWindowsStrings(WINDOWS);
  const toml = formatToml(fromWindows(policy).document);
  const tree = `version = 2\n[contexts.unlock]\nrequire = { atLeast = 2, of = ["pin", { any = ["face", 'phone'] }, "securityKey"] }\n`;
  const signed = new DocumentSigner().signed(1, formatDocument(DEFAULT_DOCUMENT));
  return [
    ...[toml, tree, signed, JSON.stringify(WINDOWS), writeOmaSettings(policy), WINDOWS.plugins ?? ''].map(utf8),
    writeReg(policy),
  ];
}

export async function record(): Promise<Corpus> {
  const tpm = new Map<string, Uint8Array[]>();
  const reports: Uint8Array[] = [];
  const ctap: Uint8Array[] = [];
  await using agent = await TestAgent.start({
    trace: ({ seam, direction, bytes, label }) => {
      if (seam !== 'tpm' || direction !== 'in') return;
      const name = label ?? 'unknown';
      const known = tpm.get(name) ?? [];
      if (known.length < 64) tpm.set(name, [...known, new Uint8Array(bytes)]);
    },
  });
  agent.key.misbehave({
    name: 'recorder',
    outgoing: (sent) => {
      reports.push(...sent.map((report) => new Uint8Array(report)));
      return sent;
    },
    encoded: (bytes) => {
      ctap.push(new Uint8Array(bytes));
      return bytes;
    },
  });
  const sheet = await agent.setUpAndEnrol(1000, PIN);
  const container = await agent.parts.store.readContainer(1000);
  if (container === null) throw new Error('nothing was enrolled');
  await agent.run(1000, UNLOCK, { pin: ['111222', PIN] });
  await agent.run(1000, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' });
  const policy = JSON.stringify(Object.fromEntries(Object.entries({ ...DEFAULT_DOCUMENT, pin: { minLength: 8 } })));
  await agent.service.setPolicy(peer(0), policy);
  await agent.service.status(peer(1000));

  const files = await Promise.all(
    [agent.folder, join(agent.folder, 'containers')].map(async (folder) => {
      const entries = await readdir(folder, { withFileTypes: true });
      return Promise.all(entries.filter((entry) => entry.isFile()).map(({ name }) => readFile(join(folder, name))));
    }),
  );
  const { n } = policyOf(container);
  const draft = { factors: container.factors, policy: policyOf(container) };
  const { context, branches, ...statement } = statementOf(container, draft, n - 1, n);
  const contexts = [
    { context, branches },
    { context: 'wallet', branches },
  ];
  const json = (value: unknown) => utf8(JSON.stringify(value));
  const signature = { r: 'ab'.repeat(32), s: 'cd'.repeat(32) };
  const approval = { type: 'unlockd policy approval', version: 2, containerId: '00'.repeat(16) };
  return {
    tpm,
    reports,
    ctap,
    stateFiles: files.flat().map((file) => new Uint8Array(file)),
    publicAreas: [
      container.authority.publicArea,
      container.sealedKey.publicArea,
      ...(container.factors.pin ? [container.factors.pin.blob.publicArea] : []),
      statement.closing?.counter ?? new Uint8Array(0),
    ],
    requests: (['policy', 'first-write'] as const).map((wants) =>
      json(requestToJson({ statement, contexts, document: formatDocument(DEFAULT_DOCUMENT), wants })),
    ),
    approvals: [
      json({ ...approval, wants: 'policy', n: 3, counter: signature, policies: [{ context: 'unlock', ...signature }] }),
      json({ ...approval, wants: 'first-write', n: null, counter: signature, policies: [] }),
    ],
    policies: [utf8(policy), utf8(formatDocument(DEFAULT_DOCUMENT))],
    policyFiles: policyFiles(),
    sheets: [utf8(sheet), utf8(sheet.toLowerCase().replaceAll('-', ' '))],
  };
}

/** Bytes as text, damaged characters replaced. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);
