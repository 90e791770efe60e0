/** Small things that the tests of the API share: a client that trusts root, secrets from text, codes of refusals. */
import { setTimeout as pause } from 'node:timers/promises';
import { type ApiClient, createClient } from '../../../agent/api/client.ts';
import { DaemonRefusal } from '../../../agent/api/daemon-refusal.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { type ApiOnSocket, peerOfUid } from './api-on-socket.ts';

export const secret = (text: string): Secret => Secret.copyOf(Buffer.from(text));
export const clientOf = (api: ApiOnSocket): ApiClient =>
  createClient({ socketPath: api.socketPath, check: { peerOf: async () => peerOfUid(0), trusts: (uid) => uid === 0 } });

/** The code of the refusal that `work` ends in. */
export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'no error';
  } catch (error) {
    if (error instanceof DaemonRefusal) return error.refusal.code;
    throw error;
  }
};

/** Polls until `condition` holds; the test's own deadline ends it otherwise. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await pause(5);
};
