/**
 * MIB_IF_ROW2 of GetIfEntry2 (netioapi.h): whether an interface is backed by hardware. By their type alone the switches of
 * Hyper-V, taps and tunnels are Ethernet too.
 */
import { MemoryImage } from '../memory-image.ts';

export const ROW_BYTES = 1352;
/** InterfaceAndOperStatusFlags: one bit each, from the lowest. */
export const FLAGS_AT = 1152;
const HARDWARE_INTERFACE = 0x01;
const FILTER_INTERFACE = 0x02;
const CONNECTOR_PRESENT = 0x04;

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function isHardware(row: Uint8Array): boolean {
  const flags = new MemoryImage(row, 'the row of an interface').u8(FLAGS_AT);
  return (
    (flags & (HARDWARE_INTERFACE | FILTER_INTERFACE | CONNECTOR_PRESENT)) === (HARDWARE_INTERFACE | CONNECTOR_PRESENT)
  );
}
