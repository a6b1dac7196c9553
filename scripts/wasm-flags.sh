# The compiler flags of the engine's wasm builds: modules and tests must agree on them. Sourced after common.sh.
# shellcheck shell=bash

# RUSTFLAGS for one kind of SIMD: scalar, simd or relaxed. LLVM's loop strength reduction would compute every address of the
# kernels anew where a constant offset is free, which costs a third of the speed (docs/benchmarks.md); less inlining keeps
# the module small at the same speed (docs/decisions/012-sync.md).
kernel_flags() {
  local features
  case $1 in
    scalar) features= ;;
    simd) features=+simd128 ;;
    relaxed) features=+simd128,+relaxed-simd ;;
  esac
  echo "-C target-feature=$features -C llvm-args=-disable-lsr -C llvm-args=-inline-threshold=15"
}
