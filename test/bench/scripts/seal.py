"""Seals under the root key with a PIN and unseals, in a session salted to the root key: with tpm2-tss' ESAPI.

Arguments: a TCTI string and the handle of the root key. Each line on standard input is {"auth", "secret"} in hexadecimal
for one round; the answer is {"ms"}: what the round took inside this process, without the pipe.
"""

import json
import sys
import time

from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_ALG,
    TPM2_SE,
    TPM2B_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPM2B_SENSITIVE_DATA,
    TPMA_OBJECT,
    TPMA_SESSION,
    TPMS_SENSITIVE_CREATE,
    TPMT_PUBLIC,
    TPMT_SYM_DEF,
    TPMU_SYM_KEY_BITS,
    TPMU_SYM_MODE,
)

SYMMETRIC = TPMT_SYM_DEF(
    algorithm=TPM2_ALG.AES, keyBits=TPMU_SYM_KEY_BITS(aes=128), mode=TPMU_SYM_MODE(aes=TPM2_ALG.CFB)
)
ATTRIBUTES = TPMA_OBJECT.FIXEDTPM | TPMA_OBJECT.FIXEDPARENT | TPMA_OBJECT.USERWITHAUTH
BOTH_WAYS = TPMA_SESSION.ENCRYPT | TPMA_SESSION.DECRYPT | TPMA_SESSION.CONTINUESESSION


def template():
    area = TPMT_PUBLIC(type=TPM2_ALG.KEYEDHASH, nameAlg=TPM2_ALG.SHA256, objectAttributes=ATTRIBUTES)
    area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG.NULL
    return TPM2B_PUBLIC(publicArea=area)


def seal_and_unseal(esys, root, auth, secret):
    session = esys.start_auth_session(root, ESYS_TR.NONE, TPM2_SE.HMAC, SYMMETRIC, TPM2_ALG.SHA256)
    esys.trsess_set_attributes(session, BOTH_WAYS)
    sensitive = TPM2B_SENSITIVE_CREATE(
        sensitive=TPMS_SENSITIVE_CREATE(userAuth=auth, data=TPM2B_SENSITIVE_DATA(buffer=secret))
    )
    private, public, *_ = esys.create(root, sensitive, template(), session1=session)
    sealed = esys.load(root, private, public, session1=session)
    esys.tr_set_auth(sealed, auth)
    data = esys.unseal(sealed, session1=session)
    esys.flush_context(sealed)
    esys.flush_context(session)
    if bytes(data.buffer) != secret:
        sys.exit("another secret came back")


def main():
    esys = ESAPI(sys.argv[1])
    root = esys.tr_from_tpmpublic(int(sys.argv[2], 16))
    for line in sys.stdin:
        request = json.loads(line)
        auth, secret = bytes.fromhex(request["auth"]), bytes.fromhex(request["secret"])
        before = time.perf_counter()
        seal_and_unseal(esys, root, auth, secret)
        print(json.dumps({"ms": (time.perf_counter() - before) * 1000}), flush=True)
    esys.close()


main()
