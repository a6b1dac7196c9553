# Installs the tools that builds and tests need, each only where it is missing. Sourced after common.sh.
# shellcheck shell=bash

# The wasm target and wasm-bindgen's command. The command writes glue for exactly one version of the crate, so its version
# is read from Cargo.lock.
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

# Chromium and ChromeDriver of the system.
browser() {
  if [ ! -x "$CHROMIUM" ] || [ ! -x "$CHROMEDRIVER" ]; then
    need apt-get "install Chromium and ChromeDriver, and set CHROMIUM and CHROMEDRIVER to their paths"
    say "installing Chromium"
    apt_install chromium chromium-driver
  fi
}

# Firefox ESR and a pinned geckodriver. Fails where Firefox cannot be had; tests in Firefox are then skipped with a reason.
firefox() {
  if ! command -v firefox-esr >/dev/null; then
    apt_install firefox-esr || return
  fi
  [ -x .tools/bin/geckodriver ] || cargo install geckodriver --version 0.37.1 --locked --root .tools --quiet
}

# The packages of the npm workspace, without large ones that few commands need: `node_packages bench` installs the benchmark's
# peers, too, and `node_packages bundlers` the bundlers that `test` leaves out.
node_packages() {
  need npm "install Node.js 20 or newer"
  local only=(--include-workspace-root -w pkg -w www -w docs/api -w tests/browser) last=node_modules/webpack
  case "${1:-}" in
    bench) only=() last=node_modules/onnxruntime-web ;;
    bundlers) only+=(-w tests/bundlers) last=node_modules/parcel ;;
  esac
  if [ ! -d $last ] || [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --silent "${only[@]}"
  fi
}

# The part $1 of the nightly toolchain, which Miri and the fuzzer need.
nightly() {
  need rustup "install it from https://rustup.rs"
  rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
  rustup component list --toolchain nightly | grep -q "^$1.*(installed)" || rustup component add --toolchain nightly "$1"
}

# A cross compiler and QEMU's user mode, which run the engine's NEON kernels on other processors.
arm_tools() {
  rustup target list --installed | grep -qx aarch64-unknown-linux-gnu || rustup target add aarch64-unknown-linux-gnu
  if ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
    need apt-get "install QEMU's user mode and GCC for aarch64-linux-gnu"
    say "installing QEMU and a cross linker"
    apt_install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  fi
}

# The virtual environment .tools/$1 with the Python packages that the file $2 pins. A caller may go on without it, and inside
# a condition the shell does not stop at a command that fails: each one here says by itself that the function has failed.
python_environment() {
  local environment=.tools/$1 requirements=$2
  cmp -s "$requirements" "$environment/requirements.txt" && return
  need python3 "install Python 3.11 or newer"
  if ! python3 -c 'import ensurepip' 2>/dev/null; then
    need apt-get "install Python's venv module"
    apt_install python3-venv || return 1
  fi
  say "installing the Python packages of $requirements"
  python3 -m venv --clear "$environment" &&
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" &&
    cp "$requirements" "$environment/requirements.txt"
}

# Python's onnxruntime, which makes the benchmark's models and is asked for reference answers.
onnxruntime_python() { python_environment python tests/bench/requirements.txt; }

# What the lines of docs/service.md use, which a test runs.
newcomer_tools() {
  if ! command -v curl >/dev/null || ! command -v zip >/dev/null; then
    need apt-get "install curl and zip"
    apt_install curl zip
  fi
}
