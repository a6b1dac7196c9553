#!/usr/bin/env bash
# Prints the sizes that have a limit in scripts/budgets.json, and fails where one is exceeded. BUDGET_SECONDS, where set, is
# held against the limit of the tests' seconds.
set -euo pipefail
source "$(dirname "$0")/common.sh"
exec node scripts/budgets.mjs
