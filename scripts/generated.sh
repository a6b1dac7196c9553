#!/usr/bin/env bash
# Writes the files that are generated from the Rust sources. Tests fail while one of them differs from its source.
set -euo pipefail
source "$(dirname "$0")/common.sh"

say "TypeScript of what crosses the wasm boundary"
UPDATE_TYPES=1 cargo test --quiet --workspace --lib boundary
