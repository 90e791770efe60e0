"""tpm2-tss' ESAPI as a program that reads one JSON object a line and writes one back: an implementation of the
TPM's host side that knows nothing of ours. Byte strings travel as hexadecimal; objects, sessions and NV indexes are
called by the tag that the caller gave them.

A request is {"op": name, ...}. An answer is {"ok": {...}}, {"rc": TPM_RC} when the TPM refused, or {"error": text}.
"""

import json
import sys
import traceback

from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_ALG,
    TPM2_SE,
    TPM2B_DIGEST,
    TPM2B_NV_PUBLIC,
    TPM2B_PRIVATE,
    TPM2B_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPM2B_SENSITIVE_DATA,
    TPMA_SESSION,
    TPML_DIGEST,
    TPML_PCR_SELECTION,
    TPMS_NV_PUBLIC,
    TPMS_SENSITIVE_CREATE,
    TPMT_PUBLIC,
    TPMT_SIG_SCHEME,
    TPMT_SIGNATURE,
    TPMT_SYM_DEF,
    TPMT_TK_HASHCHECK,
    TPMT_TK_VERIFIED,
    TPMU_SYM_KEY_BITS,
    TPMU_SYM_MODE,
    TSS2_Exception,
)
from tpm2_pytss.types import TPM2B_OPERAND

# The binding wants the entity of PolicySecret to be a hierarchy (version 1.2); the library itself takes any object.
sys.modules["tpm2_pytss.ESAPI"]._check_friendly_int = lambda *_: None

HIERARCHIES = {
    0x40000001: ESYS_TR.OWNER,
    0x40000007: ESYS_TR.NULL,
    0x4000000A: ESYS_TR.LOCKOUT,
    0x4000000B: ESYS_TR.ENDORSEMENT,
    0x4000000C: ESYS_TR.PLATFORM,
}


def raw(text):
    return bytes.fromhex(text or "")


def text(value):
    return bytes(value).hex()


def public_of(hexadecimal):
    area, _ = TPMT_PUBLIC.unmarshal(raw(hexadecimal))
    return TPM2B_PUBLIC(publicArea=area)


def sensitive_of(request):
    return TPM2B_SENSITIVE_CREATE(
        sensitive=TPMS_SENSITIVE_CREATE(
            userAuth=raw(request.get("authValue")),
            data=TPM2B_SENSITIVE_DATA(buffer=raw(request.get("data"))),
        )
    )


class Program:
    def __init__(self, tcti):
        self.esys = ESAPI(tcti)
        self.handles = {}

    # -- helpers ---------------------------------------------------------------------------------------------------

    def tr(self, name):
        """A tag, or the number of a hierarchy."""
        return HIERARCHIES[name] if isinstance(name, int) else self.handles[name]

    def keep(self, request, handle):
        self.handles[request["tag"]] = handle
        return text(self.esys.tr_get_name(handle))

    def authorise(self, name, request, field="auth"):
        """Sets the authValue that the next command proves, and says with which session it does."""
        handle = self.tr(name)
        if field in request:
            self.esys.tr_set_auth(handle, raw(request[field]))
        return handle

    def session(self, request, field="session"):
        return self.handles[request[field]] if field in request else ESYS_TR.PASSWORD

    # -- the TPM as a device ---------------------------------------------------------------------------------------

    def startup(self, r):
        self.esys.startup(r["type"])
        return {}

    def shutdown(self, r):
        self.esys.shutdown(r["type"])
        return {}

    def get_random(self, r):
        return {"bytes": text(self.esys.get_random(r["count"]))}

    def get_properties(self, r):
        _, data = self.esys.get_capability(6, r["first"], r["count"])
        return {"properties": [[int(p.property), int(p.value)] for p in data.data.tpmProperties]}

    def get_handles(self, r):
        _, data = self.esys.get_capability(1, r["first"], 64)
        return {"handles": [int(h) for h in data.data.handles]}

    def get_capability(self, r):
        self.esys.get_capability(r["capability"], r["first"], 1)
        return {}

    def hierarchy_change_auth(self, r):
        handle = self.authorise(r["hierarchy"], r)
        try:
            self.esys.hierarchy_change_auth(handle, raw(r["newAuth"]))
        finally:
            self.esys.tr_set_auth(handle, b"")
        return {}

    def da_lock_reset(self, r):
        self.esys.dictionary_attack_lock_reset(self.authorise(0x4000000A, r))
        return {}

    def da_parameters(self, r):
        handle = self.authorise(0x4000000A, r)
        self.esys.dictionary_attack_parameters(
            r["maxTries"], r["recoveryTime"], r["lockoutRecovery"], lock_handle=handle
        )
        return {}

    # -- objects ---------------------------------------------------------------------------------------------------

    def create_primary(self, r):
        parent = self.authorise(r["hierarchy"], r)
        try:
            handle, public, *_ = self.esys.create_primary(sensitive_of(r), public_of(r["public"]), parent)
        finally:
            self.esys.tr_set_auth(parent, b"")
        return {"name": self.keep(r, handle), "public": text(public.publicArea.marshal())}

    def create(self, r):
        parent = self.authorise(r["parent"], r)
        try:
            private, public, *_ = self.esys.create(parent, sensitive_of(r), public_of(r["public"]))
        finally:
            self.esys.tr_set_auth(parent, b"")
        return {"private": text(private.buffer), "public": text(public.publicArea.marshal())}

    def load(self, r):
        handle = self.esys.load(
            self.tr(r["parent"]), TPM2B_PRIVATE(buffer=raw(r["private"])), public_of(r["public"])
        )
        return {"name": self.keep(r, handle)}

    def load_external(self, r):
        handle = self.esys.load_external(public_of(r["public"]), hierarchy=self.tr(r["hierarchy"]))
        return {"name": self.keep(r, handle)}

    def read_public(self, r):
        public, name, qualified = self.esys.read_public(self.tr(r["object"]))
        return {"public": text(public.publicArea.marshal()), "name": text(name.name), "qualified": text(qualified.name)}

    def from_handle(self, r):
        """TPM2_ReadPublic or TPM2_NV_ReadPublic of what is in the TPM already."""
        return {"name": self.keep(r, self.esys.tr_from_tpmpublic(r["handle"]))}

    def evict_control(self, r):
        result = self.esys.evict_control(ESYS_TR.OWNER, self.tr(r["object"]), r["persistent"])
        if result == ESYS_TR.NONE:
            del self.handles[r["object"]]
            return {"name": ""}
        return {"name": self.keep(r, result)}

    def unseal(self, r):
        handle = self.authorise(r["object"], r)
        data = self.esys.unseal(handle, session1=self.session(r))
        return {"data": text(data.buffer)}

    def object_change_auth(self, r):
        handle = self.authorise(r["object"], r)
        private = self.esys.object_change_auth(handle, self.tr(r["parent"]), raw(r["newAuth"]))
        return {"private": text(private.buffer)}

    # -- signatures ------------------------------------------------------------------------------------------------

    def sign(self, r):
        key = self.authorise(r["key"], r)
        ticket, _ = TPMT_TK_HASHCHECK.unmarshal(raw("8024400000070000"))
        signature = self.esys.sign(key, raw(r["digest"]), TPMT_SIG_SCHEME(scheme=TPM2_ALG.NULL), ticket)
        return {"signature": text(signature.marshal())}

    def verify_signature(self, r):
        signature, _ = TPMT_SIGNATURE.unmarshal(raw(r["signature"]))
        ticket = self.esys.verify_signature(self.tr(r["key"]), raw(r["digest"]), signature)
        return {"ticket": text(ticket.marshal())}

    def certify(self, r):
        subject = self.authorise(r["object"], r)
        key = self.authorise(r["key"], r, "keyAuth")
        attest, signature = self.esys.certify(
            subject, key, raw(r["qualifyingData"]), TPMT_SIG_SCHEME(scheme=TPM2_ALG.NULL)
        )
        return {"attest": text(attest.attestationData), "signature": text(signature.marshal())}

    # -- sessions and policies -------------------------------------------------------------------------------------

    def start_auth_session(self, r):
        kind = {"hmac": TPM2_SE.HMAC, "policy": TPM2_SE.POLICY, "trial": TPM2_SE.TRIAL}[r["kind"]]
        symmetric = TPMT_SYM_DEF(
            algorithm=TPM2_ALG.AES, keyBits=TPMU_SYM_KEY_BITS(aes=128), mode=TPMU_SYM_MODE(aes=TPM2_ALG.CFB)
        )
        salt = self.handles[r["salt"]] if "salt" in r else ESYS_TR.NONE
        handle = self.esys.start_auth_session(salt, ESYS_TR.NONE, kind, symmetric, TPM2_ALG.SHA256)
        self.handles[r["tag"]] = handle
        if r.get("encrypt"):
            bits = TPMA_SESSION.ENCRYPT | TPMA_SESSION.DECRYPT | TPMA_SESSION.CONTINUESESSION
            self.esys.trsess_set_attributes(handle, bits)
        return {"nonceTPM": text(self.esys.trsess_get_nonce_tpm(handle))}

    def assertion(self, r):
        return raw(r.get("nonceTPM")), raw(r.get("cpHashA")), raw(r.get("policyRef")), r.get("expiration", 0)

    def policy_secret(self, r):
        entity = self.authorise(r["entity"], r)
        timeout, ticket = self.esys.policy_secret(entity, self.tr(r["policy"]), *self.assertion(r))
        return {"timeout": text(timeout.buffer), "ticket": text(ticket.marshal())}

    def policy_signed(self, r):
        signature, _ = TPMT_SIGNATURE.unmarshal(raw(r["signature"]))
        timeout, ticket = self.esys.policy_signed(
            self.tr(r["key"]), self.tr(r["policy"]), *self.assertion(r), signature
        )
        return {"timeout": text(timeout.buffer), "ticket": text(ticket.marshal())}

    def policy_or(self, r):
        digests = TPML_DIGEST(digests=[TPM2B_DIGEST(buffer=raw(d)) for d in r["digests"]])
        self.esys.policy_or(self.tr(r["policy"]), digests)
        return {}

    def policy_authorize(self, r):
        ticket, _ = TPMT_TK_VERIFIED.unmarshal(raw(r["ticket"]))
        self.esys.policy_authorize(
            self.tr(r["policy"]), raw(r["approvedPolicy"]), raw(r["policyRef"]), raw(r["keyName"]), ticket
        )
        return {}

    def policy_nv(self, r):
        index = self.authorise(r["index"], r)
        operand = TPM2B_OPERAND(buffer=raw(r["operand"]))
        self.esys.policy_nv(index, index, self.tr(r["policy"]), operand, r["operation"], r.get("offset", 0))
        return {}

    def policy_auth_value(self, r):
        self.esys.policy_auth_value(self.tr(r["policy"]))
        return {}

    def policy_pcr(self, r):
        pcrs, _ = TPML_PCR_SELECTION.unmarshal(raw(r["pcrs"]))
        self.esys.policy_pcr(self.tr(r["policy"]), raw(r.get("digest")), pcrs)
        return {}

    def policy_nv_written(self, r):
        self.esys.policy_nv_written(self.tr(r["policy"]), r["written"])
        return {}

    def policy_get_digest(self, r):
        return {"digest": text(self.esys.policy_get_digest(self.tr(r["policy"])).buffer)}

    # -- NV --------------------------------------------------------------------------------------------------------

    def nv_define_space(self, r):
        public, _ = TPMS_NV_PUBLIC.unmarshal(raw(r["public"]))
        owner = self.authorise(0x40000001, r)
        try:
            handle = self.esys.nv_define_space(
                raw(r.get("authValue")), TPM2B_NV_PUBLIC(nvPublic=public), auth_handle=owner
            )
        finally:
            self.esys.tr_set_auth(owner, b"")
        return {"name": self.keep(r, handle)}

    def nv_undefine_space(self, r):
        owner = self.authorise(0x40000001, r)
        try:
            self.esys.nv_undefine_space(self.tr(r["index"]), auth_handle=owner)
        finally:
            self.esys.tr_set_auth(owner, b"")
        del self.handles[r["index"]]
        return {}

    def nv_read_public(self, r):
        public, name = self.esys.nv_read_public(self.tr(r["index"]))
        return {"public": text(public.nvPublic.marshal()), "name": text(name.name)}

    def nv_read(self, r):
        index = self.authorise(r["index"], r)
        return {"data": text(self.esys.nv_read(index, r["size"]).buffer)}

    def nv_increment(self, r):
        index = self.authorise(r["index"], r)
        self.esys.nv_increment(index, auth_handle=index)
        return {}

    # -- the end ---------------------------------------------------------------------------------------------------

    def flush_context(self, r):
        handle = self.handles[r["object"]]
        self.esys.flush_context(handle)
        del self.handles[r["object"]]
        return {}

    def forget_all(self, _):
        """Flushes whatever is there; what a restart of the TPM took away already is forgotten."""
        for handle in self.handles.values():
            try:
                self.esys.flush_context(handle)
            except (TSS2_Exception, RuntimeError):
                try:
                    self.esys.tr_close(handle)
                except (TSS2_Exception, RuntimeError):
                    pass
        self.handles.clear()
        return {}


def main():
    program = Program(sys.argv[1])
    operations = {name for name in vars(Program) if not name.startswith("_")}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] not in operations:
                raise KeyError(request["op"])
            answer = {"ok": getattr(program, request["op"])(request)}
        except TSS2_Exception as error:
            answer = {"rc": int(error.rc)}
        except Exception:  # the caller shows it and fails
            answer = {"error": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    program.esys.close()


main()
