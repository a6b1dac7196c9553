#!/usr/bin/env bash
# Builds, demonstrates and tests Jicho. Each step can be called alone and installs what it lacks.
set -euo pipefail
cd "$(dirname "$0")"

PROFILE_DIR=target/debug
JICHO=$PROFILE_DIR/jicho
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
CHROMEDRIVER=${CHROMEDRIVER:-/usr/bin/chromedriver}
export CHROMIUM CHROMEDRIVER

usage() {
  cat <<'TXT'
usage: ./build.sh COMMAND
  demo       build all, draw sample photos, train a channel, serve the app, print its address
  test       every test: Rust, wasm in Chromium, npm package, browser end to end
  build      companion, wasm, npm package and app
  companion  the native program, target/debug/jicho
  wasm       the library as wasm, into pkg/wasm
  pkg        the npm package, pkg/jicho-*.tgz
  www        the app, www/dist
  test-rust | test-wasm | test-browser   parts of `test`
  lint       formatting and clippy
TXT
}

say() { printf '\n== %s\n' "$*" >&2; }

need() {
  command -v "$1" >/dev/null || { echo "build.sh: $1 is missing: $2" >&2; exit 1; }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# The CLI writes the glue for exactly one version of the crate, so it is pinned to the one in Cargo.lock.
wasm_tools() {
  need cargo "install Rust from https://rustup.rs"
  rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
  local version
  version=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
  if [ "$(.tools/bin/wasm-bindgen --version 2>/dev/null)" != "wasm-bindgen $version" ]; then
    say "installing wasm-bindgen $version"
    cargo install wasm-bindgen-cli --version "$version" --root .tools --force --quiet
  fi
}

browser() {
  if [ ! -x "$CHROMIUM" ] || [ ! -x "$CHROMEDRIVER" ]; then
    need apt-get "install Chromium and ChromeDriver, and set CHROMIUM and CHROMEDRIVER to their paths"
    say "installing Chromium"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null
  fi
}

node_packages() {
  need npm "install Node.js 20 or newer"
  (cd "$1" && npm ci --no-audit --no-fund --silent)
}

companion() {
  say "companion"
  cargo build --workspace
}

wasm() {
  wasm_tools
  say "wasm"
  cargo build -p jicho --lib --target wasm32-unknown-unknown
  .tools/bin/wasm-bindgen --target web --out-dir pkg/wasm --out-name jicho --remove-name-section \
    --remove-producers-section target/wasm32-unknown-unknown/debug/jicho.wasm
  local size gz
  size=$(wc -c < pkg/wasm/jicho_bg.wasm)
  gz=$(gzip -9 -c pkg/wasm/jicho_bg.wasm | wc -c)
  echo "jicho_bg.wasm: $size bytes, $gz gzipped" >&2
}

pkg() {
  [ -f pkg/wasm/jicho_bg.wasm ] && [ "${1:-}" != fresh ] || wasm
  say "npm package"
  node_packages pkg
  # npm packs nothing from outside the package's own folder.
  cp LICENSE-MIT LICENSE-APACHE pkg/
  (cd pkg && npm run --silent build && npm pack --silent >&2)
}

www() {
  pkg "${1:-}"
  say "app"
  node_packages www
  (cd www && npm run --silent build)
  # Static hosts and `jicho serve` send these where a browser takes them; the wasm shrinks to a quarter.
  find www/dist -type f \( -name '*.wasm' -o -name '*.js' -o -name '*.css' \) -exec gzip -9 -k -f {} +
}

build() {
  companion
  www fresh
}

demo() {
  build
  say "sample photos"
  rm -rf samples
  "$JICHO" samples samples/photos >/dev/null
  # Photos to hold before the camera (or to choose on the page): the same shop, never trained on.
  "$JICHO" samples samples/unseen --photos 3 --seed 2 >/dev/null
  say "training"
  "$JICHO" train samples/photos --channel T_1 --out ml-models
  "$JICHO" evaluate ml-models/T_1 --photos samples/unseen | sed -n 1,6p
  say "serving; show the camera a photo of samples/unseen, or choose one on the page"
  exec "$JICHO" serve --models ml-models --app www/dist --port "${PORT:-8080}"
}

lint() {
  say "formatting and lints"
  cargo fmt --all -- --check
  cargo clippy --workspace --all-targets --quiet -- -D warnings
}

test_rust() {
  say "Rust tests"
  cargo test --workspace
}

test_wasm() {
  wasm_tools
  browser
  say "wasm tests in Chromium"
  cargo test -p jicho --target wasm32-unknown-unknown --test channel --test store --test parity
}

test_browser() {
  browser
  [ -x "$JICHO" ] || companion
  [ -f www/dist/index.html ] || www
  say "browser tests"
  node_packages tests/browser
  (cd tests/browser && JICHO_BIN="$PWD/../../$JICHO" npm test --silent)
}

case "${1:-}" in
  demo) demo ;;
  build) build ;;
  companion) companion ;;
  wasm) wasm ;;
  pkg) pkg fresh ;;
  www) www fresh ;;
  lint) lint ;;
  test-rust) test_rust ;;
  test-wasm) test_wasm ;;
  test-browser) test_browser ;;
  test)
    browser
    build
    lint
    test_rust
    test_wasm
    test_browser
    say "all tests passed"
    ;;
  *) usage; [ "${1:-}" = help ] || exit 2 ;;
esac
