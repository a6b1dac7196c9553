#!/usr/bin/env bash
# The one entrance to building, demonstrating, testing and measuring Jicho: `./build.sh COMMAND` runs one of the scripts in
# scripts/. Every command installs what it lacks and may be run alone, from any folder.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'TXT'
usage: ./build.sh COMMAND

The two that do everything:
  demo         builds all, draws sample photos, trains a channel, serves the app and prints its address
  test         every test: Rust, wasm in Chromium and Firefox, npm package, browser end to end

While working:
  check        format, lints, types, documents and generated files; under two minutes once everything is built
  format       formats Rust, TypeScript and JavaScript in place
  test PART    one part of `test`: lint, rust, neon, wasm, pkg or browser
  budgets      prints the sizes that have a limit (scripts/budgets.json), and fails when one is exceeded
  generated    writes the files that are generated from the Rust sources

Builds:
  build        companion, wasm, npm package and app
  companion    the native program, target/debug/jicho
  wasm [NAME…] the wasm modules: scalar, simd, relaxed, vault, tract (all of these by default) and unsealed (tests only)
  pkg          the npm package, pkg/jicho-*.tgz
  www          the app, www/dist

Longer runs:
  faults       all of what `test` runs a slice of: publishers killed, 1,000 channels, hosts and devices that misbehave
  api          requests that schemathesis makes of the API's description: no 5xx, and no answer that it does not tell of
  bundlers     the npm package in the bundlers that `test` leaves out: Parcel, Rollup, vite-plugin-pwa
  fuzz SECONDS looks for inputs that break the parsers and the engine (3600 seconds by default)
  miri         the engine's tests under Miri, which finds undefined behaviour
  bench        speed, size and memory against onnxruntime-web and tfjs; `bench --help` lists the options
  accuracy     what training reaches on the Grocery Store Dataset, whose folder the variable GROCERY names
  python       installs Python's onnxruntime and Pillow into .tools/python, which tests and the benchmark compare with
TXT
}

command=${1:-help}
[ $# -eq 0 ] || shift
case "$command" in
  demo | test | check | format | budgets | generated | api | build | companion | wasm | pkg | www | faults | bundlers | fuzz | miri | bench | accuracy | python)
    exec "scripts/$command.sh" "$@"
    ;;
  help | --help | -h) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
