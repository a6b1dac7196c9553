//! The kinds of records that a vault keeps.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal $name:literal,)+) => {
        /// A kind of records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS), ts(rename = "VaultKind"))]
        #[serde(rename_all = "camelCase")]
        pub enum Kind { $($(#[$doc])* $kind = $code,)+ }

        impl Kind {
            /// Every kind, in the order of their codes.
            pub const ALL: [Kind; 4] = [$(Kind::$kind,)+];

            /// Its byte in files and envelopes.
            #[must_use]
            pub fn code(self) -> u8 {
                self as u8
            }

            /// The kind of that byte.
            #[must_use]
            pub fn of(code: u8) -> Option<Kind> {
                match code { $($code => Some(Kind::$kind),)+ _ => None }
            }

            /// Its name in JavaScript.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)+ }
            }
        }
    };
}

kinds! {
    /// What a camera saw.
    Scan = 1 "scan",
    /// What a person said that it was.
    Correction = 2 "correction",
    /// What a person taught. Former versions called it `prototype`.
    #[serde(alias = "prototype")]
    Lesson = 3 "lesson",
    /// A sale made offline, to be delivered.
    Sale = 4 "sale",
}
