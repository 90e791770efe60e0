/**
 * The daemon's side of the radio process: starts it at the first probe, believes only what its messages may say, starts
 * it again after it ended, ever more slowly while it keeps ending, and lets it go when nobody probes for a while. What
 * needs CAP_NET_ADMIN is in that process and nowhere else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Milliseconds, milliseconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import type { Bearer, Probe, ProbeFailure } from '../../hal/bluetooth.ts';
import {
  EXIT,
  FrameReader,
  frame,
  fromRadio,
  LONGEST_PROBE,
  MOST_PROBES,
  type ToRadio,
  toRadio,
} from './radio-messages.ts';
import type { RadioProbe, RadioProber } from './radio-prober.ts';

type Outcome = Probe['outcome'];

export interface RadioProcessOptions {
  readonly clock?: Clock;
  /** The program, in JavaScript. */
  readonly program?: string;
  /** Whom the process becomes; null: it stays who the daemon is. Left out: `nobody` where the daemon is root. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
  /** How long it is kept without a probe. */
  readonly idle?: Milliseconds;
}

/** nobody:nogroup of every Linux: owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 } as const;
const IDLE = milliseconds(60_000);
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 30_000;
/** Taken off the time of a probe, so that what it came to is known before the caller's own time is over. */
const MARGIN = 500;
/** Beyond the time of a probe: what the messages and a busy machine take. */
const GRACE = 2000;

/** Asked and not answered yet; a probe that was cancelled stays here until the process has closed what it opened. */
interface Asked {
  readonly bearer: Bearer;
  readonly answer: Deferred<Outcome>;
  sent: boolean;
}

interface Running {
  readonly child: ChildProcess;
  /** Resolves when it has given up its privileges. */
  readonly confined: Deferred<void>;
  saidSo: boolean;
}

const notProved = (reason: ProbeFailure, detail: string): Outcome => ({ proved: false, reason, detail });
const failed = (detail: string): Outcome => notProved('failed', detail);

const OUT_OF_TURN = failed('the radio process spoke out of turn');

/** What an exit status of the program says. */
function endOf(status: number | null): Outcome {
  if (status === EXIT.noModule) return notProved('unsupported', 'the package koffi is not installed');
  if (status === EXIT.notConfined) return notProved('no-permission', 'the radio process could not be confined');
  return failed('the radio process ended');
}

class RadioProcess implements RadioProber {
  readonly #clock: Clock;
  readonly #argv: readonly string[];
  readonly #idle: Milliseconds;
  readonly #asked = new Map<number, Asked>();
  #running: Running | null = null;
  #gone: Promise<void> = Promise.resolve();
  #stopIdle = () => {};
  #id = 0;
  #pause = FIRST_PAUSE;
  #notBefore = 0;
  #closed = false;

  constructor(clock: Clock, argv: readonly string[], idle: Milliseconds) {
    this.#clock = clock;
    this.#argv = argv;
    this.#idle = idle;
  }

  /** Its process; null: none runs. */
  get pid(): number | null {
    return this.#running?.child.pid ?? null;
  }

  async probe(probe: RadioProbe): Promise<Outcome> {
    const { signal } = probe;
    signal.throwIfAborted();
    const within = Math.max(1, Math.min(LONGEST_PROBE, Math.floor(probe.within)));
    const ends = this.#clock.now() + within;
    const pause = this.#notBefore - this.#clock.now();
    if (this.#running === null && pause > 0) {
      if (pause >= within) return failed('the radio process keeps ending');
      await this.#clock.sleep(milliseconds(pause), { signal });
    }
    if (this.#closed) return failed('the radio process was closed');
    if (this.#asked.size >= MOST_PROBES) return failed('too many probes at once');
    const running = this.#running ?? this.#start();
    this.#stopIdle();
    const id = ++this.#id;
    const asked: Asked = { bearer: probe.bearer, answer: deferred<Outcome>(), sent: false };
    this.#asked.set(id, asked);
    // The process has its own limit; one that does not keep it is not waited for, and not kept.
    const stop = this.#clock.timer(milliseconds(ends - this.#clock.now() + GRACE), () => {
      if (this.#asked.has(id)) this.#drop(running, failed('the radio process did not answer in time'));
    });
    const onAbort = () => {
      if (asked.sent) this.#say(running, { type: 'cancel', id });
      else this.#asked.delete(id);
      asked.answer.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    void running.confined.promise.then(() => this.#send(running, id, probe, ends));
    try {
      return await asked.answer.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!this.#asked.has(id)) stop();
    }
  }

  /** With the time that is left now: a process that had to be started first took some of it. */
  #send(running: Running, id: number, probe: RadioProbe, ends: number): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    const left = ends - this.#clock.now();
    const within = milliseconds(Math.max(1, Math.floor(left - Math.min(MARGIN, left / 4))));
    const { adapter, address, addressType, bearer, minLevel } = probe;
    const message = toRadio({
      type: 'probe',
      id,
      probe: { adapter, address, addressType, bearer, minLevel, within },
    });
    if (message !== null && left > 0) {
      asked.sent = true;
      this.#say(running, message);
      return;
    }
    this.#asked.delete(id);
    asked.answer.resolve(
      failed(message === null ? 'such a probe there is not' : 'the radio process took too long to start'),
    );
    this.#restWhenIdle(running);
  }

  #start(): Running {
    const [program = '', ...args] = this.#argv;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], env: {}, cwd: '/' });
    const running: Running = { child, confined: deferred<void>(), saidSo: false };
    this.#running = running;
    const gone = deferred<void>();
    this.#gone = gone.promise;
    const reader = new FrameReader();
    child.stdout?.on('data', (bytes: Buffer) => {
      const values = reader.push(bytes);
      if (values === null) this.#drop(running, OUT_OF_TURN);
      else for (const value of values) this.#receive(running, value);
    });
    child.stdin?.on('error', () => undefined);
    child.stdout?.on('error', () => undefined);
    child.once('error', () => {
      this.#forget(running, failed('the radio process could not be started'));
      gone.resolve();
    });
    child.once('exit', (status) => {
      this.#forget(running, endOf(status));
      gone.resolve();
    });
    return running;
  }

  #receive(running: Running, value: unknown): void {
    if (this.#running !== running) return;
    const message = fromRadio(value, (id) => this.#sentBearer(id));
    if (message?.type === 'confined' && !running.saidSo) {
      running.saidSo = true;
      running.confined.resolve();
    } else if (message?.type === 'outcome') {
      this.#pause = FIRST_PAUSE;
      this.#asked.get(message.id)?.answer.resolve(message.outcome);
      this.#asked.delete(message.id);
      this.#restWhenIdle(running);
    } else this.#drop(running, OUT_OF_TURN);
  }

  #sentBearer(id: number): Bearer | null {
    const asked = this.#asked.get(id);
    return asked?.sent === true ? asked.bearer : null;
  }

  #say({ child }: Running, message: ToRadio): void {
    child.stdin?.write(frame(message));
  }

  /** Ends a process that is of no more use. */
  #drop(running: Running, outcome: Outcome): void {
    running.child.kill('SIGKILL');
    this.#forget(running, outcome);
  }

  #forget(running: Running, outcome: Outcome): void {
    if (this.#running !== running) return;
    this.#running = null;
    this.#stopIdle();
    this.#notBefore = this.#clock.now() + this.#pause;
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    for (const { answer } of this.#asked.values()) answer.resolve(outcome);
    this.#asked.clear();
  }

  #restWhenIdle(running: Running): void {
    if (this.#asked.size > 0) return;
    this.#stopIdle();
    this.#stopIdle = this.#clock.timer(this.#idle, () => {
      if (this.#asked.size > 0 || this.#running !== running) return;
      // Its end is no failure.
      this.#running = null;
      running.child.kill('SIGKILL');
    });
  }

  /** Idempotent. Probes that wait get an outcome. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopIdle();
    if (this.#running !== null) this.#drop(this.#running, failed('the radio process was closed'));
    await this.#gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Proves devices over the air, through a process of its own. Nothing is started before the first probe. */
export function radioProcess(options: RadioProcessOptions = {}): RadioProber & { readonly pid: number | null } {
  const { clock = systemClock, idle = IDLE } = options;
  const program = options.program ?? fileURLToPath(new URL('./radio-helper.js', import.meta.url));
  const user = options.user === undefined ? (process.getuid?.() === 0 ? NOBODY : null) : options.user;
  const ids = user === null ? ['-', '-'] : [String(user.uid), String(user.gid)];
  return new RadioProcess(clock, [process.execPath, '--disallow-code-generation-from-strings', program, ...ids], idle);
}
