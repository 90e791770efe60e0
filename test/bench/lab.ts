/**
 * A second machine of the same kind in the bench's own process: the same service over a TPM of its own, reached through
 * {@link BareTpm}. What its unlock sends to the TPM is what the daemon's sends, and its objects are what tpm2-tools get.
 */
import { Service } from '../../agent/service/service.ts';
import { TpmAccess } from '../../agent/service/tpm-access.ts';
import { milliseconds, seconds } from '../../drivers/base/brand.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { systemEntropy } from '../../drivers/base/entropy.ts';
import { noTrace } from '../../drivers/base/trace.ts';
import { TestAgent } from '../support/service/test-agent.ts';
import { BareTpm, type Tally } from './bare-tpm.ts';
import { PIN, UNLOCK } from './person.ts';

export const LAB_UID = 1000;

/** Longer than the TPM commands that are sent while the key waits for its touch. */
const TOUCH_AFTER = milliseconds(30);

export class Lab implements AsyncDisposable {
  readonly agent: TestAgent;
  readonly #tpm: BareTpm;

  private constructor(agent: TestAgent, tpm: BareTpm) {
    this.agent = agent;
    this.#tpm = tpm;
  }

  /** A machine that is set up, with one user and one key. */
  static async start(): Promise<Lab> {
    const agent = await TestAgent.start();
    try {
      await agent.setUpAndEnrol(LAB_UID, PIN);
      const hal = new BareTpm(agent.swtpm.socketPath);
      const [clock, entropy] = [systemClock, systemEntropy];
      const tpm = new TpmAccess({ hal, clock, entropy, trace: noTrace, commandWithin: seconds(30) });
      agent.parts = { ...agent.parts, tpm };
      agent.service = new Service(
        agent.parts,
        async function* () {},
        (error) => agent.faults.push(error),
      );
      // The key is a part of this process: it signs when the commands of its time have been answered.
      agent.touch = false;
      agent.key.presence.onWait(() => void clock.timer(TOUCH_AFTER, () => agent.key.presence.touch()));
      const lab = new Lab(agent, hal);
      // The first operation of a service also asks the TPM for what was left loaded.
      await lab.unlock();
      return lab;
    } catch (error) {
      await agent.close();
      throw error;
    }
  }

  /** One whole unlock; what the TPM was sent for it. */
  async unlock(): Promise<Tally> {
    this.#tpm.take();
    const { failed } = await this.agent.run(LAB_UID, UNLOCK, { pin: PIN });
    if (failed) throw new Error(`unlock: ${failed.refusal.code}: ${failed.refusal.message}`);
    return this.#tpm.take();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.agent.close();
  }
}
