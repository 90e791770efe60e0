/** Evidence of a run that never was: two keys, steps of every outcome, a hostile device. On a clock that stands still. */
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { EvidenceBuilder, type StepEnd } from '../../../agent/report/evidence.ts';
import type { Evidence } from '../../../agent/report/schema.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { ManualClock } from '../fido2/manual-clock.ts';

export const WALKTHROUGH = `walkthrough: 1
name: A sample
about: Steps of every outcome.
given:
  keys: { blue: plugged, red: unplugged }
steps:
  - enrol: { pin: mine }
  - unlock: { pin: [wrong, mine] }
    note: The person is wrong once.
    expect: { events: [refused ERR_PIN_WRONG, done], state: unlocked }
  - insert: red
  - daemon: restart
  - unlock: { pin: mine, touch: never }
    expect: { verdict: refused, reason: touch }
`;

export const HOSTILE = '</script><script>alert(1)</script>"\'&\u202e\u0007\ud800<!--';

const granted: StepEnd = {
  outcome: 'passed',
  why: [],
  asked: { verdict: 'granted', code: null, message: 'done', reasons: [] },
};
const refused = { code: 'ERR_POLICY_DENIED', message: 'denied', cure: 'Touch it.', detail: {} };
export const REASONS = [
  { depth: 0, ok: false, text: 'policy denied' },
  { depth: 1, ok: true, text: 'the PIN was right' },
  { depth: 1, ok: false, text: 'a security key' },
  { depth: 2, ok: false, text: 'no touch came' },
];

export const builder = (clock = new ManualClock()): EvidenceBuilder =>
  new EvidenceBuilder({
    clock,
    walkthrough: readWalkthrough(WALKTHROUGH, checkedDocument),
    file: { name: 'sample.yaml', bytes: new TextEncoder().encode(WALKTHROUGH) },
    lane: { name: 'mock', about: 'all in this process', simulated: ['keys'] },
  });

/** @param change what differs from the usual run */
export async function sample(
  change: { readonly last?: Partial<StepEnd>; readonly model?: string; readonly noise?: number } = {},
): Promise<Evidence> {
  const clock = new ManualClock();
  const { steps } = readWalkthrough(WALKTHROUGH, checkedDocument);
  const evidence = builder(clock);
  evidence.version('unlockd', '1.2.3');
  evidence.device({ kind: 'tpm', name: 'TPM', nature: 'emulated', more: { manufacturer: 'IBM', address: 'swtpm:x' } });
  evidence.device({
    kind: 'security-key',
    name: 'blue',
    nature: 'simulated',
    model: change.model ?? HOSTILE,
    more: { aaguid: '00112233-4455-6677-8899-AABBCCDDEEFF', profile: '2.1' },
  });
  const ends: readonly StepEnd[] = [
    granted,
    granted,
    { outcome: 'skipped', why: ['the red key is in the other office'], asked: null },
    { outcome: 'not here', why: ['the daemon has no process of its own'], asked: null },
    {
      outcome: 'failed',
      why: ['no reason says “touch”'],
      asked: { verdict: 'refused', code: refused.code, message: refused.message, reasons: REASONS },
      ...change.last,
    },
  ];
  for (const [index, step] of steps.entries()) {
    evidence.stepBegun(step, index);
    await clock.advance(500 + (change.noise ?? 0));
    if (step.action === 'unlock') {
      evidence.ceremonyEvent({ type: 'prompt', slot: 'pin', text: 'PIN', triesLeft: 5 });
      await clock.advance(1000);
      const wrong = { code: 'ERR_PIN_WRONG', message: 'the PIN is wrong', cure: '', detail: { triesLeft: 4 } };
      evidence.ceremonyEvent({ type: 'refused', refusal: wrong });
      await clock.advance(100);
      evidence.ceremonyEvent({ type: 'touch', text: 'touch the key', device: HOSTILE });
      await clock.advance(200);
      evidence.ceremonyEvent(
        index === 1
          ? { type: 'done', result: { label: 'blue', secret: 'NEVER-SHOWN' } }
          : { type: 'failed', refusal: refused, reasons: REASONS },
      );
    }
    const end = ends[index];
    if (end !== undefined) evidence.stepEnded(end);
  }
  evidence.signal({
    kind: 'wifi',
    state: 'observed',
    source: 'NetworkManager',
    observedAt: 0,
    validFor: 1000,
    simulated: true,
    observation: { associations: [] },
  });
  evidence.finding(`On another lane it went otherwise: ${HOSTILE}`);
  return evidence.finish();
}
