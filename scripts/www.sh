#!/usr/bin/env bash
# Builds the app www/dist from the packed npm package, as any user of the package would.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
scripts/pkg.sh
node_packages
(cd www && npm run --silent build)
# Static hosts and `jicho serve` send the compressed twin where a browser takes it: the wasm shrinks to a quarter.
find www/dist -type f \( -name '*.wasm' -o -name '*.js' -o -name '*.css' \) -exec gzip -9 -k -f {} +
