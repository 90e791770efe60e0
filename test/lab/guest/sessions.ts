/**
 * Who is logged in to the guest: elogind, which is logind without systemd, and one graphical session that PAM opens as at
 * any login. Whether somebody uses the keyboard is what a desktop would tell logind.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { until } from '../../radio/guest/world.ts';
import { ask, Service } from './programs.ts';

const LOGIND = 'org.freedesktop.login1';
const PROGRAM = '/lib/elogind/elogind';

export class Sessions implements AsyncDisposable {
  readonly #logind = new Service('elogind', [PROGRAM]);
  readonly #login = new Service('session', ['su', '--login', 'root', '--command', 'exec sleep infinity'], {
    XDG_SESSION_TYPE: 'x11',
    XDG_SESSION_CLASS: 'user',
  });
  #session = '';

  async start(): Promise<void> {
    mkdirSync('/sys/fs/cgroup', { recursive: true });
    if (!existsSync('/sys/fs/cgroup/cgroup.procs')) await ask('mount', '-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup');
    mkdirSync('/run/systemd', { recursive: true });
    this.#logind.start();
    await until('logind', 60, async () => (await ask('loginctl', 'list-sessions', '--no-legend')) !== null);
    this.#login.start();
    this.#session = await until('the session', 60, async () => {
      const [line = ''] = (await ask('loginctl', 'list-sessions', '--no-legend')).split('\n');
      return /^\s*(\S+)/.exec(line)?.[1] ?? null;
    });
  }

  async keyboard(is: 'idle' | 'active'): Promise<void> {
    const path = `/org/freedesktop/login1/session/${this.#session.replace(/^\d/, (digit) => `_3${digit}`)}`;
    const call = ['--system', '--print-reply', `--dest=${LOGIND}`, path, `${LOGIND}.Session.SetIdleHint`];
    await ask('dbus-send', ...call, `boolean:${is === 'idle'}`);
  }

  /** What a stranger says of it. */
  async shown(): Promise<string> {
    return await ask('loginctl', 'show-session', this.#session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#login.end('SIGKILL');
    await this.#logind.end();
  }
}
