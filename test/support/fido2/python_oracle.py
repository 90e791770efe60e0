"""A foreign client as oracle: what python-fido2 gets of a credential that somebody else enrolled.

Usage: python_oracle.py PORT, a JSON object on standard input: rpId, credentialId, publicKey, salt (hexadecimal), protocol,
pin (empty: no user verification). The authenticator is on the UDP port. Prints the hmac-secret output, hexadecimal.
It knows nothing of this project; python-fido2 verifies the assertion by its own code.
"""
import json
import socket
import sys

from fido2 import cbor
from fido2.cose import CoseKey
from fido2.ctap2 import Ctap2
from fido2.ctap2.extensions import HmacSecretExtension
from fido2.ctap2.pin import ClientPin, PinProtocolV1, PinProtocolV2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

HASH = bytes(range(32))


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


def main():
    port = int(sys.argv[1])
    asked = json.load(sys.stdin)
    descriptor = HidDescriptor('udp:%d' % port, 0x1209, 0xBEEE, 64, 64)
    ctap = Ctap2(CtapHidDevice(descriptor, UdpConnection(port)))
    protocol = PinProtocolV1() if asked['protocol'] == 1 else PinProtocolV2()
    verification = {}
    if asked['pin']:
        client = ClientPin(ctap, protocol)
        token = client.get_pin_token(asked['pin'], ClientPin.PERMISSION.GET_ASSERTION, asked['rpId'])
        verification = {'pin_uv_param': protocol.authenticate(token, HASH), 'pin_uv_protocol': asked['protocol']}
    extension = HmacSecretExtension(ctap, protocol)
    salts = {'hmacGetSecret': {'salt1': bytes.fromhex(asked['salt'])}}
    allow = [{'type': 'public-key', 'id': bytes.fromhex(asked['credentialId'])}]
    got = ctap.get_assertion(asked['rpId'], HASH, allow_list=allow,
                             extensions={'hmac-secret': extension.process_get_input(salts)}, **verification)
    got.verify(HASH, CoseKey.parse(cbor.decode(bytes.fromhex(asked['publicKey']))))
    print(extension.process_get_output(got.auth_data)['hmacGetSecret']['output1'].hex())


main()
