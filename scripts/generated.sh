#!/usr/bin/env bash
# Writes the files that are generated from the Rust sources. Tests fail while one of them differs from its source.
set -euo pipefail
source "$(dirname "$0")/common.sh"
