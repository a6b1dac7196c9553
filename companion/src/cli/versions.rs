//! The command `jicho versions`, and the commands that put another release into force: `rollback`, `promote`,
//! `withdraw`, `renew`.

use std::path::PathBuf;

use clap::Args;

use super::publishing::{self, Publish};
use crate::error::Result;
use crate::json;
use crate::output::publish::versions::{self, Change, Listing, Version};
use crate::progress::{Progress, emit};

/// `jicho versions`
#[derive(Args)]
pub struct Versions {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    channel: PathBuf,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

impl Versions {
    /// Prints the releases that are kept.
    pub fn run(self) -> Result<()> {
        let listing = versions::list(&self.channel)?;
        if self.json {
            emit(json::line(&listing)?);
        } else {
            print(&listing);
        }
        Ok(())
    }
}

/// `jicho rollback`
#[derive(Args)]
pub struct Rollback {
    #[command(flatten)]
    of: OfChannel,
    /// The version to put into force (default: the one before the current one)
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
}

/// `jicho promote`, `jicho withdraw`
#[derive(Args)]
pub struct OfChannel {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    channel: PathBuf,
    #[command(flatten)]
    publish: Publish,
}

impl Rollback {
    /// Puts the older release back into force.
    pub fn run(self) -> Result<()> {
        self.of.change(&Change::Rollback(self.to))
    }
}

impl OfChannel {
    /// Puts the candidate into force.
    pub fn promote(self) -> Result<()> {
        self.change(&Change::Promote)
    }

    /// Withdraws the candidate.
    pub fn withdraw(self) -> Result<()> {
        self.change(&Change::Withdraw)
    }

    /// Writes what is in force anew, with another expiry and the signatures of these keys.
    pub fn renew(self) -> Result<()> {
        self.change(&Change::Renew)
    }

    fn change(self, change: &Change) -> Result<()> {
        let progress = Progress::Human;
        publishing::tell(progress, &versions::change(&self.channel, change, &self.publish.terms(None), progress)?);
        Ok(())
    }
}

fn print(listing: &Listing) {
    for Version { version, release_seq, trained_at, bytes, latest, share, .. } in &listing.versions {
        let state = match (latest, share) {
            (true, _) => format!("latest (releaseSeq {})", listing.release_seq),
            (_, Some(share)) => format!("candidate for {} %", 100.0 * share),
            _ => String::new(),
        };
        let line = format!("{version}\t{release_seq}\t{trained_at}\t{:.2} MB\t{state}", *bytes as f64 / 1e6);
        emit(line.trim_end());
    }
}
