/**
 * From the configuration's words for a TPM to the TPM itself. Exactly the one that is named is opened: a daemon that
 * falls back to another TPM can be handed one by whoever makes the right one fail.
 */
import { isAbsolute } from 'node:path';
import { UnlockdError } from '../../base/errors.ts';
import type { TpmHal } from '../../hal/tpm.ts';
import { openDeviceTransport } from './device-transport.ts';
import { openStreamTransport } from './stream-transport.ts';
import { openTctiTransport } from './tctildr-transport.ts';

/** sun_path of struct sockaddr_un holds 108 bytes, the last of them zero. */
const MAX_SOCKET_PATH = 107;

const FORMS = 'swtpm:path=/…, swtpm:host=…,port=…, device:/dev/tpmrm0 or tcti:<name>:<configuration>';

const invalid = (config: string, reason: string): UnlockdError =>
  new UnlockdError('ERR_TPM_SETTING', `"${config}" names no TPM: ${reason}; expected ${FORMS}`);

function keyValues(config: string, text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, equals);
    if (equals < 1 || values.has(key)) throw invalid(config, `"${part}" is not a setting`);
    values.set(key, part.slice(equals + 1));
  }
  return values;
}

function swtpm(config: string, rest: string): TpmHal {
  const values = keyValues(config, rest);
  const keys = [...values.keys()].sort().join(',');
  const path = values.get('path') ?? '';
  if (keys === 'path') {
    if (!isAbsolute(path)) throw invalid(config, 'the path is not absolute');
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
      throw invalid(config, `a socket path has at most ${MAX_SOCKET_PATH} bytes`);
    return { description: config, open: (options) => openStreamTransport({ path }, config, options) };
  }
  if (keys !== 'host,port') throw invalid(config, 'either a path, or a host and a port');
  const host = values.get('host') ?? '';
  const port = Number(values.get('port'));
  if (host === '') throw invalid(config, 'no host');
  if (!/^\d+$/.test(values.get('port') ?? '') || port < 1 || port > 65535) throw invalid(config, 'no such port');
  return { description: config, open: (options) => openStreamTransport({ host, port }, config, options) };
}

function device(config: string, path: string): TpmHal {
  if (!isAbsolute(path)) throw invalid(config, 'the path is not absolute');
  return { description: config, open: (options) => openDeviceTransport(path, options) };
}

function tcti(config: string, nameConf: string): TpmHal {
  // A bare name would leave the address to the library: tpm2-tss then tries what it likes, a TCP port included.
  if (!/^[A-Za-z0-9_./-]+:./.test(nameConf)) throw invalid(config, 'a TCTI name without its configuration');
  return { description: config, open: (options) => openTctiTransport(nameConf, options) };
}

/**
 * The TPM that a setting names; nothing is opened yet.
 * @param config `swtpm:path=<absolute path>`, `swtpm:host=<host>,port=<port>`, `device:<path>` or `tcti:<TCTI string>`
 * @throws {ERR_TPM_SETTING} the setting names no TPM
 */
export function linuxTpm(config: string): TpmHal {
  const colon = config.indexOf(':');
  const rest = config.slice(colon + 1);
  if (/\p{Cc}/u.test(config)) throw invalid(config, 'control characters');
  switch (colon < 0 ? '' : config.slice(0, colon)) {
    case 'swtpm':
      return swtpm(config, rest);
    case 'device':
      return device(config, rest);
    case 'tcti':
      return tcti(config, rest);
    default:
      throw invalid(config, 'unknown kind');
  }
}
