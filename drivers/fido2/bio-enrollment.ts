/**
 * authenticatorBioEnrollment (CTAP 2.1 §6.7): the fingers that a key knows. An enrolment goes sample by sample; whoever
 * drives it is told what each was worth, and cancelling it cancels it in the key.
 */
import { u8 } from '../base/bytes.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import type { PinUvAuthToken } from './client-pin.ts';
import { asArrayOf, asBytes, asMap, asText, asUnsigned, malformed, member, optionalMember } from './fields.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import { managedCall, unsupported } from './managed-call.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import {
  BIO_ENROLLMENT,
  BIO_ENROLLMENT_PARAM,
  BIO_ENROLLMENT_RESPONSE,
  BIO_ENROLLMENT_SUBCOMMAND,
  BIO_MODALITY_FINGERPRINT,
  FINGERPRINT_KIND,
  SAMPLE_STATUS,
} from './wire/constants.ts';

const OUT = BIO_ENROLLMENT_RESPONSE;
type Subcommand = keyof typeof BIO_ENROLLMENT_SUBCOMMAND;

/** §6.7.2: what a sample was worth, by the names of the specification; `unknown`: a value that it does not name. */
export type SampleStatus = keyof typeof SAMPLE_STATUS | 'unknown';

/** More samples than a person would give. */
const MAX_SAMPLES = 100;

export interface FingerprintSensor {
  readonly kind: 'touch' | 'swipe' | 'unknown';
  readonly samples: number;
  /** Bytes of UTF-8; null: the key does not say. */
  readonly maxNameLength: number | null;
}

export interface FingerprintTemplate {
  readonly id: Uint8Array;
  readonly name: string | null;
}

export interface EnrolledSample {
  readonly status: SampleStatus;
  readonly remaining: number;
}

const nameOf = (table: Readonly<Record<string, number>>, value: number): string | undefined =>
  Object.entries(table).find(([, number]) => number === value)?.[0];

function sampleOf(map: CborMap): EnrolledSample {
  const status = member(map, OUT.lastEnrollSampleStatus, asUnsigned, 'lastEnrollSampleStatus');
  const remaining = member(map, OUT.remainingSamples, asUnsigned, 'remainingSamples');
  if (remaining > MAX_SAMPLES) throw malformed(`${remaining} remaining samples`);
  return { status: (nameOf(SAMPLE_STATUS, status) as SampleStatus | undefined) ?? 'unknown', remaining };
}

function templateOf(map: CborMap): FingerprintTemplate {
  const name = optionalMember(map, BIO_ENROLLMENT_PARAM.templateFriendlyName, asText, 'templateFriendlyName');
  return { id: member(map, BIO_ENROLLMENT_PARAM.templateId, asBytes, 'templateId'), name: name ?? null };
}

/** Whether the key has a reader at all, enrolled or not. */
export const hasReader = ({ options }: AuthenticatorInfo): boolean =>
  options.has('bioEnroll') || options.has('userVerificationMgmtPreview');

/** Runs the subcommands on one key. */
export class BioEnrollment {
  readonly #authenticator: Authenticator;
  readonly #name: 'authenticatorBioEnrollment' | 'authenticatorBioEnrollmentPreview';

  /** @throws {ERR_CTAP_UNSUPPORTED} */
  constructor(authenticator: Authenticator, info: AuthenticatorInfo) {
    this.#authenticator = authenticator;
    if (info.options.has('bioEnroll')) this.#name = 'authenticatorBioEnrollment';
    else if (info.options.has('userVerificationMgmtPreview')) this.#name = 'authenticatorBioEnrollmentPreview';
    else throw unsupported('has no fingerprint reader');
  }

  #call(
    subcommand: Subcommand,
    token: PinUvAuthToken | null,
    options: CallOptions,
    params?: readonly (readonly [number, CborValue])[],
  ): Promise<CborMap> {
    const request = {
      name: this.#name,
      keys: BIO_ENROLLMENT,
      subCommand: BIO_ENROLLMENT_SUBCOMMAND[subcommand],
      params: params === undefined ? undefined : new Map(params),
      token,
      // §6.7.3: the modality stands in front of the subcommand.
      prefix: u8(BIO_MODALITY_FINGERPRINT),
      members: [[BIO_ENROLLMENT.modality, BIO_MODALITY_FINGERPRINT] as const],
    };
    return managedCall(this.#authenticator, request, options);
  }

  async sensor(options: CallOptions): Promise<FingerprintSensor> {
    const map = await this.#call('getFingerprintSensorInfo', null, options);
    const kind = member(map, OUT.fingerprintKind, asUnsigned, 'fingerprintKind');
    const samplesKey = OUT.maxCaptureSamplesRequiredForEnroll;
    return {
      kind: (nameOf(FINGERPRINT_KIND, kind) as 'touch' | 'swipe' | undefined) ?? 'unknown',
      samples: member(map, samplesKey, asUnsigned, 'maxCaptureSamplesRequiredForEnroll'),
      maxNameLength: optionalMember(map, OUT.maxTemplateFriendlyName, asUnsigned, 'maxTemplateFriendlyName') ?? null,
    };
  }

  /**
   * Enrols a finger. When it fails or is cancelled the key forgets what it has of it.
   * @param token with the permission `be`; stays the caller's
   * @param onSample told after every sample; throwing ends the enrolment
   * @returns the id of the finger
   * @throws {ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_CANCELLED | ERR_CTAP_STATUS}
   */
  async enrol(
    token: PinUvAuthToken,
    onSample: (sample: EnrolledSample) => void,
    options: CallOptions,
  ): Promise<Uint8Array> {
    let id: Uint8Array | null = null;
    try {
      const first = await this.#call('enrollBegin', token, options);
      const template = member(first, OUT.templateId, asBytes, 'templateId');
      id = template;
      let sample = sampleOf(first);
      onSample(sample);
      for (let taken = 1; sample.remaining > 0; taken++) {
        if (taken >= MAX_SAMPLES) throw malformed('an enrolment without end');
        const params = [[BIO_ENROLLMENT_PARAM.templateId, template] as const];
        sample = sampleOf(await this.#call('enrollCaptureNextSample', token, options, params));
        onSample(sample);
      }
      return template;
    } catch (error) {
      // With a signal of its own: the enrolment may have ended because that of the caller was aborted.
      const signal = new AbortController().signal;
      if (id !== null) await this.#call('cancelCurrentEnrollment', null, { ...options, signal }).catch(() => undefined);
      throw error;
    }
  }

  /** @param token with the permission `be` @returns empty where no finger is enrolled */
  async templates(
    token: PinUvAuthToken,
    info: AuthenticatorInfo,
    options: CallOptions,
  ): Promise<readonly FingerprintTemplate[]> {
    const option = info.options.get('bioEnroll') ?? info.options.get('userVerificationMgmtPreview');
    // §6.7.6: a key without any answers with an error that could mean something else.
    if (option !== true) return [];
    const map = await this.#call('enumerateEnrollments', token, options);
    return member(map, OUT.templateInfos, asArrayOf(asMap), 'templateInfos').map(templateOf);
  }

  /** @throws {ERR_CTAP_STATUS} no such finger, or a name that is too long */
  async rename(token: PinUvAuthToken, id: Uint8Array, name: string, options: CallOptions): Promise<void> {
    await this.#call('setFriendlyName', token, options, [
      [BIO_ENROLLMENT_PARAM.templateId, id],
      [BIO_ENROLLMENT_PARAM.templateFriendlyName, name],
    ]);
  }

  /** @throws {ERR_CTAP_STATUS} no such finger */
  async remove(token: PinUvAuthToken, id: Uint8Array, options: CallOptions): Promise<void> {
    await this.#call('removeEnrollment', token, options, [[BIO_ENROLLMENT_PARAM.templateId, id]]);
  }
}
