/** libtss2-tctildr from our side: what its return codes mean, what it may not do to us, and when its memory is freed. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TctiContext, TctiLibrary } from '../../../drivers/linux/tpm/tctildr-library.ts';
import { openTctiTransport } from '../../../drivers/linux/tpm/tctildr-transport.ts';
import { getRandomCommand, randomResponse } from '../../support/tpm/commands.ts';

const whenever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const good = randomResponse(new Uint8Array(8).fill(3));
const IO_ERROR = 0xa000a;

interface Fake {
  readonly calls: string[];
  readonly library: () => Promise<TctiLibrary>;
}

function fakeLibrary(options: {
  initialize?: number;
  transmit?: () => Promise<number> | number;
  receive?: (size: number[], response: Uint8Array) => Promise<number> | number;
  finalize?: () => void;
}): Fake {
  const calls: string[] = [];
  const context: TctiContext = {
    transmit: async (size) => {
      calls.push(`transmit ${size}`);
      return (await options.transmit?.()) ?? 0;
    },
    receive: async (...args) => {
      const [size, response, timeout] = args as [number[], Uint8Array, number];
      calls.push(`receive ${size[0]} within ${timeout}`);
      if (options.receive) return await options.receive(size, response);
      response.set(good);
      size[0] = good.length;
      return 0;
    },
    finalize: async () => {
      calls.push('finalize');
      options.finalize?.();
    },
  };
  const rc = options.initialize ?? 0;
  const library: TctiLibrary = {
    initialize: async (nameConf) => {
      calls.push(`initialize ${nameConf}`);
      return { rc, context: rc === 0 ? context : null };
    },
  };
  return { calls, library: async () => library };
}

const open = (fake: Fake) => openTctiTransport('mssim:port=1', whenever(), fake.library);

describe('a TCTI', () => {
  it('is initialised with the string of the setting, used once a command, and finalised', async () => {
    const fake = fakeLibrary({});
    const transport = await open(fake);
    expect(await transport.submit(getRandomCommand(8), {})).toEqual(good);
    await transport.close();
    await transport.close();
    expect(fake.calls).toEqual(['initialize mssim:port=1', 'transmit 12', 'receive 4096 within -1', 'finalize']);
  });

  const refusals = [
    ['that nobody serves', IO_ERROR, 'ERR_HAL_NOT_FOUND'],
    ['without a connection', 0xa0008, 'ERR_HAL_NOT_FOUND'],
    ['that does not exist', 0xa0005, 'ERR_HAL_IO'],
  ] as const;
  for (const [what, initialize, code] of refusals) {
    it(`${what} is ${code} with its TSS2_RC`, async () => {
      await expect(open(fakeLibrary({ initialize }))).rejects.toMatchObject({ code, detail: { rc: initialize } });
    });
  }

  const failures = [
    ['transmit', IO_ERROR, 'ERR_HAL_DISCONNECTED'],
    ['receive', IO_ERROR, 'ERR_HAL_DISCONNECTED'],
    ['receive', 0xa0008, 'ERR_HAL_DISCONNECTED'],
    ['receive', 0xa0006, 'ERR_TPM_MALFORMED_RESPONSE'],
    ['receive', 0xa0011, 'ERR_TPM_MALFORMED_RESPONSE'],
    ['receive', 0xa0001, 'ERR_HAL_IO'],
  ] as const;
  for (const [call, rc, code] of failures) {
    it(`whose ${call} fails with 0x${rc.toString(16)} is ${code}`, async () => {
      await using transport = await open(fakeLibrary({ [call]: () => rc }));
      await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code, detail: { rc } });
    });
  }

  it('that says it wrote more than the buffer holds is ERR_TPM_MALFORMED_RESPONSE', async () => {
    for (const length of [4097, -1, 0, Number.NaN]) {
      const fake = fakeLibrary({
        receive: (size) => {
          size[0] = length;
          return 0;
        },
      });
      await using transport = await open(fake);
      const answer = transport.submit(getRandomCommand(8), {});
      await expect(answer).rejects.toMatchObject({ code: 'ERR_TPM_MALFORMED_RESPONSE' });
    }
  });

  it('is not freed while a thread is inside it, and close does not wait for that thread', async () => {
    let answer: (() => void) | undefined;
    const fake = fakeLibrary({
      receive: (size, response) =>
        new Promise((resolve) => {
          answer = () => {
            response.set(good);
            size[0] = good.length;
            resolve(0);
          };
        }),
    });
    const transport = await open(fake);
    const waiting = expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    await vi.waitFor(() => expect(answer).toBeDefined());
    await transport.close();
    await waiting;
    expect(fake.calls).not.toContain('finalize');
    answer?.();
    await vi.waitFor(() => expect(fake.calls).toContain('finalize'));
  });

  it('that cannot be freed is ERR_HAL_IO at close, and nothing unhandled when it is freed later', async () => {
    const finalize = () => {
      throw new Error('no such context');
    };
    const idle = await open(fakeLibrary({ finalize }));
    await expect(idle.close()).rejects.toMatchObject({ code: 'ERR_HAL_IO' });

    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', onUnhandled);
    try {
      let answer: (() => void) | undefined;
      const receive = () => new Promise<number>((resolve) => (answer = () => resolve(IO_ERROR)));
      const fake = fakeLibrary({ finalize, receive });
      const busy = await open(fake);
      const waiting = expect(busy.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
      await vi.waitFor(() => expect(answer).toBeDefined());
      await busy.close();
      await waiting;
      answer?.();
      await vi.waitFor(() => expect(fake.calls).toContain('finalize'));
      // Node reports an unhandled rejection once the microtasks of its turn have run.
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.removeListener('unhandledRejection', onUnhandled);
    }
  });

  it('that was opened too late is finalised again', async () => {
    const controller = new AbortController();
    const fake = fakeLibrary({});
    const library = async (): Promise<TctiLibrary> => {
      const { initialize } = await fake.library();
      return {
        initialize: async (nameConf) => {
          controller.abort(new Error('too late'));
          return await initialize(nameConf);
        },
      };
    };
    await expect(openTctiTransport('mssim:port=1', { signal: controller.signal }, library)).rejects.toThrow('too late');
    expect(fake.calls).toContain('finalize');
  });
});

describe('without its parts, a TCTI is ERR_HAL_MODULE_MISSING', () => {
  afterEach(() => {
    vi.doUnmock('koffi');
    vi.resetModules();
  });
  const openFresh = async () => {
    vi.resetModules();
    const { openTctiTransport: fresh } = await import('../../../drivers/linux/tpm/tctildr-transport.ts');
    return await fresh('mssim:port=1', whenever());
  };

  it('when the npm package koffi is not installed', async () => {
    vi.doMock('koffi', () => {
      throw new Error('Cannot find package');
    });
    await expect(openFresh()).rejects.toMatchObject({ code: 'ERR_HAL_MODULE_MISSING' });
    await expect(openFresh()).rejects.toThrow(/koffi/);
  });

  it('when the library is not installed', async () => {
    vi.doMock('koffi', () => ({
      load: () => {
        throw new Error('cannot open shared object file');
      },
    }));
    await expect(openFresh()).rejects.toMatchObject({ code: 'ERR_HAL_MODULE_MISSING' });
    await expect(openFresh()).rejects.toThrow(/libtss2-tctildr0/);
  });
});
