#!/usr/bin/env bash
# Builds an app with the bundlers that `./build.sh test` leaves out because they are large, and runs what they built.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
browser
scripts/pkg.sh
node_packages bundlers
cd tests/bundlers
npm test --silent
