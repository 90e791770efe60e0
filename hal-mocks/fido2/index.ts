/** What others use of the virtual authenticator. */
export { systemClock } from '../../drivers/base/clock.ts';
export type { AuthDataParts } from './authenticator-data.ts';
export type { Behaviour, BehaviourHost } from './behaviour.ts';
export * from './behaviours.ts';
export * from './edges.ts';
export { FAULTS, type Fault, faultOf } from './faults.ts';
export { FingerReader, type Sample, type SampleQuality } from './finger-reader.ts';
export { InProcessHid } from './in-process-hid.ts';
export * from './lies.ts';
export { isProfileName, PROFILES, type Profile, type ProfileName } from './profile.ts';
export { seededEntropy } from './seeded.ts';
export { memoryStore, type StateStore } from './state.ts';
export { StateFile } from './state-file.ts';
export { TcpServer } from './tcp-server.ts';
export { showFingerAutomatically, touchAutomatically, touchWhenWanted, VirtualKeyOperator } from './touch.ts';
export { UdpServer } from './udp-server.ts';
export { UhidDevice, type UhidOptions } from './uhid-device.ts';
export {
  type ReportListener,
  VirtualAuthenticator,
  type VirtualAuthenticatorOptions,
} from './virtual-authenticator.ts';
