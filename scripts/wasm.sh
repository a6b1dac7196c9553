#!/usr/bin/env bash
# Builds the wasm modules named as arguments, or all that the npm package holds. One that is newer than all its sources is
# left as it is.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
source scripts/wasm-flags.sh

# Writes the module $1 and its glue into the folder $2, whose name is the module's too: bundlers keep it, so apps can tell the
# modules apart. The package says where its modules are, so no bundler has to look for them in the glue.
bindgen() {
  .tools/bin/wasm-bindgen --target web --out-dir "$2" --out-name jicho --omit-default-module-path \
    --remove-name-section --remove-producers-section "$1"
  # The package's types name these, and apps need not compile for the resource management of later editions.
  sed -i '/\[Symbol.dispose\]/d' "$2/jicho.d.ts"
  # The module gets its name last: only then it counts as built.
  local module
  module=$2/jicho-$(basename "$2").wasm
  mv "$2/jicho_bg.wasm" "$module"
  echo "$module: $(wc -c <"$module") bytes, $(gzip -9 -c "$module" | wc -c) gzipped" >&2
}

# Whether the module $1 is newer than everything it is made of.
is_fresh() {
  local sources=(src Cargo.toml Cargo.lock .cargo rust-toolchain.toml scripts/wasm.sh scripts/wasm-flags.sh scripts/tools.sh)
  [ -f "$1" ] && [ -z "$(find "${sources[@]}" -newer "$1" -print -quit)" ]
}

# Builds the library in the target folder $1 with the cargo flags $3…, those of the compiler for this crate alone behind `--`,
# and writes the module into the folder $2. Variants share a target folder, so that what all of them need is built once; the
# module of the last variant is deleted first, or cargo would take it for this one's.
small_module() {
  local target=$1 out=$2
  shift 2
  local built=$target/wasm32-unknown-unknown/wasm
  rm -f "$built/jicho.wasm" "$built/deps/jicho.wasm" "$built/deps/libjicho.rlib"
  cargo rustc -p jicho --lib --no-default-features --profile wasm --target wasm32-unknown-unknown --target-dir "$target" "$@"
  bindgen "$built/jicho.wasm" "$out"
}

# Recognition with compiled plans, for one kind of SIMD; the package chooses among the three at run time.
recognition() {
  local variant=$1
  is_fresh "pkg/wasm/$variant/jicho-$variant.wasm" && return
  RUSTFLAGS=$(kernel_flags "$variant") small_module target/wasm "pkg/wasm/$variant" --features channel
}

# One glue serves all three modules of recognition.
share_glue() {
  local variant
  for variant in scalar relaxed; do
    cmp pkg/wasm/simd/jicho.js "pkg/wasm/$variant/jicho.js"
  done
  cp pkg/wasm/simd/jicho.js pkg/wasm/simd/jicho.d.ts pkg/wasm/
}

# The sealed store, which is fetched when a vault is opened. It is optimised for size; the ciphers, which must be fast, have
# levels of their own in Cargo.toml.
vault() {
  is_fresh pkg/wasm/vault/jicho-vault.wasm && return
  CARGO_PROFILE_WASM_OPT_LEVEL=s small_module target/wasm-vault pkg/wasm/vault --features vault
}

# The sealed store without its encryption, for tests alone: it shows that they find what is not sealed. Never published.
unsealed() {
  is_fresh target/wasm-unsealed/vault/jicho-vault.wasm && return
  CARGO_PROFILE_WASM_OPT_LEVEL=s small_module target/wasm-vault target/wasm-unsealed/vault --features vault -- --cfg jicho_unsealed
}

# The sealed store with the benchmark's hooks. Never published.
bench() {
  CARGO_PROFILE_WASM_OPT_LEVEL=s small_module target/wasm-vault target/wasm-bench/vault --features vault -- --cfg jicho_bench
}

# The module that runs any ONNX network, which few pages fetch. It shares its profile with the tests in Chromium.
tract() {
  is_fresh pkg/wasm/tract/jicho-tract.wasm && return
  cargo build -p jicho --lib --target wasm32-unknown-unknown --target-dir target/wasm-tract
  bindgen target/wasm-tract/wasm32-unknown-unknown/debug/jicho.wasm pkg/wasm/tract
}

[ $# -gt 0 ] || set -- scalar simd relaxed vault tract
wasm_tools
for module in "$@"; do
  say "wasm: $module"
  case "$module" in
    scalar | simd | relaxed) recognition "$module" ;;
    vault | unsealed | bench | tract) "$module" ;;
    *)
      echo "build.sh: no wasm module is called $module" >&2
      exit 2
      ;;
  esac
done
if [ -f pkg/wasm/scalar/jicho.js ] && [ -f pkg/wasm/simd/jicho.js ] && [ -f pkg/wasm/relaxed/jicho.js ]; then share_glue; fi
