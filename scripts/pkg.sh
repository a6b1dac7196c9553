#!/usr/bin/env bash
# Builds the npm package pkg/jicho-*.tgz from wasm modules that are up to date. `pkg.sh --no-pack` stops before packing.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
scripts/wasm.sh
node_packages
cd pkg
npm run --silent build
[ "${1:-}" = --no-pack ] || npm pack --silent >&2
