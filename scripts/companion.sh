#!/usr/bin/env bash
# Builds the companion: target/debug/jicho.
set -euo pipefail
source "$(dirname "$0")/common.sh"
need cargo "install Rust from https://rustup.rs"
cargo build --workspace
