/**
 * What carries the reports between our client and the virtual keys in the client's suite (test/scenario/fido2): nothing but
 * this process, a socket, or the real node-hid on emulated nodes. The suite is the same; `UNLOCKD_TEST_PIPE` says which.
 */
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';

export const PIPES = ['in process', 'tcp', 'udp', 'hidraw'] as const;
export type Pipe = (typeof PIPES)[number];
/** Names one of {@link PIPES}. */
export const PIPE_VARIABLE = 'UNLOCKD_TEST_PIPE';

const wanted = process.env[PIPE_VARIABLE];
export const PIPE: Pipe = PIPES.find((pipe) => pipe === wanted) ?? 'in process';

/** How to open virtual keys on this pipe. */
async function opener(): Promise<(...keys: readonly VirtualAuthenticator[]) => InProcessHid> {
  if (PIPE === 'hidraw') {
    const { hidrawHid } = await import('./hidraw-hid.ts');
    return hidrawHid;
  }
  if (PIPE === 'in process') return (...keys) => new InProcessHid(...keys);
  const { SocketHid } = await import('./socket-hid.ts');
  return (...keys) => new SocketHid(PIPE, ...keys);
}

export const hidOf = await opener();

/** The title of a case that some pipes cannot carry, with the reason where this is one of them; for `it.skipIf`. */
export const notOn = (pipes: readonly Pipe[], reason: string): { readonly skip: boolean; readonly why: string } =>
  pipes.includes(PIPE) ? { skip: true, why: ` (not on ${PIPE}: ${reason})` } : { skip: false, why: '' };
