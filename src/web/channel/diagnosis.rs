//! The description of a channel for a support person, with what only the browser's side knows.

use super::storage::Storage;
use crate::boundary::channel::ChannelDiagnosis;
use crate::sync::Session;

pub(super) fn of(session: &Session<Storage>) -> ChannelDiagnosis {
    ChannelDiagnosis {
        diagnosis: session.diagnose(),
        build: crate::sync::build(),
        memory_bytes: core::arch::wasm32::memory_size(0) << 16,
        schema: session.store().schema(),
    }
}
