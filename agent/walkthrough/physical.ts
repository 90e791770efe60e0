/** Steps that are done by whoever does the physical things, as the operator seam of drivers/hal has them. */
import type { HandedOut, PhysicalStep } from '../../drivers/hal/operator.ts';
import { entryOf, NO_CABLE, type Step } from './schema.ts';

/** @returns null: it is none of these */
export function physicalStepOf(step: Step): PhysicalStep | null {
  switch (step.action) {
    case 'phone': {
      const [phone, is] = entryOf(step.value);
      return { do: 'phone', phone, is };
    }
    case 'accessPoint': {
      const [network, is] = entryOf(step.value);
      return { do: 'access-point', network, is };
    }
    case 'join':
      return { do: 'join', network: step.value };
    case 'leave':
      return { do: 'join', network: null };
    case 'cable':
      return { do: 'cable', network: step.value === NO_CABLE ? null : step.value };
    case 'renumber': {
      const [network, to]: readonly [string, HandedOut] = entryOf(step.value);
      return { do: 'renumber', network, to };
    }
    case 'keyboard':
      return { do: 'keyboard', is: step.value };
    case 'suspend':
      return { do: 'suspend' };
    case 'tpm':
      return { do: 'replace-tpm' };
    default:
      return null;
  }
}
