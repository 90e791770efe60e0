"""A foreign client: python-fido2 over the UDP port of a virtual authenticator.

Usage: python_fido2_client.py PORT STEP [STEP ...]. Prints one JSON object with what each step gave. It knows nothing of
this project; python-fido2 verifies what comes back by its own code.
"""
import json
import os
import socket
import sys
import threading

from fido2.attestation import PackedAttestation
from fido2.client import ClientError, Fido2Client
from fido2.ctap import CtapError
from fido2.ctap2 import Config, CredentialManagement, Ctap2, FPBioEnrollment, LargeBlobs
from fido2.ctap2.extensions import HmacSecretExtension
from fido2.ctap2.pin import ClientPin, PinProtocolV1, PinProtocolV2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from fido2.utils import sha256

RP = {'id': 'example.org', 'name': 'Example'}
USER = {'id': b'u1', 'name': 'someone', 'displayName': 'Some One'}
ES256 = [{'type': 'public-key', 'alg': -7}]
HASH = bytes(range(32))
SALTS = (b'\x11' * 32, b'\x22' * 32)


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


def connect(port):
    descriptor = HidDescriptor('udp:%d' % port, 0x1209, 0xBEEE, 64, 64)
    return CtapHidDevice(descriptor, UdpConnection(port))


class Steps:
    def __init__(self, port):
        self.device = connect(port)
        self.ctap = Ctap2(self.device)
        self.credential = None

    def pin(self, number):
        return ClientPin(self.ctap, PinProtocolV1() if number == 1 else PinProtocolV2())

    def token(self, pin, protocol, permission):
        return self.pin(protocol).get_pin_token(pin, permission, RP['id'])

    def info(self):
        info = self.ctap.get_info()
        return {'versions': info.versions, 'extensions': info.extensions, 'options': dict(info.options),
                'protocols': info.pin_uv_protocols, 'maxMsgSize': info.max_msg_size}

    def ping(self):
        payload = os.urandom(1024)
        return self.device.ping(payload) == payload

    def wink(self):
        self.device.wink()
        return True

    def set_pin(self, pin, protocol='2'):
        self.pin(int(protocol)).set_pin(pin)
        return True

    def change_pin(self, old, new, protocol='2'):
        self.pin(int(protocol)).change_pin(old, new)
        return True

    def retries(self):
        return self.pin(1).get_pin_retries()[0]

    def wrong_pin(self, pin, protocol='2'):
        return self.token(pin, int(protocol), ClientPin.PERMISSION.GET_ASSERTION) and None

    def make(self, pin='', protocol='2', rk='no'):
        protocol = int(protocol)
        extra = {}
        if pin:
            token = self.token(pin, protocol, ClientPin.PERMISSION.MAKE_CREDENTIAL)
            extra = {'pin_uv_param': self.pin(protocol).protocol.authenticate(token, HASH), 'pin_uv_protocol': protocol}
        waits = []
        made = self.ctap.make_credential(HASH, RP, USER, ES256, extensions={'hmac-secret': True},
                                         options={'rk': True} if rk == 'rk' else None,
                                         on_keepalive=lambda status: waits.append(int(status)), **extra)
        data = made.auth_data
        PackedAttestation().verify(made.att_statement, data, HASH)
        self.credential = data.credential_data
        return {'fmt': made.fmt, 'flags': int(data.flags), 'extensions': data.extensions, 'waits': waits}

    def assertion(self, pin='', protocol='2', salts='0', resident='no'):
        protocol, salts = int(protocol), int(salts)
        extra = {}
        if pin:
            token = self.token(pin, protocol, ClientPin.PERMISSION.GET_ASSERTION)
            extra = {'pin_uv_param': self.pin(protocol).protocol.authenticate(token, HASH), 'pin_uv_protocol': protocol}
        secret = None
        if salts:
            secret = HmacSecretExtension(self.ctap, self.pin(protocol).protocol)
            names = ('salt1', 'salt2')
            extra['extensions'] = {'hmac-secret': secret.process_get_input(
                {'hmacGetSecret': {names[i]: SALTS[i] for i in range(salts)}})}
        allow = None if resident == 'resident' else [
            {'type': 'public-key', 'id': self.credential.credential_id}]
        got = self.ctap.get_assertion(RP['id'], HASH, allow_list=allow, **extra)
        got.verify(HASH, self.credential.public_key)
        result = {'flags': int(got.auth_data.flags), 'counter': got.auth_data.counter,
                  'user': got.user['id'].decode() if got.user else None}
        if secret:
            outputs = secret.process_get_output(got.auth_data)['hmacGetSecret']
            result['outputs'] = [outputs[name].hex() for name in ('output1', 'output2') if name in outputs]
        return result

    def protected(self, level, pin=''):
        extra = {}
        if pin:
            token = self.token(pin, 2, ClientPin.PERMISSION.MAKE_CREDENTIAL)
            extra = {'pin_uv_param': self.pin(2).protocol.authenticate(token, HASH), 'pin_uv_protocol': 2}
        made = self.ctap.make_credential(HASH, RP, USER, ES256, extensions={'credProtect': int(level)}, **extra)
        self.credential = made.auth_data.credential_data
        return {'extensions': made.auth_data.extensions}

    def manage(self, pin):
        protocol = self.pin(2).protocol
        # For the whole key: a token that is bound to a relying party sees only that one.
        token = self.pin(2).get_pin_token(pin, ClientPin.PERMISSION.CREDENTIAL_MGMT)
        management = CredentialManagement(self.ctap, protocol, token)
        metadata = management.get_metadata()
        parties = [rp[CredentialManagement.RESULT.RP]['id'] for rp in management.enumerate_rps()]
        credential = management.enumerate_creds(sha256(RP['id'].encode()))[0]
        identity = credential[CredentialManagement.RESULT.CREDENTIAL_ID]
        management.update_user_info(identity, {'id': USER['id'], 'name': 'renamed', 'displayName': 'Re Named'})
        name = management.enumerate_creds(sha256(RP['id'].encode()))[0][CredentialManagement.RESULT.USER]['name']
        management.delete_cred(identity)
        left = management.get_metadata()[CredentialManagement.RESULT.EXISTING_CRED_COUNT]
        return {'stored': metadata[CredentialManagement.RESULT.EXISTING_CRED_COUNT], 'parties': parties,
                'name': name, 'left': left}

    def config(self, pin):
        def config():
            token = ClientPin(self.ctap, PinProtocolV2()).get_pin_token(pin, ClientPin.PERMISSION.AUTHENTICATOR_CFG)
            return Config(self.ctap, PinProtocolV2(), token)
        config().toggle_always_uv()
        # Last: a key that does not know how long its PIN is wants a new one afterwards.
        config().set_min_pin_length(6)
        info = self.ctap.get_info()
        return {'minPinLength': info.min_pin_length, 'alwaysUv': info.options['alwaysUv']}

    def blobs(self, pin, size):
        token = ClientPin(self.ctap, PinProtocolV2()).get_pin_token(pin, ClientPin.PERMISSION.LARGE_BLOB_WRITE)
        blobs, key, blob = LargeBlobs(self.ctap, PinProtocolV2(), token), os.urandom(32), os.urandom(int(size))
        blobs.put_blob(key, blob)
        same, other = blobs.get_blob(key) == blob, blobs.get_blob(os.urandom(32))
        blobs.delete_blob(key)
        return {'same': same, 'other': other, 'after': blobs.get_blob(key)}

    def fingers(self, pin):
        token = ClientPin(self.ctap, PinProtocolV2()).get_pin_token(pin, ClientPin.PERMISSION.BIO_ENROLL)
        bio = FPBioEnrollment(self.ctap, PinProtocolV2(), token)
        enroller, template, samples = bio.enroll(), None, 0
        while template is None:
            template, samples = enroller.capture(), samples + 1
        bio.set_name(template, 'left thumb')
        names = list(bio.enumerate_enrollments().values())
        bio.remove_enrollment(template)
        return {'samples': samples, 'names': names, 'verified': self.ctap.get_info().options['bioEnroll']}

    def exclude(self):
        self.ctap.make_credential(HASH, RP, USER, ES256, exclude_list=[
            {'type': 'public-key', 'id': self.credential.credential_id}])

    def selection(self):
        self.ctap.selection()
        return True

    def cancel(self):
        event = threading.Event()
        self.ctap.make_credential(HASH, RP, USER, ES256, event=event, on_keepalive=lambda _: event.set())

    def reset(self):
        self.ctap.reset()
        return True


def main():
    steps = Steps(int(sys.argv[1]))
    results = []
    for text in sys.argv[2:]:
        name, *arguments = text.split(':')
        try:
            results.append(getattr(steps, name)(*arguments))
        except CtapError as error:
            results.append({'error': int(error.code)})
    print(json.dumps(results))


main()
