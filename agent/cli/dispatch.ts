/** From a valid choice of the command line to the command that does it. Commands are loaded when they are chosen. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { KeyChoice } from './commands/key/options.ts';
import type { PolicyStudyChoice } from './commands/policy/study-options.ts';
import type { ReportChoice } from './commands/report/options.ts';
import { type Context, createContext } from './context.ts';
import type { CtlDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import type { Choice } from './program.ts';

/** The uid that `--user` means. @throws {ERR_CLI_NO_SUCH_USER} */
async function targetOf(deps: CtlDeps, user: string | null): Promise<number | null> {
  if (user === null) return null;
  if (/^\d{1,10}$/.test(user)) return Number(user);
  const uid = await deps.uidOf(user);
  if (uid === null) throw new UnlockdError('ERR_CLI_NO_SUCH_USER', `there is no user ${user}`, { detail: { user } });
  return uid;
}

const phoneOf = ({ phone }: { readonly phone: string | null }): { readonly phone?: string } =>
  phone === null ? {} : { phone };

async function ceremony(context: Context, choice: Choice): Promise<void> {
  const { ceremonyCommand } = await import('./commands/ceremonies.ts');
  switch (choice.name) {
    case 'setup':
      return ceremonyCommand(context, {
        request: { kind: 'setup' },
        fds: choice.fds,
        sheetFd: choice.sheetFd,
        needs: ['recovery-groups'],
        sheet: true,
        words: ({ pinIsBound }) => [
          'This machine is set up. Users can enrol now: `unlockctl enrol`.',
          ...(pinIsBound === true
            ? []
            : [
                'The TPM does not limit tries at a PIN as it should, so a PIN does not count as bound: see `unlockctl doctor`.',
              ]),
        ],
      });
    case 'enrol':
      return ceremonyCommand(context, {
        request: { kind: 'enrol', ...phoneOf(choice) },
        fds: choice.fds,
        sheetFd: choice.sheetFd,
        needs: ['new-pin', 'recovery-groups'],
        sheet: true,
        words: () => ['You are enrolled. Unlock with `unlockctl unlock`.'],
      });
    case 'recover':
      return ceremonyCommand(context, {
        request: { kind: 'recover', ...phoneOf(choice) },
        fds: choice.fds,
        sheetFd: choice.sheetFd,
        needs: ['recovery', 'new-pin', 'recovery-groups'],
        sheet: true,
        words: () => ['Recovered. The old recovery sheet is void: keep the new one.'],
      });
    case 'pin change':
      return ceremonyCommand(context, {
        request: { kind: 'pin-change' },
        fds: choice.fds,
        needs: ['pin', 'new-pin'],
        sheet: false,
        words: () => ['The PIN is changed. The old one opens nothing any more.'],
      });
    case 'lockout reset':
      return ceremonyCommand(context, {
        request: { kind: 'lockout-reset' },
        fds: choice.fds,
        needs: ['owner-recovery'],
        sheet: false,
        words: ({ before }) => [`The TPM has forgotten ${before} wrong tries.`],
      });
    case 'unenrol': {
      const uid = await targetOf(context.deps, choice.user);
      if (!choice.yes) {
        const { requireTypedWord } = await import('./confirm.ts');
        const whose = choice.user === null ? 'your container' : `the container of ${choice.user}`;
        const what = `This destroys the key of ${whose} for ever, and with it whatever is encrypted under it.`;
        await requireTypedWord(context, what, 'REMOVE');
      }
      return ceremonyCommand(context, {
        request: { kind: 'unenrol', uid },
        fds: {},
        needs: [],
        sheet: false,
        words: () => ['The container is removed.'],
      });
    }
    case 'key add':
      return ceremonyCommand(context, {
        request: { kind: 'key-add', name: choice.label },
        fds: choice.fds,
        needs: [],
        sheet: false,
        words: ({ label, id }) => [`${label} (${id}) is enrolled. Each of your security keys opens the container now.`],
      });
    case 'key revoke':
      return ceremonyCommand(context, {
        request: { kind: 'key-revoke', id: choice.id },
        fds: choice.fds,
        needs: [],
        sheet: false,
        words: ({ label, id }) => [`${label} (${id}) opens nothing any more.`],
      });
    case 'phone add':
      return ceremonyCommand(context, {
        request: { kind: 'phone-add', address: choice.address },
        fds: choice.fds,
        needs: [],
        sheet: false,
        words: ({ name }) => [`${typeof name === 'string' ? name : choice.address} is enrolled as your phone.`],
      });
    case 'biometric add':
    case 'biometric remove': {
      const adds = choice.name === 'biometric add';
      return ceremonyCommand(context, {
        request: { kind: adds ? 'biometric-add' : 'biometric-remove', modality: choice.modality },
        fds: choice.fds,
        needs: [],
        sheet: false,
        words: () => [`Your ${choice.modality} counts ${adds ? 'from now on' : 'no more'}.`],
      });
    }
    case 'policy apply': {
      const { readDocument } = await import('./commands/queries.ts');
      return ceremonyCommand(context, {
        request: { kind: 'policy-apply', document: readDocument(choice.file) },
        fds: choice.fds,
        needs: [],
        sheet: false,
        words: () => ['The signed policy is in force.'],
      });
    }
    default:
      throw new TypeError(`${choice.name} is no ceremony`);
  }
}

async function query(context: Context, choice: Choice): Promise<void> {
  const queries = await import('./commands/queries.ts');
  switch (choice.name) {
    case 'users':
      return queries.usersCommand(context);
    case 'lock':
      return queries.lockCommand(context);
    case 'phone list':
      return (await import('./commands/phones.ts')).phoneListCommand(context);
    case 'phone remove': {
      const uid = await targetOf(context.deps, choice.user);
      return (await import('./commands/phones.ts')).phoneRemoveCommand(context, choice.address, uid);
    }
    case 'policy show':
    case 'policy set':
    case 'policy import':
    case 'policy export':
    case 'policy sign':
      return (await import('./commands/policy/forms.ts')).policyFormsCommand(context, choice);
    case 'policy request':
      return queries.policyRequestCommand(context, choice.output);
    case 'signals':
      return (await import('./commands/signals.ts')).signalsCommand(context, choice);
    case 'walkthrough check':
    case 'walkthrough list':
    case 'walkthrough new':
      return (await import('./commands/walkthrough/command.ts')).walkthroughCommand(context, choice);
    case 'events record':
      return (await import('./commands/record.ts')).recordCommand(context, choice);
    case 'events':
      return queries.eventsCommand(context, choice);
    default:
      return ceremony(context, choice);
  }
}

const STUDIES: ReadonlySet<string> = new Set([
  'policy lint',
  'policy explain',
  'policy simulate',
  'policy risk',
  'policy diff',
]);

const isStudy = (choice: Choice): choice is Extract<Choice, PolicyStudyChoice> => STUDIES.has(choice.name);

const isReport = (choice: Choice): choice is Extract<Choice, ReportChoice> =>
  choice.name === 'report diff' || choice.name === 'report verify';

/** What is about a key itself, and not about a container that it opens. */
const isOfKey = (choice: Choice): choice is Extract<Choice, KeyChoice> => 'device' in choice;

/**
 * @param command what stood after `--`; null: there was none
 * @returns the exit code
 * @throws what the command throws; the caller prints it
 */
export async function dispatch(deps: CtlDeps, choice: Choice, command: readonly string[] | null): Promise<number> {
  if (command !== null && choice.name !== 'unlock') {
    throw new UnlockdError('ERR_CLI_USAGE', `only unlock takes a command after --`);
  }
  if (choice.name === 'status') {
    const { statusCommand } = await import('./commands/status.ts');
    return statusCommand(deps, { json: choice.common.json === true, socket: choice.common.socket ?? null });
  }
  const context = await createContext(deps, choice.common);
  try {
    if (choice.name === 'unlock') {
      const { unlockCommand } = await import('./commands/unlock.ts');
      return await unlockCommand(context, { ...choice, command });
    }
    if (choice.name === 'doctor') {
      const { doctorCommand } = await import('./commands/doctor.ts');
      return await doctorCommand(context);
    }
    if (choice.name === 'walkthrough run') {
      return await (await import('./commands/walkthrough/run.ts')).runCommand(context, choice);
    }
    if (isReport(choice)) return (await import('./commands/report/command.ts')).reportCommand(context, choice);
    if (isStudy(choice)) return await (await import('./commands/policy/study.ts')).policyStudyCommand(context, choice);
    if (isOfKey(choice)) await (await import('./commands/key/command.ts')).keyCommand(context, choice);
    else await query(context, choice);
    return EXIT.ok;
  } finally {
    context.close();
  }
}
