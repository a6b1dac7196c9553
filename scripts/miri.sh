#!/usr/bin/env bash
# The engine's tests under Miri, which finds undefined behaviour; some minutes. Its floats are made as precise as the
# processor's, because a second run must give the same answer.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
nightly miri
nightly rust-src
MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-deterministic-floats" \
  cargo +nightly miri test -p jicho --no-default-features --target-dir target/miri --test engine --test damage
