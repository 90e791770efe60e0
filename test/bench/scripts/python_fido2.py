"""python-fido2 for the FIDO2 lanes: python_fido2.py PORT PIN. One operation a line of standard input (get-info, make-credential,
get-assertion, get-assertion-pin-hmac), one line with its milliseconds as answer. Whatever comes back is verified, as the
client that it is compared with does. The connection is a UDP socket, a report a datagram.
"""
import os
import socket
import sys
import time

from fido2.attestation import PackedAttestation
from fido2.ctap2 import Ctap2
from fido2.ctap2.extensions import HmacSecretExtension
from fido2.ctap2.pin import ClientPin, PinProtocolV2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

RP = {'id': 'unlockd', 'name': 'unlockd'}
USER = {'id': b'user-0001', 'name': 'user 1'}
ES256 = [{'type': 'public-key', 'alg': -7}]


class UdpConnection(CtapHidConnection):
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(('127.0.0.1', port))
        self.socket.settimeout(20)

    def read_packet(self):
        return self.socket.recv(64)

    def write_packet(self, data):
        self.socket.send(data)

    def close(self):
        self.socket.close()


port, pin = int(sys.argv[1]), sys.argv[2]
device = CtapHidDevice(HidDescriptor('udp', 0x1209, 0xBEEE, 64, 64), UdpConnection(port))
ctap = Ctap2(device)
protocol = PinProtocolV2()
credential = None


def make(hash):
    made = ctap.make_credential(hash, RP, USER, ES256, extensions={'hmac-secret': True})
    PackedAttestation().verify(made.att_statement, made.auth_data, hash)
    return made.auth_data.credential_data


def assertion(hash, **extra):
    allow = [{'type': 'public-key', 'id': credential.credential_id}]
    got = ctap.get_assertion(RP['id'], hash, allow_list=allow, **extra)
    got.verify(hash, credential.public_key)
    return got


def with_pin_and_hmac(hash, salt):
    token = ClientPin(ctap, protocol).get_pin_token(pin, ClientPin.PERMISSION.GET_ASSERTION, RP['id'])
    secret = HmacSecretExtension(ctap, protocol)
    inputs = {'hmac-secret': secret.process_get_input({'hmacGetSecret': {'salt1': salt}})}
    got = assertion(hash, extensions=inputs, pin_uv_param=protocol.authenticate(token, hash), pin_uv_protocol=2)
    output = secret.process_get_output(got.auth_data)['hmacGetSecret']['output1']
    assert len(output) == 32 and got.auth_data.flags & 4


OPERATIONS = {
    'get-info': lambda hash, salt: ctap.get_info(),
    'make-credential': lambda hash, salt: make(hash),
    'get-assertion': lambda hash, salt: assertion(hash),
    'get-assertion-pin-hmac': with_pin_and_hmac,
}
credential = make(os.urandom(32))
print('ready', flush=True)
for line in sys.stdin:
    operation, hash, salt = OPERATIONS[line.strip()], os.urandom(32), os.urandom(32)
    before = time.perf_counter_ns()
    operation(hash, salt)
    print((time.perf_counter_ns() - before) / 1e6, flush=True)
