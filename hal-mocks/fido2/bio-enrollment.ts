/**
 * authenticatorBioEnrollment (CTAP 2.1 §6.7), also under the number of the preview: fingers are enrolled sample by
 * sample, named and removed. The samples come from the operator.
 */

import { milliseconds } from '../../drivers/base/brand.ts';
import { bytesEqual, concat, u8, utf8 } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import {
  BIO_ENROLLMENT,
  BIO_ENROLLMENT_PARAM,
  BIO_ENROLLMENT_RESPONSE,
  BIO_ENROLLMENT_SUBCOMMAND,
  BIO_MODALITY_FINGERPRINT,
  FINGERPRINT_KIND,
  PERMISSION,
  SAMPLE_STATUS,
} from '../../drivers/fido2/wire/constants.ts';
import { Params } from './params.ts';
import type { Profile } from './profile.ts';
import { refusal } from './refusal.ts';
import type { CommandContext, Enrollment } from './session.ts';
import { type AuthKeys, requireToken } from './subcommand-auth.ts';

const KEYS: AuthKeys = { param: BIO_ENROLLMENT.pinUvAuthParam, protocol: BIO_ENROLLMENT.pinUvAuthProtocol };
const SUB = BIO_ENROLLMENT_SUBCOMMAND;
const OUT = BIO_ENROLLMENT_RESPONSE;
const TEMPLATE_ID_LENGTH = 16;
const EMPTY = new Params(new Map());

type Reader = NonNullable<Profile['fingerprints']>;

const paramsOf = (params: Params): Params => params.mapOr(BIO_ENROLLMENT.subCommandParams) ?? EMPTY;

function authorize(context: CommandContext, params: Params, subCommand: number): void {
  const inner = params.mapOr(BIO_ENROLLMENT.subCommandParams);
  const head = concat(u8(BIO_MODALITY_FINGERPRINT), u8(subCommand));
  const message = inner === undefined ? head : concat(head, inner.encoded());
  requireToken(context, params, KEYS, message, PERMISSION.be);
}

const templateInfo = (id: Uint8Array, name: string | null): CborMap => {
  const map = new Map<number, CborValue>([[BIO_ENROLLMENT_PARAM.templateId, id]]);
  return name === null ? map : map.set(BIO_ENROLLMENT_PARAM.templateFriendlyName, name);
};

/** Takes one sample into the enrolment under way. @returns what the platform is told */
async function sample(
  context: CommandContext,
  params: Params,
  enrollment: Enrollment,
): Promise<Map<number, CborValue>> {
  const asked = paramsOf(params).intOr(BIO_ENROLLMENT_PARAM.timeoutMilliseconds);
  const within = Math.min(asked ?? context.profile.touchTimeout, context.profile.touchTimeout);
  const shown = await context.finger(milliseconds(Math.max(0, within)));
  const { state } = context;
  let status: number = shown === null ? SAMPLE_STATUS.noUserActivity : SAMPLE_STATUS[shown.quality];
  if (shown !== null && status === SAMPLE_STATUS.good) {
    if (state.templates.some(({ finger }) => finger === shown.finger)) status = SAMPLE_STATUS.exists;
    else if (enrollment.finger !== null && enrollment.finger !== shown.finger) status = SAMPLE_STATUS.mergeFailure;
    else {
      enrollment.finger = shown.finger;
      enrollment.left--;
    }
  }
  if (enrollment.left === 0 && enrollment.finger !== null) {
    state.templates = [...state.templates, { id: enrollment.id, name: null, finger: enrollment.finger }];
    // §6.7.3: who has just enrolled a finger may use it.
    state.uvRetries = context.profile.maxUvRetries;
    context.session.enrollment = null;
    context.save();
  }
  return new Map<number, CborValue>([
    [OUT.lastEnrollSampleStatus, status],
    [OUT.remainingSamples, enrollment.left],
  ]);
}

async function begin(context: CommandContext, params: Params, reader: Reader): Promise<CborMap> {
  authorize(context, params, SUB.enrollBegin);
  if (context.state.templates.length >= reader.templates) throw refusal('CTAP2_ERR_FP_DATABASE_FULL');
  const enrollment: Enrollment = {
    id: context.entropy.bytes(TEMPLATE_ID_LENGTH),
    left: reader.samples,
    finger: null,
  };
  context.session.enrollment = enrollment;
  return (await sample(context, params, enrollment)).set(OUT.templateId, enrollment.id);
}

async function captureNext(context: CommandContext, params: Params): Promise<CborMap> {
  authorize(context, params, SUB.enrollCaptureNextSample);
  const { enrollment } = context.session;
  const id = paramsOf(params).bytes(BIO_ENROLLMENT_PARAM.templateId);
  if (enrollment === null || !bytesEqual(enrollment.id, id)) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  return await sample(context, params, enrollment);
}

function enumerate(context: CommandContext, params: Params): CborMap {
  authorize(context, params, SUB.enumerateEnrollments);
  const { templates } = context.state;
  if (templates.length === 0) throw refusal('CTAP2_ERR_INVALID_OPTION');
  return new Map<number, CborValue>([[OUT.templateInfos, templates.map(({ id, name }) => templateInfo(id, name))]]);
}

/** @throws {CtapRefusal} CTAP2_ERR_INVALID_OPTION when no finger has this id (§6.7.7, §6.7.8) */
function change(
  context: CommandContext,
  params: Params,
  subCommand: number,
  apply: (at: number, inner: Params) => void,
): null {
  authorize(context, params, subCommand);
  const inner = paramsOf(params);
  const id = inner.bytes(BIO_ENROLLMENT_PARAM.templateId);
  const at = context.state.templates.findIndex((it) => bytesEqual(it.id, id));
  if (at < 0) throw refusal('CTAP2_ERR_INVALID_OPTION');
  apply(at, inner);
  context.save();
  return null;
}

const sensorInfo = (reader: Reader): CborMap =>
  new Map<number, CborValue>([
    [OUT.fingerprintKind, FINGERPRINT_KIND[reader.kind]],
    [OUT.maxCaptureSamplesRequiredForEnroll, reader.samples],
    ...(reader.enrollment === 'yes' ? [[OUT.maxTemplateFriendlyName, reader.maxNameLength] as const] : []),
  ]);

export function bioEnrollment(context: CommandContext, params: Params): CborMap | null | Promise<CborMap> {
  const reader = context.profile.fingerprints;
  if (reader === null) throw refusal('CTAP1_ERR_INVALID_COMMAND');
  if (params.boolOr(BIO_ENROLLMENT.getModality)) return new Map([[OUT.modality, BIO_MODALITY_FINGERPRINT]]);
  if (params.int(BIO_ENROLLMENT.modality) !== BIO_MODALITY_FINGERPRINT) throw refusal('CTAP2_ERR_UNSUPPORTED_OPTION');
  const { state } = context;
  switch (params.int(BIO_ENROLLMENT.subCommand)) {
    case SUB.getFingerprintSensorInfo:
      return sensorInfo(reader);
    case SUB.enrollBegin:
      return begin(context, params, reader);
    case SUB.enrollCaptureNextSample:
      return captureNext(context, params);
    case SUB.cancelCurrentEnrollment:
      context.session.enrollment = null;
      return null;
    case SUB.enumerateEnrollments:
      return enumerate(context, params);
    case SUB.setFriendlyName:
      return change(context, params, SUB.setFriendlyName, (at, inner) => {
        const name = inner.text(BIO_ENROLLMENT_PARAM.templateFriendlyName);
        if (utf8(name).length > reader.maxNameLength) throw refusal('CTAP1_ERR_INVALID_LENGTH');
        state.templates = state.templates.map((it, i) => (i === at ? { ...it, name } : it));
      });
    case SUB.removeEnrollment:
      return change(context, params, SUB.removeEnrollment, (at) => {
        state.templates = state.templates.filter((_, i) => i !== at);
      });
    default:
      throw refusal('CTAP2_ERR_INVALID_SUBCOMMAND');
  }
}
