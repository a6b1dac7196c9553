#!/usr/bin/env bash
# All that `./build.sh test` runs a seeded slice of, some twenty minutes: publishers killed at many moments, many channels in
# one folder, tabs killed while a vault rotates, and every case of the fault matrix.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
say "publishers killed, to a folder and to a bucket"
JICHO_KILLS=${JICHO_KILLS:-200} cargo test --workspace --test cli -- kill:: --nocapture
say "a service killed while sales and photos come in"
JICHO_KILLS=${JICHO_KILLS:-200} cargo test --workspace --test cli -- service::what_was_answered --nocapture
say "channels in one folder"
JICHO_CHANNELS=${JICHO_CHANNELS:-1000} cargo test --workspace --test cli -- channels:: --nocapture
browser
scripts/companion.sh
scripts/pkg.sh
node_packages
cd tests/browser
say "tabs killed while a vault rotates and adds"
JICHO_KILLS=${JICHO_VAULT_KILLS:-50} node --test vault-kills.test.mjs
say "hosts and devices that misbehave, in Chromium"
JICHO_BIN=$JICHO npm run --silent faults
