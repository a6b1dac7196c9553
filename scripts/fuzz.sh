#!/usr/bin/env bash
# Looks for inputs that break the parsers and the engine, `fuzz.sh SECONDS` in all (3600 by default), one target after
# another. Inputs found on the way stay in target/fuzz/corpus; the committed seeds are in fuzz/corpus.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh

# Each target with its percentage of the time.
SHARES="plan:32 onnx:16 engine:11 manifest:7 vault:6 export:6 lesson:5 space:4 head:4 photo:5 dataset:4"

seconds=${1:-3600}
nightly rust-src
[ -x .tools/bin/cargo-fuzz ] || cargo install cargo-fuzz --root .tools --quiet
for entry in $SHARES; do
  target=${entry%:*}
  say "fuzzing $target"
  mkdir -p "target/fuzz/corpus/$target"
  options=(-max_len=8192 -timeout=20 -rss_limit_mb=2048 -max_total_time=$((seconds * ${entry#*:} / 100)))
  [ ! -f "fuzz/dictionaries/$target.dict" ] || options+=("-dict=fuzz/dictionaries/$target.dict")
  features=()
  case "$target" in
    onnx) features=(--features onnx) ;;
    photo | dataset) features=(--features dataset) ;;
  esac
  PATH="$PWD/.tools/bin:$PATH" cargo +nightly fuzz run --fuzz-dir fuzz --target-dir target/fuzz "${features[@]}" "$target" \
    "target/fuzz/corpus/$target" "fuzz/corpus/$target" -- "${options[@]}"
done
