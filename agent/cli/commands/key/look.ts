/** `key list`, `key info`, `key wink`: looking at keys. Nothing is asked, nothing waits for a touch but the choice of one. */
import { describeDevice, describeKey } from '../../../keys/describe.ts';
import { listKeys, winkAll } from '../../../keys/list.ts';
import type { KeyCeremony, OpenKey } from '../../../keys/session.ts';
import type { KeyWork } from './person.ts';
import { deviceWords, infoWords, listWords, problemWords } from './words.ts';

export async function listCommand({ context }: KeyWork, ceremony: KeyCeremony): Promise<void> {
  const keys = await listKeys(ceremony);
  const plain = keys.map(({ key, problem, ...device }) => ({
    ...device,
    problem: problem === null ? null : { code: problem.code, message: problem.message, cure: problem.cure },
    ...(key ?? {}),
  }));
  context.output.result({ keys: plain }, () => listWords(keys));
}

export async function infoCommand({ context }: KeyWork, key: OpenKey): Promise<void> {
  const { device } = key.session;
  const described = await describeKey(key);
  context.output.result({ ...describeDevice(device), ...described }, () => infoWords(device, described));
}

export async function winkCommand({ context }: KeyWork, ceremony: KeyCeremony): Promise<void> {
  const winked = await winkAll(ceremony);
  // One key that cannot is the failure of the command; beside others that can, it is a line.
  const [only] = winked;
  if (winked.length === 1 && only?.problem) throw only.problem;
  const plain = winked.map(({ problem, ...device }) => ({ ...device, problem: problem?.code ?? null }));
  context.output.result({ keys: plain }, () =>
    winked.length === 0
      ? listWords([])
      : winked.map(({ problem, ...device }) =>
          problem === null ? `${deviceWords(device)} winks.` : `${deviceWords(device)}: ${problemWords(problem)}`,
        ),
  );
}
