#!/usr/bin/env bash
# Every test, or one part of them: lint, rust, neon, wasm, pkg or browser. The last lines tell the seconds of each step; a
# recent table stands in CONTRIBUTING.md.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
source scripts/wasm-flags.sh

# What a part needs from outside, asked for before anything runs side by side.
test_tools() {
  browser
  arm_tools
  (firefox) || true
  node_packages
  newcomer_tools
  # Without onnxruntime the comparisons with it say that they are skipped.
  (onnxruntime_python) || say "Python's onnxruntime cannot be installed here"
}

test_lint() { scripts/check.sh lint; }

test_rust() { JICHO_PYTHON=$PYTHON cargo test --workspace --no-fail-fast; }

# The engine on a 64-bit ARM, emulated.
test_neon() {
  arm_tools
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
    cargo test -p jicho --no-default-features --target aarch64-unknown-linux-gnu --target-dir target/neon --test engine
}

test_wasm() {
  wasm_tools
  browser
  # The folder of the module with tract, so that tract is compiled once.
  local cargo_test=(cargo test -p jicho --target wasm32-unknown-unknown --target-dir target/wasm-tract)
  "${cargo_test[@]}" --test channel --test store --test parity --test vault_store --test quality
  if firefox; then
    say "the stores in Firefox"
    env -u CHROMEDRIVER GECKODRIVER="$PWD/.tools/bin/geckodriver" "${cargo_test[@]}" --test store --test vault_store
  else
    say "skipped: the stores in Firefox, which cannot be installed here"
  fi
  local variant
  for variant in scalar simd relaxed; do
    say "the engine in Chromium: $variant"
    RUSTFLAGS=$(kernel_flags "$variant") cargo test -p jicho --no-default-features --features channel \
      --target wasm32-unknown-unknown --target-dir target/wasm-tests --test engine --test damage --test memory
  done
}

# The logic of npm package and app that needs no browser, the package's API documentation and the snippets of all documents.
test_pkg() {
  node_packages
  scripts/pkg.sh
  npm run --silent docs
  (cd pkg && npm test --silent)
  (cd www && npm test --silent)
}

test_browser() {
  browser
  scripts/companion.sh
  scripts/www.sh
  scripts/wasm.sh unsealed
  node_packages
  (cd tests/browser && JICHO_BIN=$JICHO npm test --silent)
  say "a slice of the fault matrix"
  (cd tests/browser && JICHO_BIN=$JICHO npm run --silent faults -- --slice 24 --seed 2)
}

# Both cores are busy only if two things run at once: linking, link-time optimisation and emulation use one. So the native
# programs and the web's are built and tested side by side; the browser suite then has the machine for itself.
native_lane() {
  step "companion" scripts/companion.sh
  step "lint" test_lint
  step "Rust tests" test_rust
  step "engine with NEON" test_neon
}

web_lane() {
  step "wasm, npm package and app" scripts/www.sh
  step "npm package's tests" test_pkg
  step "wasm tests in Chromium and Firefox" test_wasm
}

test_all() {
  local web_log=target/web-lane.log native=0 web=0 lane
  step "tools" test_tools
  mkdir -p target
  (web_lane) >"$web_log" 2>&1 &
  lane=$!
  set +e
  (
    set -e
    native_lane
  )
  native=$?
  wait "$lane"
  web=$?
  set -e
  say "what the web's steps printed meanwhile"
  cat "$web_log"
  [ $native -eq 0 ] || { say "the native steps failed"; exit 1; }
  [ $web -eq 0 ] || { say "the web's steps failed"; exit 1; }
  step "browser tests" test_browser
  step "budgets" env BUDGET_SECONDS="$SECONDS" scripts/budgets.sh
  step_table "$SECONDS"
  say "all tests passed"
}

case "${1:-all}" in
  all) test_all ;;
  lint | rust | neon | wasm | pkg | browser) "test_$1" ;;
  *)
    echo "build.sh: no part of the tests is called $1" >&2
    exit 2
    ;;
esac
