//! How much memory and time a network of somebody else may take, and what is said when it takes more.

use std::process::ExitStatus;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::child_process;
use crate::error::{Error, Result};

/// The environment variable that sets how much memory, in megabytes.
const MEMORY: &str = "JICHO_NETWORK_MEMORY_MB";
/// The environment variable that sets how much time, in seconds.
const TIME: &str = "JICHO_NETWORK_SECONDS";

/// What a child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    megabytes: u64,
    seconds: u64,
}

impl Default for Limits {
    /// Some ten copies of a network of 400 MB fit in, which is far more than a device should be asked to fetch; five
    /// minutes are many times what such a network takes.
    fn default() -> Self {
        Limits { megabytes: 4 << 10, seconds: 300 }
    }
}

impl Limits {
    /// The default limits, or those that the environment sets.
    ///
    /// # Errors
    /// `BAD_INPUT` for a value that is no positive whole number.
    pub fn from_environment() -> Result<Limits> {
        let read = |name: &str, default: u64| match std::env::var(name) {
            Err(std::env::VarError::NotPresent) => Ok(default),
            value => value.ok().and_then(|text| text.parse().ok()).filter(|number| *number > 0).ok_or_else(|| {
                Error::BadInput(format!("the environment variable {name} must be a positive whole number"))
            }),
        };
        let Limits { megabytes, seconds } = Limits::default();
        Ok(Limits { megabytes: read(MEMORY, megabytes)?, seconds: read(TIME, seconds)? })
    }

    /// How long the parent waits.
    pub fn time(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Limits this process, for good.
    pub fn impose(self) {
        child_process::limit_memory(self.megabytes);
    }

    /// The network needed too much memory.
    pub fn too_large(self) -> Error {
        let gigabytes = self.megabytes as f64 / 1024.0;
        Error::NetworkLimit(format!(
            "the network needs more than {gigabytes:.1} GB of memory, so it was not tried any further; if you trust it, \
             allow more by the environment variable {MEMORY}"
        ))
    }

    /// The network needed too much time.
    pub fn too_slow(self) -> Error {
        Error::NetworkLimit(format!(
            "the network did not load, compile and answer within {} seconds; if you trust it, allow more by the \
             environment variable {TIME}",
            self.seconds
        ))
    }

    /// Why a child ended without an answer.
    pub fn death(self, status: ExitStatus, errors: &str) -> Error {
        if errors.contains("overflowed its stack") {
            return Error::NetworkLimit("the network is nested too deeply".into());
        }
        if child_process::is_about_memory(errors) || child_process::was_killed(status) {
            return self.too_large();
        }
        let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        Error::Defect(format!("the process that reads the network ended early ({status}): {last}"))
    }
}
