#!/usr/bin/env bash
# Speed, size and memory against onnxruntime-web and tfjs, side by side in one run. `bench.sh --help` lists the options.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
browser
onnxruntime_python
node_packages bench
scripts/companion.sh
# With the profile that the companion has.
cargo build -p jicho --no-default-features --example engine_time --target-dir target/bench/native
scripts/wasm.sh bench
scripts/pkg.sh --no-pack
say "benchmark"
node tests/bench/bench.mjs "$@"
