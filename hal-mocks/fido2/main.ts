#!/usr/bin/env node
/**
 * The virtual authenticator as a program of its own: `unlockd-virtual-key --udp-port 0`. It prints its
 * addresses as one JSON line, then an event a line, and is driven by lines on standard input (see `options.ts`).
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fromHex, utf8 } from '../../drivers/base/bytes.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { systemEntropy } from '../../drivers/base/entropy.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { Control } from './control.ts';
import { type ProgramOptions, parseOptions, USAGE } from './options.ts';
import { PROFILES } from './profile.ts';
import { seededEntropy } from './seeded.ts';
import { memoryStore } from './state.ts';
import { StateFile } from './state-file.ts';
import { TcpServer } from './tcp-server.ts';
import { UdpServer } from './udp-server.ts';
import { UhidDevice } from './uhid-device.ts';
import { VirtualAuthenticator } from './virtual-authenticator.ts';

const say = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

async function serve(options: ProgramOptions): Promise<void> {
  const authenticator = new VirtualAuthenticator({
    clock: systemClock,
    entropy: options.seed === null ? systemEntropy : seededEntropy(fromHex(options.seed)),
    profile: PROFILES[options.profile],
    store: options.stateFile === null ? memoryStore() : new StateFile(options.stateFile),
  });
  const { pin } = options;
  if (pin !== null && authenticator.state.pinHash === null) {
    authenticator.configure((state) => {
      state.pinHash = new Uint8Array(createHash('sha256').update(utf8(pin)).digest().subarray(0, 16));
    });
  }
  const control = new Control(authenticator, systemClock);
  control.setTouch(options.autoTouchAfter);
  authenticator.presence.onWait(() => say({ event: 'touch-wanted' }));
  authenticator.reader.onWait(() => say({ event: 'finger-wanted' }));
  authenticator.onPlug((event) => say({ event }));

  const udp = options.udpPort === null ? null : await UdpServer.start(authenticator, options.udpPort);
  const tcp = options.tcpPort === null ? null : await TcpServer.start(authenticator, options.tcpPort);
  const uhid = options.uhid
    ? UhidDevice.start(authenticator, { name: 'Virtual Security Key', serial: `UNLOCKD${process.pid}` })
    : null;
  say({
    ready: true,
    pid: process.pid,
    profile: options.profile,
    udp: udp && `127.0.0.1:${udp.port}`,
    tcp: tcp && `127.0.0.1:${tcp.port}`,
    uhid: uhid !== null,
  });

  const stop = async () => {
    await udp?.close();
    await tcp?.close();
    await uhid?.close();
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (!options.control) return;
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line.trim() === 'quit') lines.close();
    else if (line.trim() !== '') say(control.run(line));
  });
  lines.on('close', stop);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.udpPort === null && options.tcpPort === null && !options.uhid) {
    throw new TypeError('give --udp-port, --tcp-port or --uhid');
  }
  await serve(options);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n${isUnlockdError(error) ? `${error.code}: ${error.cure}\n` : USAGE}`);
  process.exitCode = isUnlockdError(error) ? 1 : 2;
}
