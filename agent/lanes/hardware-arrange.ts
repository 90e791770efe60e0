/** Phones, access points and cables as a walkthrough takes them as given: whoever does the physical steps is asked for each. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { PhysicalStep } from '../../drivers/hal/operator.ts';
import type { PhysicalOperator } from '../operator/operator.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

/** In the order in which they can be done: a Wi-Fi is joined when its access point is there. */
export function stepsToGiven({ phones, wifi, joined, networks, cable }: Walkthrough['given']): readonly PhysicalStep[] {
  const wired = cable === undefined ? undefined : networks[cable];
  return [
    ...Object.entries(phones).map(([phone, is]) => ({ do: 'phone', phone, is }) as const),
    ...Object.entries(wifi).map(([network, { is }]) => ({ do: 'access-point', network, is }) as const),
    ...(Object.keys(wifi).length === 0 ? [] : [{ do: 'join', network: joined ?? null } as const]),
    ...(Object.keys(networks).length === 0 ? [] : [{ do: 'cable', network: cable ?? null } as const]),
    ...(cable === undefined || wired === undefined ? [] : [{ do: 'renumber', network: cable, to: wired } as const]),
  ];
}

/** @throws {ERR_WALKTHROUGH_NOT_GIVEN} what cannot be done; {ERR_OPERATOR_*}; and the signal's reason */
export async function arrange(
  given: Walkthrough['given'],
  operator: Pick<PhysicalOperator, 'perform'>,
  signal: AbortSignal,
): Promise<void> {
  for (const step of stepsToGiven(given)) {
    const why = await operator.perform(step, { signal });
    if (why !== null) {
      throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `what is given cannot be brought about (${step.do}): ${why}`);
    }
  }
}
