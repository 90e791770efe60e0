#!/usr/bin/python3
"""Runs COMMAND in a world where /dev/hidraw0 is a virtual authenticator.

    bridge.py --tcp HOST:PORT -- COMMAND [ARGUMENT ...]
    bridge.py --udp HOST:PORT -- COMMAND [ARGUMENT ...]
    bridge.py --tcp HOST:PORT --tcp HOST:PORT -- COMMAND [ARGUMENT ...]

COMMAND and what it starts see, through umockdev, a USB device 1209:beee with a FIDO HID interface in /sys and udev and
its node /dev/hidraw0; every report goes to the authenticator at the address and back. Nothing of it is visible outside,
so any number of bridges run side by side; the rest of /dev, files and sockets are the machine's own.
The exit status is COMMAND's (128 + n when signal n ended it); 125 when the bridge could not start. SIGTERM and SIGINT go
on to COMMAND once each (Ctrl-C reaches it by itself), and COMMAND is told to end, once, when the bridge dies.

How to run a daemon under it: start the authenticator (`node dist/hal-mocks/fido2/main.js --tcp-port 0 --touch control`),
take the address from its first line, and start the daemon as COMMAND; the command line client needs no bridge. Keep the
authenticator's standard input: `touch`, `remove`, `insert` and `power-cycle` are typed there. Over TCP a `remove` unplugs
/dev/hidraw0 (open handles fail, udev says so) and an `insert` plugs it in again, as /dev/hidraw1 and so on; over UDP it
stays plugged in. Each further --tcp or --udp is one more authenticator, in a USB port of its own; what is not plugged in
when it begins gets its node when it is. With --events-fd N each change is one line there: `plugged 1 /dev/hidraw0` (the first
authenticator), `unplugged 1`; when nobody reads there any more, COMMAND is told to end.
Needs the Debian packages umockdev, gir1.2-umockdev-1.0 and python3-gi.
"""
import argparse
import contextlib
import ctypes
import functools
import itertools
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

WRAPPED = 'UNLOCKD_BRIDGE_WRAPPED'
CANNOT_START = 125
REPORT = 64
# Usage page 0xF1D0, usage 1, 64 bytes in and 64 bytes out (CTAP 2.1 §11.2.8.1).
DESCRIPTOR = bytes.fromhex('06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0')
PRODUCT = 'Virtual Security Key'


def devices(port, index):
    """The devices of the testbed, parents first. As with a kernel, every plugging-in gives new numbers."""
    usb = f'/devices/pci0000:00/0000:00:01.0/usb1/1-{port}'
    interface = f'{usb}/1-{port}:1.0'
    hid = f'{interface}/0003:1209:BEEE.{port:04X}'
    raw = f'{hid}/hidraw/hidraw{index}'
    serial = f'UNLOCKD{port:04}'
    return {
        usb: f'''P: {usb}
N: bus/usb/001/{index + 2:03}
E: DEVNAME=/dev/bus/usb/001/{index + 2:03}
E: DEVTYPE=usb_device
E: DRIVER=usb
E: PRODUCT=1209/beee/100
E: BUSNUM=001
E: DEVNUM={index + 2:03}
E: MAJOR=189
E: MINOR={index + 1}
E: SUBSYSTEM=usb
A: bcdDevice=0100\\n
A: idProduct=beee\\n
A: idVendor=1209\\n
A: manufacturer=unlockd\\n
A: product={PRODUCT}\\n
A: serial={serial}\\n
A: busnum=1\\n
A: devnum={index + 2}\\n
''',
        interface: f'''P: {interface}
E: DEVTYPE=usb_interface
E: DRIVER=usbhid
E: PRODUCT=1209/beee/100
E: INTERFACE=3/0/0
E: SUBSYSTEM=usb
A: bInterfaceNumber=00\\n
A: bInterfaceClass=03\\n
''',
        hid: f'''P: {hid}
E: DRIVER=hid-generic
E: HID_ID=0003:00001209:0000BEEE
E: HID_NAME={PRODUCT}
E: HID_PHYS=usb-0000:00:01.0-{port}/input0
E: HID_UNIQ={serial}
E: SUBSYSTEM=hid
H: report_descriptor={DESCRIPTOR.hex().upper()}
''',
        raw: f'''P: {raw}
N: hidraw{index}
E: DEVNAME=/dev/hidraw{index}
E: MAJOR=240
E: MINOR={index}
E: SUBSYSTEM=hidraw
E: ID_FIDO_TOKEN=1
A: dev=240:{index}\\n
L: device=../../../0003:1209:BEEE.{port:04X}
''',
    }


def ioctl_records(node):
    """What the node answers to the ioctls that hidapi and libfido2 use, in umockdev's format."""
    descriptor = struct.pack('<I', len(DESCRIPTOR)) + DESCRIPTOR.ljust(4096, b'\0')
    info = struct.pack('<IHH', 3, 0x1209, 0xBEEE)
    return (f'@DEV {node}\n'
            f'HIDIOCGRDESCSIZE 0 {struct.pack("<I", len(DESCRIPTOR)).hex().upper()}\n'
            f'HIDIOCGRDESC 0 {descriptor.hex().upper()}\n'
            f'HIDIOCGRAWINFO 0 {info.hex().upper()}\n')


class Gone(Exception):
    """The authenticator was pulled out, or its process ended."""


class Tcp:
    """A 16-bit big-endian length, then a report."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=5)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b''

    def fileno(self):
        return self.socket.fileno()

    def send(self, report):
        try:
            self.socket.sendall(struct.pack('>H', len(report)) + report)
        except OSError:
            raise Gone from None

    def receive(self):
        try:
            chunk = self.socket.recv(65536)
        except OSError:
            chunk = b''
        if not chunk:
            raise Gone
        self.rest += chunk
        reports = []
        while len(self.rest) >= 2:
            length = struct.unpack_from('>H', self.rest)[0]
            if len(self.rest) < 2 + length:
                break
            reports.append(self.rest[2:2 + length])
            self.rest = self.rest[2 + length:]
        return reports

    def close(self):
        self.socket.close()


class Udp:
    """One datagram, one report."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)

    def fileno(self):
        return self.socket.fileno()

    def send(self, report):
        try:
            self.socket.send(report)
        except OSError:
            pass

    def receive(self):
        try:
            return [self.socket.recv(4096)]
        except OSError:
            return []

    def close(self):
        self.socket.close()


class Machine:
    """The testbed, the numbers that it gives out, and who is told of changes. One change at a time."""

    def __init__(self, testbed, folder, events):
        self.testbed = testbed
        self.folder = folder
        self.events = events
        self.numbers = itertools.count()
        self.turn = threading.Lock()

    def tell(self, line):
        if self.events is None:
            return
        try:
            os.write(self.events, (line + '\n').encode('ascii'))
        except OSError:
            self.events = None


class FakeNode:
    """A device in the testbed, plugged in or not."""

    def __init__(self, machine, port):
        self.machine = machine
        self.testbed = machine.testbed
        self.port = port
        self.records = os.path.join(machine.folder, f'hidraw-{port}.ioctl')
        self.index = 0
        self.fd = None

    def plug(self):
        with self.machine.turn:
            self.index = next(self.machine.numbers)
            node = f'/dev/hidraw{self.index}'
            with open(self.records, 'w', encoding='ascii') as file:
                file.write(ioctl_records(node))
            # Adding announces every device as the kernel would; removing has to be announced by hand.
            self.testbed.add_from_string('\n'.join(devices(self.port, self.index).values()))
            self.testbed.load_ioctl(node, self.records)
            self.fd = self.testbed.get_dev_fd(node)
            self.machine.tell(f'plugged {self.port} {node}')

    def unplug(self):
        with self.machine.turn:
            stale = self.stale_link()
            for path in reversed(devices(self.port, self.index)):
                self.testbed.uevent('/sys' + path, 'remove')
                self.testbed.remove_device('/sys' + path)
            # Whoever still has the node open has to notice: this end of the terminal goes away.
            os.close(self.fd)
            self.fd = None
            if stale is not None:
                # Gone already where the whole testbed is being taken down.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(stale)
            self.machine.tell(f'unplugged {self.port}')

    def stale_link(self):
        """The note that umockdev makes of a terminal and leaves behind: when the kernel hands the same terminal out again,
        making the note a second time would end the bridge."""
        dev = os.path.join(self.testbed.get_root_dir(), 'dev')
        try:
            terminal = os.readlink(os.path.join(dev, f'hidraw{self.index}'))
        except OSError:
            return None
        note = os.path.join(dev, '.ptymap', terminal.replace('/', '_'))
        return note if os.path.islink(note) else None

    def is_open(self):
        """Whether some process has the node open; until then nobody would read a report."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))


def pump(node, wire):
    """Carries reports both ways until the authenticator is gone."""
    written = b''
    while True:
        is_open = node.is_open()
        watched = [wire, node.fd] if is_open else [wire]
        readable, _, _ = select.select(watched, [], [], 0.5 if is_open else 0.02)
        if node.fd in readable:
            try:
                written += os.read(node.fd, 4096)
            except OSError:
                written = b''
            while len(written) > REPORT:
                # hidraw wants the report id in front, 0 where there are none.
                wire.send(written[1:1 + REPORT])
                written = written[1 + REPORT:]
        elif not is_open:
            written = b''
        if wire in readable:
            reports = wire.receive()
            if node.is_open():
                for report in reports:
                    os.write(node.fd, report)


def plugged_in(wire):
    """Whether the authenticator is: one that is pulled out takes a connection only to end it."""
    if not select.select([wire], [], [], 0.05)[0]:
        return True
    wire.close()
    return False


def serve(node, connect, wire):
    """Keeps the node in step with the authenticator for ever. `wire` is None while it is not plugged in."""
    while True:
        while wire is None:
            time.sleep(0.1)
            try:
                wire = connect()
            except OSError:
                continue
            if plugged_in(wire):
                node.plug()
            else:
                wire = None
        try:
            pump(node, wire)
        except Gone:
            wire.close()
        wire = None
        node.unplug()


def end_without_reader(events):
    """Tells this process to end when nobody reads the events any more: whoever started it is gone, however that came."""
    poll = select.poll()
    # Nothing is waited for but the errors and the hang-up that poll(2) always tells.
    poll.register(events, 0)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)


SIGNALS = (signal.SIGTERM, signal.SIGINT)
# From the terminal, to the whole group: COMMAND has it already.
SI_KERNEL = 0x80


def die_with_parent(number):
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def attend(pid, last_word=None):
    """Passes signals on to the child `pid` until it ends. Signals have to be blocked before. Returns its exit status."""
    awaited = {signal.SIGCHLD, *SIGNALS} | ({last_word} if last_word else set())
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        info = signal.sigwaitinfo(awaited)
        if info.si_signo == last_word:
            # The bridge has died: each of its threads says so, and COMMAND shall hear it once.
            os.kill(pid, signal.SIGTERM)
            last_word = None
        elif info.si_signo in SIGNALS and info.si_code != SI_KERNEL:
            os.kill(pid, info.si_signo)


def keep(command):
    """Stands between the bridge, which has many threads, and COMMAND: a process with one thread. Never returns."""
    last_word = signal.SIGUSR1
    status = CANNOT_START
    try:
        die_with_parent(last_word)
        # An open end of the testbed's terminals here would keep a device from going away.
        os.closerange(3, os.sysconf('SC_OPEN_MAX'))

        def prepare():
            die_with_parent(signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # Kept: a Popen that is thrown away takes the exit status of a child that has ended by then along.
        child = subprocess.Popen(command, preexec_fn=prepare)
        status = attend(child.pid, last_word)
    except (OSError, subprocess.SubprocessError) as error:
        print(f'bridge: {error}', file=sys.stderr)
    sys.stderr.flush()
    os._exit(status)


def address_of(text):
    host, _, port = text.rpartition(':')
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f'{text} is not HOST:PORT')
    return host, int(port)


def parse(argv):
    parser = argparse.ArgumentParser(description='Runs COMMAND with a virtual authenticator as /dev/hidraw0.')
    for option, wire in (('--tcp', Tcp), ('--udp', Udp)):
        parser.add_argument(option, type=lambda text, wire=wire: (wire, address_of(text)), metavar='HOST:PORT',
                            action='append', dest='authenticators')
    parser.add_argument('--events-fd', type=int, metavar='N')
    parser.add_argument('command', nargs='+', metavar='COMMAND')
    options = parser.parse_args(argv)
    if not options.authenticators:
        parser.error('give --tcp or --udp')
    return options


def main():
    options = parse(sys.argv[1:])
    if os.environ.get(WRAPPED) != '1':
        os.environ[WRAPPED] = '1'
        try:
            os.execvp('umockdev-wrapper', ['umockdev-wrapper', sys.executable, *sys.argv])
        except OSError as error:
            sys.exit(f'bridge: umockdev-wrapper: {error.strerror} (Debian package umockdev)')
    del os.environ[WRAPPED]
    folder = tempfile.mkdtemp(prefix='unlockd-bridge-')
    status = CANNOT_START
    # Before there are threads, so that none of them takes a signal that is waited for.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGUSR1, *SIGNALS})
    try:
        import gi
        gi.require_version('UMockdev', '1.0')
        from gi.repository import UMockdev

        def connect(kind, address):
            try:
                return kind(address)
            except OSError as error:
                at = ':'.join(str(part) for part in address)
                raise OSError(f'no authenticator answers at {at}: {error.strerror or error}') from error

        testbed = UMockdev.Testbed.new()
        machine = Machine(testbed, folder, options.events_fd)
        served = []
        for port, (kind, address) in enumerate(options.authenticators, 1):
            wire = connect(kind, address)
            node = FakeNode(machine, port)
            if kind is Udp or plugged_in(wire):
                node.plug()
            else:
                wire = None
            served.append((node, functools.partial(connect, kind, address), wire))
        keeper = os.fork()
        if keeper == 0:
            keep(options.command)
        for each in served:
            threading.Thread(target=serve, args=each, daemon=True).start()
        if options.events_fd is not None:
            threading.Thread(target=end_without_reader, args=(options.events_fd,), daemon=True).start()
        status = attend(keeper)
        shutil.rmtree(testbed.get_root_dir(), ignore_errors=True)
    except (ImportError, ValueError, OSError) as error:
        print(f'bridge: {error}', file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.flush()
    os._exit(status)


main()
