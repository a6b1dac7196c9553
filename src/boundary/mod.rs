//! What crosses the boundary between the wasm module and JavaScript as plain objects.
//!
//! These Rust types are the only place where such an object is described. The test in `typescript.rs` writes their
//! TypeScript, doc comments included, into `types/`; [`crate::web`] puts those files into the modules' `.d.ts`, and a
//! difference between type and file fails the test. So a doc comment here is read by users of the npm package, too:
//! it says units, ranges and what null means.
//!
//! Natively the module is compiled for that test alone.

#[cfg(any(test, feature = "channel"))]
pub(crate) mod channel;
#[cfg(any(test, feature = "channel"))]
pub(crate) mod lesson;
#[cfg(test)]
mod typescript;
#[cfg(any(test, feature = "vault"))]
pub(crate) mod vault;
