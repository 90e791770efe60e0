/**
 * The beginning of a connection to a bus (D-Bus specification, "Authentication Protocol"): EXTERNAL and nothing else. The
 * other end of the socket sees who we are (SO_PEERCRED); the other mechanisms read files or prove nothing.
 */
import type { Duplex } from 'node:stream';
import { toHex, utf8 } from '../../base/bytes.ts';
import { UnlockdError } from '../../base/errors.ts';

/** The answer is `OK` and a GUID of 32 digits. */
const LONGEST_LINE = 256;
const LINE_FEED = 0x0a;

/**
 * Reads exactly one line, and not a byte of what follows it. @returns null: the stream has ended
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
function readLine(stream: Duplex): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const line: number[] = [];
    const done = (end: () => void): void => {
      stream.off('readable', onReadable);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      end();
    };
    const onEnd = () => done(() => resolve(null));
    const onReadable = (): void => {
      for (let byte: Buffer | null = stream.read(1); byte !== null; byte = stream.read(1)) {
        const [value = LINE_FEED] = byte;
        if (value === LINE_FEED) {
          done(() => resolve(String.fromCharCode(...line).trimEnd()));
          return;
        }
        line.push(value);
        if (line.length > LONGEST_LINE) {
          done(() => reject(new UnlockdError('ERR_HAL_ANSWER_INVALID', 'the bus does not speak D-Bus')));
          return;
        }
      }
    };
    stream.on('readable', onReadable);
    stream.on('end', onEnd);
    stream.on('close', onEnd);
  });
}

/**
 * Makes the bus let us in; messages may be sent and read when it resolves.
 * @param uid who we are, as the kernel will tell the bus
 * @throws {ERR_HAL_PERMISSION} the bus refuses {ERR_HAL_DISCONNECTED | ERR_HAL_ANSWER_INVALID}
 */
export async function authenticate(stream: Duplex, uid: number): Promise<void> {
  stream.write(`\0AUTH EXTERNAL ${toHex(utf8(String(uid)))}\r\n`);
  const answer = await readLine(stream);
  if (answer === null) throw new UnlockdError('ERR_HAL_DISCONNECTED', 'the connection to the bus was lost');
  const [verb] = answer.split(' ');
  if (verb === 'REJECTED') throw new UnlockdError('ERR_HAL_PERMISSION', 'the bus does not let this user in');
  if (verb !== 'OK') throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'the bus does not speak D-Bus');
  stream.write('BEGIN\r\n');
}
