//! What leaves the companion: releases, the stores they are published to, and reports.

pub mod publish;
pub mod release;
pub mod report;
pub mod store;
