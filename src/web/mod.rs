//! What JavaScript sees of the library, in wasm only: thin layers around [`crate::sync`], [`crate::recognize`] and
//! [`crate::vault`]. The features `channel` and `vault` each export one of the two surfaces.

#[cfg(feature = "channel")]
mod channel;
mod database;
mod failure;
mod json;
mod random;
mod start;
#[cfg(feature = "vault")]
mod vault;

#[cfg(all(feature = "channel", feature = "tract"))]
pub use channel::OnnxNetwork;
#[cfg(feature = "channel")]
pub use channel::{Channel, IndexedDb, Network};
pub use failure::error_codes;
pub use start::construct;
#[cfg(feature = "vault")]
pub use vault::{VaultDatabase, VaultHandle};

/// What channels and vaults have in common of the types in their `.d.ts`.
#[wasm_bindgen::prelude::wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("../boundary/types/shared.d.ts");
