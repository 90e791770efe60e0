#!/bin/sh
# Seals SECRET under the root key with a PIN and unseals it, in a session salted to the root key: with tpm2-tools.
set -e
tpm2 startauthsession -S session --hmac-session -c "$ROOT"
tpm2 sessionconfig session --enable-encrypt --enable-decrypt
printf %s "$SECRET" | tpm2 create -Q -C "$ROOT" -p "hex:$PIN_AUTH" -i - -u sealed.pub -r sealed.priv
tpm2 load -Q -C "$ROOT" -u sealed.pub -r sealed.priv -c sealed.ctx
tpm2 unseal -c sealed.ctx -p "session:session+hex:$PIN_AUTH"
tpm2 flushcontext -t
tpm2 flushcontext session
