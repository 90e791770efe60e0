/** The beginning of a connection to a bus, byte by byte. */
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { authenticate } from '../../../drivers/linux/dbus/authenticate.ts';

/** A bus that says these bytes when it was asked, one chunk each. */
function bus(...says: readonly string[]) {
  const heard: string[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      heard.push(chunk.toString('latin1'));
      if (heard.length === 1) {
        for (const bytes of says) this.push(Buffer.from(bytes, 'latin1'));
        if (says.length === 0) this.push(null);
      }
      done();
    },
  });
  return { stream, heard };
}

describe('authentication', () => {
  it('says who we are by EXTERNAL, begins after OK, and leaves every byte behind the line to the messages', async () => {
    const { stream, heard } = bus('O', 'K 0123456789abcdef0123456789abcdef\r', '\nl\u0001\u0002');
    await authenticate(stream, 1000);
    expect(heard).toEqual(['\0AUTH EXTERNAL 31303030\r\n', 'BEGIN\r\n']);
    expect(stream.read()).toEqual(Buffer.from('l\u0001\u0002', 'latin1'));
  });

  it.each([
    ['that refuses us', ['REJECTED EXTERNAL\r\n'], 'ERR_HAL_PERMISSION'],
    ['that speaks something else', ['220 mail.example ESMTP\r\n'], 'ERR_HAL_ANSWER_INVALID'],
    ['that never ends its line', ['O'.repeat(300)], 'ERR_HAL_ANSWER_INVALID'],
    ['that hangs up', [], 'ERR_HAL_DISCONNECTED'],
  ])('with a bus %s is refused', async (_title, says, code) => {
    const { stream, heard } = bus(...says);
    await expect(authenticate(stream, 0)).rejects.toMatchObject({ code });
    expect(heard).toHaveLength(1);
  });
});
