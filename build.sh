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
  test       every test: Rust, wasm in Chromium and Firefox, npm package, browser end to end
  build      companion, wasm, npm package and app
  companion  the native program, target/debug/jicho
  wasm       the library as wasm, into pkg/wasm/{scalar,simd,relaxed}
  wasm-tract the same with tract, into pkg/wasm/tract
  wasm-vault the sealed store as wasm, into pkg/wasm/vault
  wasm-unsealed the same without its encryption, for the tests alone, into target/wasm-unsealed
  pkg        the npm package, pkg/jicho-*.tgz
  www        the app, www/dist
  test-rust | test-neon | test-wasm | test-pkg | test-browser   parts of `test`
  test-miri  the engine under Miri, which finds undefined behaviour; some minutes
  faults     the whole of what `test` runs a slice of: publishers killed, 1,000 channels, a host that misbehaves
  fuzz       looks for inputs that break the parsers and the engine, `fuzz SECONDS` (3600)
  bench      speed, size and memory against onnxruntime-web and tfjs; `bench --help` tells the options
  accuracy   what training reaches on the Grocery Store Dataset, if it is there: GROCERY names its folder
  python     Python's onnxruntime, which tests and the benchmark compare with, into .tools/bench-venv
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

# Firefox and its driver, of a pinned version; not everywhere can it be had.
firefox() {
  if ! command -v firefox-esr >/dev/null; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq firefox-esr >/dev/null || return
  fi
  [ -x .tools/bin/geckodriver ] || cargo install geckodriver --version 0.37.1 --locked --root .tools --quiet
}

# The npm workspace's packages. The benchmark's peers are large: they are installed by `node_packages bench` alone.
node_packages() {
  need npm "install Node.js 20 or newer"
  local only=(--include-workspace-root -w pkg -w www -w tests/browser) last=node_modules/vite
  [ "${1:-}" != bench ] || { only=() last=node_modules/onnxruntime-web; }
  if [ ! -d $last ] || [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --silent "${only[@]}"
  fi
}

companion() {
  say "companion"
  cargo build --workspace
}

# From the module $1 into the folder $2. The package says where its modules are, so no bundler need look for them here.
bindgen() {
  .tools/bin/wasm-bindgen --target web --out-dir "$2" --out-name jicho --omit-default-module-path \
    --remove-name-section --remove-producers-section "$1"
  local module=$2/jicho_bg.wasm
  echo "$module: $(wc -c < "$module") bytes, $(gzip -9 -c "$module" | wc -c) gzipped" >&2
}

# Whether the module $1 is newer than all that it is made of.
is_fresh() {
  [ -f "$1" ] && [ -z "$(find src Cargo.toml Cargo.lock .cargo -newer "$1" -print -quit)" ]
}

# The builds that run compiled plans, one for each kind of SIMD. The package chooses among them at run time.
wasm() {
  wasm_tools
  say "wasm"
  local out=target/wasm/wasm32-unknown-unknown/wasm variant features
  for variant in scalar simd relaxed; do
    is_fresh "pkg/wasm/$variant/jicho_bg.wasm" && continue
    case $variant in
      scalar) features= ;;
      simd) features=+simd128 ;;
      relaxed) features=+simd128,+relaxed-simd ;;
    esac
    # One folder for all, so that what runs while building is built once; but they would take each other's for theirs.
    rm -f $out/jicho.wasm $out/deps/jicho.wasm $out/deps/libjicho.rlib
    # Loop strength reduction computes every address of the kernels anew, where a constant offset would do: it costs a
    # third of the speed (docs/benchmarks.md).
    RUSTFLAGS="-C target-feature=$features -C llvm-args=-disable-lsr -C llvm-args=-inline-threshold=15" cargo build -p jicho --lib --no-default-features --features channel --profile wasm \
      --target wasm32-unknown-unknown --target-dir target/wasm
    bindgen $out/jicho.wasm "pkg/wasm/$variant"
  done
  # One glue serves all three.
  for variant in scalar relaxed; do
    cmp pkg/wasm/simd/jicho.js "pkg/wasm/$variant/jicho.js"
  done
  cp pkg/wasm/simd/jicho.js pkg/wasm/simd/jicho.d.ts pkg/wasm/
}

# The sealed store, which is fetched when a vault is opened.
wasm_vault() {
  wasm_tools
  is_fresh pkg/wasm/vault/jicho_bg.wasm && return
  say "wasm of the sealed store"
  vault_module vault pkg/wasm/vault
}

# The same without its encryption. Never published: it shows that the tests find what is not sealed.
wasm_unsealed() {
  wasm_tools
  is_fresh target/wasm-unsealed/vault/jicho_bg.wasm && return
  say "wasm of the store, unsealed"
  vault_module vault,unsealed target/wasm-unsealed/vault
}

# With the features $1, into the folder $2. Small: what must be fast has a level of its own in Cargo.toml.
vault_module() {
  local out=target/wasm-vault/wasm32-unknown-unknown/wasm
  # Else a build with other features would be taken for this one.
  rm -f $out/jicho.wasm $out/deps/jicho.wasm $out/deps/libjicho.rlib
  CARGO_PROFILE_WASM_OPT_LEVEL=s cargo build -p jicho --lib --no-default-features --features "$1" --profile wasm --target wasm32-unknown-unknown \
    --target-dir target/wasm-vault
  bindgen $out/jicho.wasm "$2"
}

# The build that runs any ONNX network, which few pages fetch. Its profile is that of the tests in Chromium.
wasm_tract() {
  wasm_tools
  is_fresh pkg/wasm/tract/jicho_bg.wasm && return
  say "wasm with tract"
  cargo build -p jicho --lib --target wasm32-unknown-unknown
  bindgen target/wasm32-unknown-unknown/debug/jicho.wasm pkg/wasm/tract
}

pkg() {
  # Not with `&&`, under which the shell goes on after a command that fails.
  if [ ! -f pkg/wasm/jicho.js ] || [ ! -f pkg/wasm/vault/jicho.js ] || [ ! -f pkg/wasm/tract/jicho.js ] ||
    [ "${1:-}" = fresh ]; then
    wasm
    wasm_vault
    wasm_tract
  fi
  say "npm package"
  node_packages
  (cd pkg && npm run --silent build && npm pack --silent >&2)
}

www() {
  pkg "${1:-}"
  say "app"
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
  node_packages
  npm run --silent lint
}

test_rust() {
  # A process of its own, so that what fails in it ends it. Without onnxruntime one comparison says that it is skipped.
  "$0" python || say "no onnxruntime for Python here"
  say "Rust tests"
  JICHO_PYTHON=$PWD/.tools/bench-venv/bin/python cargo test --workspace
}

test_wasm() {
  wasm_tools
  browser
  say "wasm tests in Chromium"
  cargo test -p jicho --target wasm32-unknown-unknown --test channel --test store --test parity --test vault_store --test quality
  if firefox; then
    say "the stores in Firefox"
    env -u CHROMEDRIVER GECKODRIVER="$PWD/.tools/bin/geckodriver" \
      cargo test -p jicho --target wasm32-unknown-unknown --test store --test vault_store
  else
    say "skipped: the stores in Firefox, which is not to be had here"
  fi
  # The engine with each kind of SIMD, compiled as `wasm` does it.
  local features
  for features in "" +simd128 +simd128,+relaxed-simd; do
    RUSTFLAGS="-C target-feature=$features -C llvm-args=-disable-lsr -C llvm-args=-inline-threshold=15" cargo test -p jicho --no-default-features \
      --features channel --target wasm32-unknown-unknown --target-dir target/wasm-tests --test engine --test damage --test memory
  done
}

# The engine on a 64-bit ARM, emulated.
test_neon() {
  local target=aarch64-unknown-linux-gnu
  rustup target list --installed | grep -qx $target || rustup target add $target
  if ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
    need apt-get "install QEMU's user mode and GCC for aarch64-linux-gnu"
    say "installing QEMU and a cross linker"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
      >/dev/null
  fi
  say "the engine's tests with NEON"
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
    cargo test -p jicho --no-default-features --target $target --target-dir target/neon --test engine
}

# The part $1 of the nightly toolchain, which Miri and the fuzzer need.
nightly() {
  need rustup "install it from https://rustup.rs"
  rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
  rustup component list --toolchain nightly | grep -q "^$1.*(installed)" || rustup component add --toolchain nightly "$1"
}

# Floats as precise as the processor's: a second run must give the same answer.
test_miri() {
  nightly miri
  nightly rust-src
  say "the engine's tests under Miri"
  MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-deterministic-floats" \
    cargo +nightly miri test -p jicho --no-default-features --target-dir target/miri --test engine --test damage
}

# What the browser tests run in, and with.
browser_tests() {
  browser
  [ -x "$JICHO" ] || companion
  node_packages
}

# Many seeded moments instead of the few that the tests take, and every fault of the matrix: some twenty minutes.
faults() {
  say "publishers killed, to a folder and to a bucket"
  JICHO_KILLS=${JICHO_KILLS:-200} cargo test --workspace --test cli -- kill:: --nocapture
  say "channels in one folder"
  JICHO_CHANNELS=${JICHO_CHANNELS:-1000} cargo test --workspace --test cli -- channels:: --nocapture
  [ -f pkg/dist/index.js ] || pkg
  browser_tests
  say "tabs killed while a vault rotates and adds"
  (cd tests/browser && JICHO_KILLS=${JICHO_VAULT_KILLS:-50} node --test vault-kills.test.mjs)
  say "hosts and devices that misbehave, in Chromium"
  (cd tests/browser && JICHO_BIN="$PWD/../../$JICHO" npm run --silent faults)
}

# One process, so as much processor time where nothing else runs; most of it on plans. What it finds new stays in target/fuzz/corpus.
fuzz() {
  local seconds=${1:-3600} share target features
  nightly rust-src
  [ -x .tools/bin/cargo-fuzz ] || cargo install cargo-fuzz --root .tools --quiet
  for target in plan:38 onnx:20 engine:14 manifest:8 vault:7 export:7 lesson:6; do
    features=
    share=${target#*:}
    target=${target%:*}
    say "fuzzing $target"
    mkdir -p "target/fuzz/corpus/$target"
    local options=(-max_len=8192 -timeout=20 -rss_limit_mb=2048 -max_total_time=$((seconds * share / 100)))
    [ ! -f "fuzz/dictionaries/$target.dict" ] || options+=("-dict=fuzz/dictionaries/$target.dict")
    [ "$target" != onnx ] || features="--features onnx"
    # shellcheck disable=SC2086 # no feature is no argument
    PATH="$PWD/.tools/bin:$PATH" cargo +nightly fuzz run --fuzz-dir fuzz --target-dir target/fuzz ${features:-} "$target" \
      "target/fuzz/corpus/$target" "fuzz/corpus/$target" -- "${options[@]}"
  done
}

# The package's logic that needs no browser.
test_pkg() {
  say "npm package's tests"
  node_packages
  (cd pkg && npm test --silent)
}

test_browser() {
  [ -f www/dist/index.html ] || www
  browser_tests
  wasm_unsealed
  say "browser tests"
  (cd tests/browser && JICHO_BIN="$PWD/../../$JICHO" npm test --silent)
  say "a slice of the faults"
  (cd tests/browser && JICHO_BIN="$PWD/../../$JICHO" npm run --silent faults -- --slice 24 --seed 2)
}

# Python's packages that make the benchmark's models, and the native peer, which tests ask too; as they are pinned.
bench_python() {
  local venv=.tools/bench-venv
  cmp -s tests/bench/requirements.txt $venv/requirements.txt && return
  need python3 "install Python 3.11 or newer"
  if ! python3 -c 'import ensurepip' 2>/dev/null; then
    need apt-get "install Python's venv module"
    as_root apt-get install -y -qq python3-venv >/dev/null
  fi
  say "Python packages of the benchmark"
  python3 -m venv --clear $venv
  $venv/bin/pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
  cp tests/bench/requirements.txt $venv/
}

bench() {
  browser
  bench_python
  node_packages bench
  companion
  # With the profile that the companion has.
  cargo build -p jicho --no-default-features --example engine_time --target-dir target/bench/native
  wasm
  wasm_vault
  vault_module vault,bench target/wasm-bench/vault
  say "npm package"
  node_packages
  (cd pkg && npm run --silent build)
  say "benchmark"
  node tests/bench/bench.mjs "$@"
}

accuracy() {
  browser
  node_packages
  companion
  wasm
  wasm_vault
  say "npm package"
  node_packages
  (cd pkg && npm run --silent build)
  node tests/accuracy/accuracy.mjs "$@"
}

case "${1:-}" in
  demo) demo ;;
  build) build ;;
  companion) companion ;;
  wasm) wasm ;;
  wasm-tract) wasm_tract ;;
  wasm-vault) wasm_vault ;;
  wasm-unsealed) wasm_unsealed ;;
  pkg) pkg fresh ;;
  www) www fresh ;;
  lint) lint ;;
  test-rust) test_rust ;;
  test-neon) test_neon ;;
  test-wasm) test_wasm ;;
  test-pkg) test_pkg ;;
  test-browser) test_browser ;;
  test-miri) test_miri ;;
  faults) faults ;;
  python) bench_python ;;
  fuzz) fuzz "${2:-}" ;;
  bench)
    shift
    bench "$@"
    ;;
  accuracy)
    shift
    accuracy "$@"
    ;;
  test)
    browser
    build
    lint
    test_rust
    test_neon
    test_wasm
    test_pkg
    test_browser
    say "all tests passed"
    ;;
  *) usage; [ "${1:-}" = help ] || exit 2 ;;
esac
