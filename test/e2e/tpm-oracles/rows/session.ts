/** Rows of TPM2_StartAuthSession and TPM2_FlushContext: Part 3 §11.1, §28.4. */

import { toHex } from '../../../../drivers/base/bytes.ts';
import {
  flushContext,
  getHandles,
  HANDLE_RANGE,
  policyGetDigest,
  type Session,
  startAuthSession,
} from '../../../../drivers/tpm2/index.ts';
import type { Row } from '../row.ts';

export const SESSION = {
  StartAuthSession: {
    agree: async ({ tpm, esapi, srk }) => {
      const ours: Record<string, unknown> = {};
      const theirs: Record<string, unknown> = {};
      for (const kind of ['hmac', 'policy', 'trial'] as const) {
        await using session = await startAuthSession(tpm, { kind, salt: srk });
        const { nonceTPM } = await esapi.call('start_auth_session', { tag: kind, kind, salt: 'srk' });
        ours[kind] = { nonce: session.nonceTPM.length, handle: session.handle >>> 24 };
        const { handles } = await esapi.call('get_handles', { first: HANDLE_RANGE.HMAC_SESSION });
        const [handle] = handles as number[];
        theirs[kind] = { nonce: String(nonceTPM).length / 2, handle: (handle ?? 0) >>> 24 };
        if (kind !== 'hmac') {
          ours[`${kind} digest`] = toHex(await policyGetDigest(tpm, session));
          theirs[`${kind} digest`] = await esapi.text('policy_get_digest', 'digest', { policy: kind });
        }
        await esapi.call('flush_context', { object: kind });
      }
      return { ours, theirs };
    },
    refuse: {
      rc: 0x903,
      ours: async ({ tpm }) => {
        const open: Session[] = [];
        try {
          for (let i = 0; i < 4; i++) open.push(await startAuthSession(tpm, { kind: 'hmac' }));
        } finally {
          for (const session of open) await session.close();
        }
      },
      theirs: async ({ esapi }) => {
        for (let i = 0; i < 4; i++) await esapi.call('start_auth_session', { tag: `s${i}`, kind: 'hmac' });
      },
    },
  },
  FlushContext: {
    agree: async ({ tpm, esapi, srk }) => {
      const { handles: before } = await esapi.call('get_handles', { first: HANDLE_RANGE.TRANSIENT });
      const ourBefore = await getHandles(tpm, HANDLE_RANGE.TRANSIENT);
      await flushContext(tpm, srk.handle);
      await esapi.call('flush_context', { object: 'srk' });
      const { handles: after } = await esapi.call('get_handles', { first: HANDLE_RANGE.TRANSIENT });
      return {
        ours: { before: ourBefore, after: await getHandles(tpm, HANDLE_RANGE.TRANSIENT) },
        theirs: { before, after },
      };
    },
    refuse: {
      rc: 0x1cb,
      ours: async ({ tpm, srk }) => {
        await flushContext(tpm, srk.handle);
        await flushContext(tpm, srk.handle);
      },
      // ESAPI knows objects by its own numbers; a restart of the TPM takes the object away behind its back.
      theirs: async ({ esapi, init }) => {
        await init();
        await esapi.call('startup', { type: 0 });
        await esapi.call('flush_context', { object: 'srk' });
      },
    },
    spoils: true,
  },
} satisfies Record<string, Row>;
