/** A daemon without any privilege: probes once at level high and prints the outcome, and what its radio process may. */
import { readFileSync } from 'node:fs';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { radioProcess } from '../../../drivers/linux/bluetooth/radio-process.ts';
import { PC_INDEX } from './world.ts';

const [address = ''] = process.argv.slice(2);
await using prober = radioProcess();
const outcome = await prober.probe({
  ...{ adapter: PC_INDEX, address, addressType: 'public', bearer: 'BR/EDR', minLevel: 'high' },
  ...{ within: milliseconds(60_000), signal: new AbortController().signal },
});
const capabilities = readFileSync(`/proc/${prober.pid}/status`, 'utf8');
process.stdout.write(JSON.stringify({ outcome, capabilities }));
