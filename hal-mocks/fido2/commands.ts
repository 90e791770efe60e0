/**
 * From the payload of a CTAPHID_CBOR message to its answer (CTAP 2.1 §6): which command, are its parameters canonical,
 * and the status byte when it is refused. New commands of CTAP are rows of the table below.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { CborMap } from '../../drivers/fido2/wire/cbor.ts';
import { CTAP_COMMAND } from '../../drivers/fido2/wire/constants.ts';
import { CTAP_STATUS } from '../../drivers/fido2/wire/status-codes.ts';
import { bioEnrollment } from './bio-enrollment.ts';
import { clientPin } from './client-pin.ts';
import { authenticatorConfig } from './config.ts';
import { credentialManagement } from './credential-management.ts';
import { getAssertion, getNextAssertion } from './get-assertion.ts';
import { getInfo } from './get-info.ts';
import { largeBlobs } from './large-blobs.ts';
import { makeCredential } from './make-credential.ts';
import { decodeRequest, type Params } from './params.ts';
import type { Profile } from './profile.ts';
import { CtapRefusal, refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

/** What goes back: a status byte and, where it is CTAP2_OK and there is something to say, a map. */
export interface CtapReply {
  readonly command: number;
  readonly status: number;
  readonly body: CborMap | null;
}

type Answer = CborMap | null | Promise<CborMap | null>;
/** `has`: which kinds of authenticator know it; left out: all. */
type Command = { readonly has?: (profile: Profile) => boolean } & (
  | { readonly takes: 'parameters'; readonly run: (context: CommandContext, params: Params) => Answer }
  | { readonly takes: 'nothing'; readonly run: (context: CommandContext) => Answer }
);

/** §6.6: how long after power-up a reset is allowed. */
const RESET_WINDOW = seconds(10);

async function reset(context: CommandContext): Promise<null> {
  if (context.clock.now() - context.session.since > RESET_WINDOW) throw refusal('CTAP2_ERR_NOT_ALLOWED');
  await context.touch();
  context.factoryReset();
  return null;
}

async function selection(context: CommandContext): Promise<null> {
  await context.touch();
  return null;
}

const TAKES = { takes: 'parameters' } as const;

const COMMANDS: ReadonlyMap<number, Command> = new Map<number, Command>([
  [CTAP_COMMAND.authenticatorMakeCredential, { ...TAKES, run: makeCredential }],
  [CTAP_COMMAND.authenticatorGetAssertion, { ...TAKES, run: getAssertion }],
  [CTAP_COMMAND.authenticatorGetInfo, { takes: 'nothing', run: getInfo }],
  [CTAP_COMMAND.authenticatorClientPIN, { ...TAKES, run: clientPin }],
  [CTAP_COMMAND.authenticatorReset, { takes: 'nothing', run: reset }],
  [CTAP_COMMAND.authenticatorGetNextAssertion, { takes: 'nothing', run: getNextAssertion }],
  [
    CTAP_COMMAND.authenticatorBioEnrollment,
    { ...TAKES, run: bioEnrollment, has: ({ fingerprints }) => fingerprints?.enrollment === 'yes' },
  ],
  [
    CTAP_COMMAND.authenticatorCredentialManagement,
    { ...TAKES, run: credentialManagement, has: (profile) => profile.credentialManagement === 'yes' },
  ],
  [CTAP_COMMAND.authenticatorSelection, { takes: 'nothing', run: selection, has: (profile) => profile.selection }],
  [CTAP_COMMAND.authenticatorLargeBlobs, { ...TAKES, run: largeBlobs, has: (profile) => profile.largeBlobs > 0 }],
  [CTAP_COMMAND.authenticatorConfig, { ...TAKES, run: authenticatorConfig, has: ({ config }) => config !== null }],
  [
    CTAP_COMMAND.authenticatorBioEnrollmentPreview,
    { ...TAKES, run: bioEnrollment, has: ({ fingerprints }) => fingerprints !== null },
  ],
  [
    CTAP_COMMAND.authenticatorCredentialManagementPreview,
    { ...TAKES, run: credentialManagement, has: (profile) => profile.credentialManagement !== 'no' },
  ],
]);

const MANAGES_CREDENTIALS: ReadonlySet<number> = new Set([
  CTAP_COMMAND.authenticatorCredentialManagement,
  CTAP_COMMAND.authenticatorCredentialManagementPreview,
]);

async function run(context: CommandContext, number: number, rest: Uint8Array): Promise<CborMap | null> {
  const command = COMMANDS.get(number);
  if (command === undefined || command.has?.(context.profile) === false) throw refusal('CTAP1_ERR_INVALID_COMMAND');
  // §6.3: the next assertion can be fetched only directly after the last one.
  if (number !== CTAP_COMMAND.authenticatorGetNextAssertion) context.session.remembered = null;
  // §6.8: and the same of an enumeration.
  if (!MANAGES_CREDENTIALS.has(number)) context.session.enumeration = null;
  if (command.takes === 'nothing') {
    if (rest.length > 0) throw refusal('CTAP1_ERR_INVALID_LENGTH');
    return await command.run(context);
  }
  return await command.run(context, decodeRequest(rest));
}

/** @param payload the command byte and its CBOR; at least one byte */
export async function executeCommand(context: CommandContext, payload: Uint8Array): Promise<CtapReply> {
  const command = payload[0] ?? 0;
  try {
    if (payload.length > context.profile.maxMsgSize) throw refusal('CTAP2_ERR_REQUEST_TOO_LARGE');
    const body = await run(context, command, payload.subarray(1));
    return { command, status: CTAP_STATUS.CTAP2_OK, body };
  } catch (error) {
    if (error instanceof CtapRefusal) return { command, status: error.status, body: null };
    throw error;
  }
}
