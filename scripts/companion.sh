#!/usr/bin/env bash
# Builds the companion: target/debug/jicho. The example beside it brings in the features of the dependencies that tests have:
# without it tract, most of the build's time, would be compiled once for the program and once more for the tests.
set -euo pipefail
source "$(dirname "$0")/common.sh"
need cargo "install Rust from https://rustup.rs"
cargo build --workspace --bin jicho --example recognize
