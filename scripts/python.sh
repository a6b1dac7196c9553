#!/usr/bin/env bash
# Installs Python's onnxruntime into .tools/python, for tests and benchmark.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
onnxruntime_python
