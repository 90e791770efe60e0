/**
 * What real firmwares do at the edges, row by row as docs/guides/virtual-key.md lists it: the fault that does it, and what our
 * client makes of a key that has it. A row without a case fails, and so does a case without a row.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Authenticator } from '../../../drivers/fido2/authenticator.ts';
import { CtapHidChannel } from '../../../drivers/fido2/channel.ts';
import { authenticatorGetInfo } from '../../../drivers/fido2/get-info.ts';
import { CTAPHID, fragment } from '../../../drivers/fido2/wire/ctaphid.ts';
import { FAULTS, faultOf } from '../../../hal-mocks/fido2/faults.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

const TIMING = {
  init: milliseconds(900),
  operation: milliseconds(1500),
  idle: milliseconds(300),
  drain: milliseconds(200),
  busyFirst: milliseconds(1),
  busyMost: milliseconds(4),
};

interface Table {
  readonly key: VirtualAuthenticator;
  readonly authenticator: Authenticator;
  readonly call: { readonly signal: AbortSignal };
  ask(): Promise<unknown>;
  ping(length: number): Promise<Uint8Array>;
}

/** A key with the fault, its channel open before the fault begins. */
async function table(fault: string, n: number | null): Promise<Table> {
  const key = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile: PROFILES['2.1'] });
  const { signal } = new AbortController();
  const hid = new InProcessHid(key);
  const connection = await hid.open('virtual:fido2:0', { signal });
  const channel = await CtapHidChannel.open(connection, {
    clock: systemClock,
    entropy: systemEntropy,
    signal,
    timing: TIMING,
  });
  onTestFinished(() => channel.close());
  const authenticator = new Authenticator(channel);
  const behaviour = faultOf(fault, n) ?? expect.fail(`no fault ${fault}`);
  key.misbehave(behaviour);
  return {
    key,
    authenticator,
    call: { signal },
    ask: () => authenticatorGetInfo(authenticator, { signal }),
    ping: (length) => channel.transact(CTAPHID.PING, new Uint8Array(length), { signal }),
  };
}

/** What the key says to bare reports. */
function heard({ key }: Table, cid: number, command: number, payload: Uint8Array): readonly Uint8Array[] {
  const reports: Uint8Array[] = [];
  const stop = key.listen({ report: (report) => reports.push(report), gone: () => undefined });
  for (const report of fragment(cid, command, payload)) key.receive(report);
  stop();
  return reports;
}

const works = async ({ ask }: Table) => expect(await ask()).toMatchObject({ versions: expect.any(Array) });
const refuses =
  (code: string, detail: object = {}) =>
  async ({ ask }: Table) => {
    await expect(ask()).rejects.toMatchObject({ code, ...(Object.keys(detail).length === 0 ? {} : { detail }) });
  };
const thenWorks =
  (first: (it: Table) => Promise<unknown>) =>
  async (it: Table): Promise<void> => {
    await first(it);
    it.key.behave();
    await works(it);
  };

/** By the row’s first column. `n`: the number behind the fault's name. */
const CASES: Readonly<
  Record<string, { readonly fault: string; readonly n?: number; check(it: Table): Promise<unknown> }>
> = {
  'another channel in the middle of a message': { fault: 'hid-error', n: 5, check: works },
  'the owner is told nothing': { fault: 'lost-requests', check: thenWorks(refuses('ERR_CTAP_TIMEOUT')) },
  'an unfinished message': { fault: 'hid-error', n: 5, check: works },
  'busy for a while': { fault: 'busy', n: 3, check: works },
  'a wrong sequence number': { fault: 'hid-error', n: 4, check: works },
  'PING on broadcast': { fault: 'hid-error', n: 11, check: refuses('ERR_CTAP_TRANSPORT', { error: 11 }) },
  'channel 0 and channels that were never given out': {
    fault: 'any-channel',
    check: async (it) => {
      for (const cid of [0, 0x12345678]) expect(heard(it, cid, CTAPHID.PING, Uint8Array.of(7))).toHaveLength(1);
      await works(it);
    },
  },
  'a message that is too long': { fault: 'hid-error', n: 3, check: refuses('ERR_CTAP_TRANSPORT', { error: 3 }) },
  'a request of length 0': { fault: 'stray-error', n: 5, check: thenWorks(works) },
  'INIT with 7 bytes': {
    fault: 'short-nonce',
    check: async (it) => {
      const [answer] = heard(it, 0xffffffff, CTAPHID.INIT, new Uint8Array(7));
      expect(answer?.[4]).toBe(0x80 | CTAPHID.INIT);
      await works(it);
    },
  },
  'PING of 7609 bytes': {
    fault: 'small-buffer',
    n: 1300,
    check: async (it) => {
      await expect(it.ping(1300)).resolves.toHaveLength(1300);
      await expect(it.ping(7609)).rejects.toMatchObject({ code: 'ERR_CTAP_TRANSPORT', detail: { error: 3 } });
      await works(it);
    },
  },
  'an unknown command': {
    fault: 'unknown-command-status',
    n: 0xf1,
    check: async (it) => {
      const asked = it.authenticator.call('authenticatorBioEnrollment', new Map([[1, 1]]), it.call);
      await expect(asked).rejects.toMatchObject({ code: 'ERR_CTAP_STATUS', detail: { status: 0xf1 } });
      await works(it);
    },
  },
  'keep-alives while it works': { fault: 'keepalive-storm', n: 200, check: works },
  'unsorted maps': { fault: 'unsorted-maps', check: works },
  'a map head that is not minimal': { fault: 'long-map-head', check: refuses('ERR_CTAP_INVALID_CBOR') },
  'trailing bytes': { fault: 'trailing-bytes', check: refuses('ERR_CTAP_INVALID_CBOR') },
  'an indefinite map': { fault: 'indefinite-map', check: refuses('ERR_CTAP_INVALID_CBOR') },
  'packets out of order': { fault: 'reordered-reports', check: thenWorks(refuses('ERR_CTAP_MALFORMED_RESPONSE')) },
  'packets that are lost': { fault: 'truncated-answers', check: thenWorks(refuses('ERR_CTAP_TIMEOUT')) },
  'reports that are merged': { fault: 'merged-reports', check: works },
  'messages of other programs': { fault: 'foreign-traffic', check: works },
};

const guide = readFileSync(join(PROJECT_ROOT, 'docs/guides/virtual-key.md'), 'utf8');
const rowsUnder = (heading: string): readonly (readonly string[])[] => {
  const [, section = ''] = guide.split(`## ${heading}\n`);
  return [...(section.split('\n## ')[0] ?? '').matchAll(/^\| (.*) \|$/gm)]
    .map(([, cells = '']) => cells.split(' | '))
    .slice(1);
};

describe('the edges of real firmware', () => {
  const rows = rowsUnder('Edges of real firmware').filter(([first]) => !first?.startsWith('--'));

  it('are all listed in the guide, each with its fault and its case', () => {
    expect(rows.map(([edge]) => edge)).toEqual(Object.keys(CASES));
    for (const [edge = '', , fault = ''] of rows) {
      const { fault: name, n } = CASES[edge] ?? expect.fail(edge);
      expect(fault).toBe(`\`${name}${n === undefined ? '' : ` ${n}`}\``);
    }
  });

  it.each(Object.entries(CASES))('%s: the client does what the guide says', async (_, { fault, n, check }) => {
    await check(await table(fault, n ?? null));
  });
});

describe('the faults', () => {
  it('are all listed in the guide, and none that is not there', () => {
    const listed = rowsUnder('Faults').flatMap(([name = '']) => [...name.matchAll(/`([a-z-]+)( N)?`/g)]);
    const named = listed.map(([, name, number]) => `${name}${number ?? ''}`);
    const own = Object.entries(FAULTS).map(([name, { number }]) => `${name}${number === null ? '' : ' N'}`);
    expect(named).toEqual(own);
  });

  it('are found by their own names alone', () => {
    for (const name of ['', 'constructor', 'toString', '__proto__']) expect(faultOf(name, 1)).toBeNull();
  });
});
