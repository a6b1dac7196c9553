# Shared by every script of this folder: strict mode, the repository's root as working folder, paths, and small helpers.
# Sourced, never run: `source "$(dirname "$0")/common.sh"`.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The profile that the companion is built with, and that most tests share (docs/decisions/007-profile.md).
# shellcheck disable=SC2034 # scripts that source this file use it
JICHO=$PWD/target/debug/jicho
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
CHROMEDRIVER=${CHROMEDRIVER:-/usr/bin/chromedriver}
# The interpreter with onnxruntime, which some tests and the benchmark compare with (`./build.sh python`).
# shellcheck disable=SC2034
PYTHON=$PWD/.tools/python/bin/python
export CHROMIUM CHROMEDRIVER

# A heading on stderr: stdout belongs to data and to the test runners.
say() { printf '\n== %s\n' "$*" >&2; }

# Stops with advice when the command $1 is missing.
need() {
  command -v "$1" >/dev/null || {
    echo "build.sh: $1 is missing: $2" >&2
    exit 1
  }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Installs Debian packages.
apt_install() {
  local apt="apt-get -o DPkg::Lock::Timeout=300 -qq"
  # shellcheck disable=SC2086 # the options are words of their own
  as_root $apt update
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive $apt install -y "$@" >/dev/null
}

# Runs the command $2… as the step called $1 and writes its seconds to the file STEP_LOG, for `step_table`.
STEP_LOG=${STEP_LOG:-$(mktemp)}
export STEP_LOG
step() {
  local name=$1 started=$SECONDS
  shift
  say "$name"
  "$@"
  printf '%d\t%s\n' $((SECONDS - started)) "$name" >>"$STEP_LOG"
}

# Prints how long each step took. Steps of two lanes overlap, so their sum may exceed the whole, $1 seconds.
step_table() {
  printf '\n%8s  %s\n' seconds step >&2
  awk -F '\t' '{ printf "%8d  %s\n", $1, $2 }' "$STEP_LOG" >&2
  printf '%8d  %s\n' "$1" "in all" >&2
}
