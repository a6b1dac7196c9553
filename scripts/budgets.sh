#!/usr/bin/env bash
# Prints what has a limit in scripts/budgets.json, and fails where a size exceeds it. BUDGET_SECONDS, where set, is
# compared with the limit of the tests' seconds.
set -euo pipefail
source "$(dirname "$0")/common.sh"
exec node scripts/budgets.mjs
