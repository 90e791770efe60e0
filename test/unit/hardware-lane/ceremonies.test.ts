import { expect, test } from 'vitest';
import type { CeremonyEvent } from '../../../agent/api/ports.ts';
import { Ceremonies } from '../../../agent/lanes/hardware-ceremonies.ts';
import { deferred } from '../../../drivers/base/deferred.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { settle } from '../../support/fido2/manual-clock.ts';

const TOUCH: CeremonyEvent = { type: 'touch', text: 'Touch it', device: 'Key' };
const DONE: CeremonyEvent = { type: 'done', result: {} };
const KEY_PIN: CeremonyEvent = { type: 'prompt', slot: 'key-pin', text: 'PIN of\u001b[2J Key', triesLeft: 8 };

function stage(readKeyPin: ((prompt: string) => Promise<Secret>) | null = null) {
  const queue: (CeremonyEvent | Error | null)[] = [];
  let wake = deferred<void>();
  let returned = false;
  async function* events(): AsyncGenerator<CeremonyEvent> {
    try {
      for (;;) {
        const next = queue.shift();
        if (next === undefined) {
          await wake.promise;
          wake = deferred();
        } else if (next === null) return;
        else if (next instanceof Error) throw next;
        else yield next;
      }
    } finally {
      returned = true;
    }
  }
  const supplied: string[] = [];
  const told: string[] = [];
  const ceremonies = new Ceremonies(
    {
      start: async () => ({ id: 'c1', events: events() }),
      supply: async (_id, slot, secret) => {
        supplied.push(`${slot} ${new TextDecoder().decode(secret.expose())}`);
        secret.dispose();
      },
    },
    { readKeyPin, onEvent: ({ type }) => told.push(type) },
  );
  return {
    ceremonies,
    supplied,
    told,
    come: (...next: readonly (CeremonyEvent | Error | null)[]) => {
      queue.push(...next);
      wake.resolve();
    },
    returned: () => returned,
  };
}

async function settled(work: Promise<unknown>): Promise<boolean> {
  let is = false;
  work.finally(() => {
    is = true;
  });
  await settle();
  return is;
}

const never = new AbortController().signal;
const start = (ceremonies: Ceremonies) => ceremonies.start({ kind: 'enrol' }, { signal: never });

test('a touch is seen by what the daemon says next, while nobody reads the events', async () => {
  const { ceremonies, come, told } = stage();
  const { events } = await start(ceremonies);
  come(TOUCH);
  expect((await events.next()).value).toEqual(TOUCH);
  const seen = ceremonies.goesOn('the key was touched').until({ signal: never });
  come({ type: 'progress', step: 'x' });
  expect(await settled(seen)).toBe(false);
  come(TOUCH);
  await seen;
  // The second touch is another one.
  await events.next();
  await events.next();
  const second = ceremonies.goesOn('the key was touched').until({ signal: never });
  expect(await settled(second)).toBe(false);
  come(DONE);
  await second;
  expect(told).toEqual(['touch', 'progress', 'touch', 'done']);
});

test('one that came before anybody could ask is seen at once', async () => {
  const { ceremonies, come } = stage();
  const { events } = await start(ceremonies);
  come(TOUCH, DONE, null);
  await settle();
  await events.next();
  await ceremonies.goesOn('the key was touched').until({ signal: never });
});

test('a ceremony that breaks off ends the wait, and its error comes after its events', async () => {
  const { ceremonies, come } = stage();
  const { events } = await start(ceremonies);
  come(TOUCH, new Error('lost'));
  await events.next();
  await ceremonies.goesOn('the key was touched').until({ signal: never });
  await expect(events.next()).rejects.toThrow('lost');
});

test('a wait that is given up ends with its reason', async () => {
  const { ceremonies, come } = stage();
  const { events } = await start(ceremonies);
  come(TOUCH);
  await events.next();
  const abort = new AbortController();
  const seen = ceremonies.goesOn('x').until({ signal: abort.signal });
  abort.abort(new Error('over'));
  await expect(seen).rejects.toThrow('over');
});

test('who stops reading ends the stream', async () => {
  const { ceremonies, come, returned } = stage();
  const { events } = await start(ceremonies);
  come(TOUCH, null);
  for await (const event of events) if (event.type === 'touch') break;
  await settle();
  expect(returned()).toBe(true);
});

test('the PIN of the key is the person’s: the run neither types nor sees it', async () => {
  const asked: string[] = [];
  const { ceremonies, come, supplied } = stage(async (prompt) => {
    asked.push(prompt);
    return Secret.copyOf(new TextEncoder().encode('1357'));
  });
  const { events } = await start(ceremonies);
  come(KEY_PIN, DONE, null);
  const types: string[] = [];
  for await (const { type } of events) types.push(type);
  expect([types, asked, supplied]).toEqual([['done'], ['PIN of\ufffd[2J Key: '], ['key-pin 1357']]);
});

test('where there is nobody to ask for it the step cannot be done', async () => {
  const { ceremonies, come } = stage();
  const { events } = await start(ceremonies);
  come(KEY_PIN);
  await expect(events.next()).rejects.toMatchObject({ code: 'ERR_OPERATOR_CANNOT' });
});
