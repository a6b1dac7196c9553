#!/usr/bin/env bash
# Builds everything: companion, wasm modules, npm package and app.
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/companion.sh
scripts/www.sh
