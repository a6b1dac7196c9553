#!/usr/bin/env bash
# What must hold before a commit: format, lints, types, documents, generated files, licences. `check.sh lint` leaves out
# cargo-deny, whose first use compiles it for some minutes, and what `./build.sh test`, which runs it that way, does elsewhere.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh

rust_format() { cargo fmt --all -- --check; }

rust_lints() { cargo clippy --workspace --all-targets --quiet -- -D warnings; }

# Links within the API documentation, and its code blocks' syntax.
rust_documents() { RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --workspace --no-deps --document-private-items --quiet; }

# The TypeScript types that are written from Rust (`./build.sh generated`).
generated_files() { cargo test --workspace --lib boundary --quiet; }

shell_scripts() { .tools/check/bin/shellcheck --external-sources build.sh scripts/*.sh .ci/run; }

# Relative links and their anchors in every document.
document_links() {
  git ls-files '*.md' | xargs .tools/check/bin/lychee --offline --include-fragments --no-progress --quiet
}

javascript() {
  node_packages
  npm run --silent lint
}

# Types and API documentation of the npm package and types of the app. Both need the types of the built wasm modules, and the
# app those of the built package.
typescript() {
  scripts/pkg.sh
  npm run --silent docs
  (cd www && npm run --silent unpack && npm run --silent types)
}

licences() {
  [ -x .tools/bin/cargo-deny ] || cargo install cargo-deny --version 0.20.2 --locked --root .tools --quiet
  PATH=$PWD/.tools/bin:$PATH cargo deny --workspace --all-features check --hide-inclusion-graph licenses bans sources
}

python_environment check scripts/check-requirements.txt
step "Rust: format" rust_format
step "Rust: lints" rust_lints
step "Rust: documentation" rust_documents
step "TypeScript and JavaScript: format and lints" javascript
step "shell scripts" shell_scripts
step "links in documents" document_links
[ "${1:-}" = lint ] || step "generated files" generated_files
[ "${1:-}" = lint ] || step "TypeScript: types and documentation" typescript
[ "${1:-}" = lint ] || step "licences, bans and sources of dependencies" licences
[ "${1:-}" = lint ] || step_table "$SECONDS"
