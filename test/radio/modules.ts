/**
 * Kernel modules of the guest, by name. Without drbg and sha512 the kernel cannot pair over LE, and says so only in its
 * log.
 */
export const RADIO_MODULES = [
  ...['hci_vhci', 'algif_hash', 'algif_skcipher', 'cmac', 'ecb', 'ccm'],
  ...['drbg', 'hmac', 'sha256_generic', 'sha512_generic', 'bnep'],
];
