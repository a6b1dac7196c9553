#!/usr/bin/env bash
# What training reaches on the Grocery Store Dataset, whose folder the variable GROCERY names.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
browser
scripts/companion.sh
scripts/pkg.sh --no-pack
node tests/accuracy/accuracy.mjs "$@"
