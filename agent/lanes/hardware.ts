/**
 * The hardware lane: whatever is plugged into this machine, its own daemon over its socket, and a person or a machine that
 * does the physical steps. It looks at what is there first, destroys nothing without being told to, and puts back what it
 * has changed.
 */
import { type MonotonicMs, monotonicMs, seconds } from '../../drivers/base/brand.ts';
import { toHex } from '../../drivers/base/bytes.ts';
import { Closers } from '../../drivers/base/closers.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { oneLine, printable } from '../../drivers/base/printable.ts';
import type { ApiClient } from '../api/client.ts';
import type { CeremonyEvent } from '../api/ports.ts';
import { KeyNames } from '../operator/key-names.ts';
import { PhysicalOperator } from '../operator/operator.ts';
import type { Detector, Doing, Hands } from '../operator/task.ts';
import { stepWords } from '../report/step-words.ts';
import type { StepAt, SystemDaemon } from '../walkthrough/lane.ts';
import { withRoots } from '../walkthrough/roots.ts';
import { isCeremony, type Step, type Walkthrough } from '../walkthrough/schema.ts';
import { arrange } from './hardware-arrange.ts';
import { Ceremonies } from './hardware-ceremonies.ts';
import { Changes } from './hardware-changes.ts';
import { daemonOfItsOwn, daemonOfThisMachine, type HardwareDaemon } from './hardware-daemon.ts';
import { signalDetector } from './hardware-detectors.ts';
import { devicesOf } from './hardware-devices.ts';
import { type DaemonFound, type Found, lookAtHardware } from './hardware-found.ts';
import { consentTo, type Harm, harmsOf } from './hardware-harm.ts';
import { nameKeys } from './hardware-keys.ts';
import { HardwareMissing, missingFor } from './hardware-needs.ts';
import type { HardwareOptions } from './hardware-options.ts';
import { systemctl } from './hardware-system.ts';
import type { LaneOptions, OpenedLane } from './options.ts';
import { setUpMachine } from './set-up.ts';

const ARRANGED_WITHIN = seconds(300);

/** Everything of one run on hardware. */
class HardwareRun {
  readonly #walkthrough: Walkthrough;
  readonly #options: LaneOptions;
  readonly #hardware: HardwareOptions;
  readonly #hands: Hands;
  readonly #opened = new Closers();
  readonly #changes: Changes;
  readonly #keys = new KeyNames();
  readonly #ended = new AbortController();
  readonly #phones = new Map<string, string>();
  #step: Step | null = null;
  /** When what is under way is given up. */
  #endsAt: MonotonicMs | null = null;

  constructor(walkthrough: Walkthrough, options: LaneOptions, hardware: HardwareOptions, hands: Hands) {
    this.#walkthrough = walkthrough;
    this.#options = options;
    this.#hardware = hardware;
    this.#hands = hands;
    this.#changes = new Changes(options.clock, (words, isDone) => {
      hands.tell(words);
      if (!isDone) options.finding(words);
    });
    this.#opened.add(() => hands[Symbol.asyncDispose]());
  }

  /** Ends it all; what was changed is put back first. */
  close(): Promise<void> {
    return this.#opened.close();
  }

  async open(): Promise<OpenedLane> {
    const { clock, signal } = this.#options;
    const { ownDaemon, uid } = this.#hardware;
    const daemon =
      ownDaemon === null ? daemonOfThisMachine(this.#hardware, clock) : await daemonOfItsOwn(ownDaemon, clock, signal);
    this.#opened.add(() => daemon.close());
    this.#opened.add(() => this.#changes.putBack());
    const { client } = daemon;
    const found = await lookAtHardware({ ...this.#hardware, client }, signal);
    requireAll(this.#walkthrough, found, this.#hardware, false);
    const harms = harmsOf(this.#walkthrough, found);
    await consentTo(harms, found, this.#hardware);
    if (found.daemon !== null) await this.#prepare(client, daemon, found.daemon, harms);
    const ceremonies = new Ceremonies(client, {
      readKeyPin: this.#hardware.readKeyPin,
      onEvent: (event) => this.#onEvent(event),
    });
    const operator = this.#operator(client, ceremonies);
    this.#changes.add({ what: 'what was moved', putBack: async () => this.#moved(operator), cure: '' });
    await this.#arrange(operator);
    return {
      name: 'hardware',
      operator,
      subject: { ...client, start: ceremonies.start },
      ...(uid === 0 ? { owner: client } : {}),
      daemon: daemon.act,
      restart: async (what, asked) => await this.#restart(what, asked),
      phoneAddress: (phone) => this.#phones.get(phone) ?? null,
      rootThumbprint: (root) => this.#hardware.roots.get(root) ?? null,
      devices: async (asked) =>
        await devicesOf(this.#walkthrough.given, client, this.#keys, this.#hardware.describeKeys ?? null, asked),
      ended: this.#ended.signal,
      begins: (step, at) => this.#begins(step, at),
      [Symbol.asyncDispose]: () => this.close(),
    };
  }

  /** Keys, phones and networks as they are given. @throws {ERR_HAL_TIMEOUT} a person who has left, a machine that never gets done */
  async #arrange(operator: PhysicalOperator): Promise<void> {
    const { clock, signal } = this.#options;
    using deadline = startDeadline(clock, ARRANGED_WITHIN, {
      what: 'bringing about what is given',
      signal: AbortSignal.any([signal, this.#ended.signal]),
    });
    this.#endsAt = monotonicMs(clock.now() + ARRANGED_WITHIN);
    const { hid } = this.#hardware;
    const tell = (words: string) => this.#hands.tell(words);
    const { given } = this.#walkthrough;
    await nameKeys(given, { hid, keys: this.#keys, operator, tell }, deadline.signal);
    await arrange(given, operator, deadline.signal);
    this.#endsAt = null;
  }

  /** Nobody carries things back: it says where they are now. */
  #moved(operator: PhysicalOperator): null {
    for (const [name, where] of Object.entries(this.#walkthrough.given.keys)) {
      if (where !== 'plugged' || this.#keys.path(name) !== null || this.#keys.device(name) === null) continue;
      this.#changes.stays(`${this.#keys.words(name)} is pulled out`);
    }
    const moved = operator.moved();
    if (moved.length > 0) this.#changes.stays(`what you were asked for last: ${moved.join('; ')}`);
    return null;
  }

  /** Nobody is enrolled, the policy is the one that is given; how it was before is kept to be put back. */
  async #prepare(
    client: ApiClient,
    daemon: HardwareDaemon,
    { paired, policy, status }: DaemonFound,
    harms: readonly Harm[],
  ): Promise<void> {
    const { signal } = this.#options;
    const changes = this.#changes;
    const { given } = this.#walkthrough;
    const [address, ...others] = paired ?? [];
    for (const phone of Object.keys(given.phones)) {
      const known = this.#hardware.phones.get(phone) ?? (others.length === 0 ? address : undefined);
      if (known !== undefined) this.#phones.set(phone, known);
    }
    const kinds = new Set(harms.map(({ kind }) => kind));
    if (kinds.has('set-up')) {
      if (!status.tpm.setUp) await this.#setUp(client, status.tpm.testDouble !== null);
      changes.stays(
        'the TPM is set up. Keep the folder of its daemon and its sheet, or clear it in the firmware, which ends everything that it protects',
      );
    }
    if (kinds.has('unenrol')) await unenrol(client, signal);
    if (kinds.has('policy')) {
      const before = kinds.has('set-up') ? await client.policy({ signal }) : policy;
      changes.add({
        what: 'the policy of this machine',
        putBack: async (asked) => {
          await client.setPolicy(JSON.stringify(before.document), asked);
          return `the policy of this machine: ${before.words}`;
        },
        cure: 'Set it again with `unlockctl policy set`.',
      });
    }
    changes.add({
      what: 'your enrolment, which the run has made',
      putBack: async (asked) => {
        const { own } = await client.status(asked);
        if (own.state === 'none') return null;
        await unenrol(client, asked.signal);
        return 'the enrolment that the run had made is removed';
      },
      cure: 'Remove it with `unlockctl unenrol`.',
    });
    changes.add({
      what: 'the daemon',
      putBack: async (asked) => daemon.ensureRunning(asked).then(() => null),
      cure: '',
    });
    if (given.policy !== undefined) {
      const rooted = withRoots(given.policy, given, (root) => this.#hardware.roots.get(root) ?? null);
      await client.setPolicy(JSON.stringify(rooted), { signal });
    } else this.#hands.tell(`the policy of this machine counts: ${policy.words}`);
  }

  /** Of a real TPM the owner's sheet is shown: without it nobody could ever reset its lockout. */
  async #setUp(client: ApiClient, isTestDouble: boolean): Promise<void> {
    const { showSheet } = this.#hardware;
    if (showSheet === null && !isTestDouble) {
      throw new UnlockdError('ERR_LANE_DESTRUCTIVE', 'there is no terminal to show the sheet of the machine owner on');
    }
    const { policy: _set, ...without } = this.#walkthrough.given;
    await setUpMachine(client, without, this.#options.signal, showSheet);
  }

  #operator(client: ApiClient, ceremonies: Ceremonies): PhysicalOperator {
    const { clock, entropy } = this.#options;
    const { hid } = this.#hardware;
    return new PhysicalOperator({
      hands: this.#hands,
      keys: this.#keys,
      sight: { hid, clock },
      endsAt: () => this.#endsAt,
      run: toHex(entropy.bytes(8)),
      onAbort: (reason) => this.#ended.abort(reason),
      detects: async (doing: Doing, asked): Promise<Detector | null> => {
        if (doing.do === 'touch') return ceremonies.goesOn('the key was touched');
        if (doing.do === 'finger') return ceremonies.goesOn('the reader has seen it');
        if ('key' in doing || doing.do === 'remove-all') return null;
        return await signalDetector(
          doing,
          {
            client,
            given: this.#walkthrough.given,
            phoneAddress: (phone) => this.#phones.get(phone) ?? null,
            isEnrolled: async (address, options) =>
              (await client.phones(options)).phones.some(
                (phone) => phone.address === address && phone.uid === this.#hardware.uid,
              ),
          },
          asked,
        );
      },
    });
  }

  #begins(step: Step, at: StepAt): void {
    this.#step = step;
    this.#endsAt = at.endsAt;
    const note = step.note === null ? '' : `\n  ${printable(step.note).replace(/[\n\t]/g, ' ')}`;
    this.#hands.tell(`\nStep ${at.index + 1} of ${at.of}: ${oneLine(stepWords(step))}${note}`);
  }

  #onEvent(event: CeremonyEvent): void {
    const step = this.#step;
    if (event.type === 'touch' && step !== null && isCeremony(step) && step.value.touch === 'never') {
      this.#hands.tell('> Do not touch the key that blinks: it is to blink in vain');
    }
  }

  async #restart(what: SystemDaemon, asked: { signal: AbortSignal }): Promise<string | null> {
    if (this.#hardware.uid !== 0) return 'only root may restart daemons of this machine';
    const unit = what === 'bluetoothd' ? 'bluetooth.service' : 'NetworkManager.service';
    return await (this.#hardware.systemctl ?? systemctl)(['restart', unit], asked);
  }
}

async function unenrol(client: ApiClient, signal: AbortSignal): Promise<void> {
  const { events } = await client.start({ kind: 'unenrol', uid: null }, { signal });
  for await (const event of events) {
    if (event.type === 'failed') {
      throw new UnlockdError('ERR_LANE_NOT_RESTORED', `${event.refusal.message} (${event.refusal.code})`);
    }
  }
}

/** @throws {ERR_LANE_HARDWARE} naming all that is missing */
function requireAll(
  walkthrough: Walkthrough,
  found: Found,
  { phones, roots, ownDaemon }: HardwareOptions,
  daemonComes: boolean,
): void {
  const missing = missingFor(walkthrough, found, { daemonComes, ownDaemon: ownDaemon !== null, phones, roots });
  if (missing.length > 0) throw new HardwareMissing(missing);
}

/**
 * @throws {ERR_LANE_HARDWARE} what is missing, all at once; {ERR_LANE_DESTRUCTIVE}; {ERR_OPERATOR_*}; and the signal's
 * reason. What was changed by then is put back.
 */
export async function openHardwareLane(walkthrough: Walkthrough, options: LaneOptions): Promise<OpenedLane> {
  const hardware = await options.hardware?.();
  if (hardware === undefined)
    throw new UnlockdError('ERR_LANE_MISSING', 'the hardware lane is told nobody who does it');
  options.progress('looking at what is connected');
  // Before anybody is asked for anything: a machine that lacks something needs no person.
  requireAll(walkthrough, await lookAtHardware(hardware, options.signal), hardware, hardware.ownDaemon !== null);
  const run = new HardwareRun(walkthrough, options, hardware, hardware.hands());
  try {
    return await run.open();
  } catch (error) {
    await run.close().catch(() => undefined);
    throw error;
  }
}
