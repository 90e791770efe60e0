"""Makes kdf.json: KDFa, KDFe and AES-128-CFB of TPM 2.0 Part 1 (clauses 11.4.10 and 21.3), with Python's standard
library and the openssl program, which know nothing of this project. Run: python3 make-kdf.py > kdf.json"""
import hashlib
import hmac
import json
import random
import struct
import subprocess

rng = random.Random(20)


def kdfa(name, key, label, u, v, bits):
    out, i = b"", 0
    while len(out) * 8 < bits:
        i += 1
        data = struct.pack(">I", i) + label.encode() + b"\0" + u + v + struct.pack(">I", bits)
        out += hmac.new(key, data, name).digest()
    return out[: (bits + 7) // 8]


def kdfe(name, z, label, u, v, bits):
    out, i = b"", 0
    while len(out) * 8 < bits:
        i += 1
        out += hashlib.new(name, struct.pack(">I", i) + z + label.encode() + b"\0" + u + v).digest()
    return out[: (bits + 7) // 8]


def cfb(key, iv, data):
    command = ["openssl", "enc", "-aes-128-cfb", "-nosalt", "-K", key.hex(), "-iv", iv.hex()]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


ALGS = {"sha1": 4, "sha256": 11, "sha384": 12, "sha512": 13}
out = {"source": "make-kdf.py: Python hmac and hashlib, openssl enc -aes-128-cfb", "kdfa": [], "kdfe": [], "cfb": []}
for name, alg in ALGS.items():
    for label, bits in [("ATH", 256), ("CFB", 256), ("STORAGE", 128), ("DUPLICATE", 1024), ("ATH", 20)]:
        key, u, v = rng.randbytes(rng.randrange(0, 65)), rng.randbytes(32), rng.randbytes(rng.randrange(0, 33))
        out["kdfa"].append({"alg": alg, "key": key.hex(), "label": label, "u": u.hex(), "v": v.hex(), "bits": bits,
                            "out": kdfa(name, key, label, u, v, bits).hex()})
        z = rng.randbytes(32)
        out["kdfe"].append({"alg": alg, "z": z.hex(), "label": "SECRET", "u": u.hex(), "v": v.hex(), "bits": bits,
                            "out": kdfe(name, z, "SECRET", u, v, bits).hex()})
for length in [1, 15, 16, 17, 32, 100]:
    value, newer, older = rng.randbytes(48), rng.randbytes(16), rng.randbytes(32)
    data = rng.randbytes(length)
    derived = kdfa("sha256", value, "CFB", newer, older, 256)
    out["cfb"].append({"value": value.hex(), "newer": newer.hex(), "older": older.hex(), "data": data.hex(),
                       "out": cfb(derived[:16], derived[16:], data).hex()})
print(json.dumps(out, indent=1))
