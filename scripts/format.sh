#!/usr/bin/env bash
# Formats Rust, TypeScript and JavaScript in place.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
cargo fmt --all
node_packages
npm run --silent format
