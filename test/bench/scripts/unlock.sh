#!/bin/sh
# The two-factor unlock with tpm2-tools, step by step what the daemon asks of the TPM: the root key is recognised, the
# epoch read, the policy satisfied and the secret unsealed, all in one session salted to the root key. The PIN is judged
# where it is proved in the policy, as the daemon does it.
# What the variables and files are, tools-unlock.ts says. Without a resource manager the three slots are freed by hand.
set -e
# The lockout's parameters, the root key, the epoch.
tpm2 getcap properties-variable >/dev/null
tpm2 readpublic -Q -c "$ROOT" -n found.name
cmp -s found.name root.name
tpm2 startauthsession -S hmac.session --hmac-session -c "$ROOT"
tpm2 sessionconfig hmac.session --enable-encrypt --enable-decrypt
tpm2 nvread -C "$COUNTER" -s 8 -o epoch.found "$COUNTER"
# The policy, the PIN first.
tpm2 startauthsession -S policy.session --policy-session
tpm2 loadexternal -Q -C o -u authority.pub -c authority.ctx
tpm2 verifysignature -Q -c authority.ctx -d approved.hash -s approved.signature -t approved.ticket
tpm2 flushcontext -t
for factor in $ORDER; do
  case $factor in pin) value=$PIN_AUTH ;; *) value=$KEY_AUTH ;; esac
  tpm2 load -Q -C "$ROOT" -u $factor.pub -r $factor.priv -c $factor.ctx
  tpm2 policysecret -Q -S policy.session -x -c $factor.ctx "session:hmac.session+hex:$value"
  tpm2 flushcontext -t
done
tpm2 policynv -Q -S policy.session -C "$COUNTER" -i epoch "$COUNTER" ule
tpm2 policyauthorize -Q -S policy.session -i approved.policy -q "$POLICY_REF" -n authority.name -t approved.ticket
tpm2 load -Q -C "$ROOT" -u sealed.pub -r sealed.priv -c sealed.ctx
tpm2 unseal -c sealed.ctx -p session:policy.session -S hmac.session
tpm2 flushcontext -t
tpm2 flushcontext policy.session
tpm2 flushcontext hmac.session
