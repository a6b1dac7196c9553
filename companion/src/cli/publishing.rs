//! The options of every command that publishes.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::output::publish::sequence::SequenceTerms;
use crate::output::publish::signing::SigningTerms;
use crate::output::publish::{KEEP, Published, Terms};
use crate::output::report::place::Place;
use crate::progress::{Progress, emit};

/// How a release is published.
#[derive(Args)]
pub(super) struct Publish {
    /// Number of versions to keep; older ones are removed, and their files a day later
    #[arg(long, default_value_t = KEEP, value_parser = at_least_one, value_name = "N", help_heading = "Publishing")]
    keep: usize,
    /// Sign with the key of `jicho keygen`; several times for several keys. Older apps know the signature of the first only
    #[arg(long, value_name = "KEYFILE", conflicts_with = "unsigned", help_heading = "Publishing")]
    sign: Vec<PathBuf>,
    /// Publish without a signature even though the channel is signed
    #[arg(long, help_heading = "Publishing")]
    unsigned: bool,
    /// Sign what is already published anew, even though it is not signed by the same key
    #[arg(long, requires = "sign", help_heading = "Publishing")]
    resign: bool,
    /// Have devices report a host that still serves this release after so many days; `jicho renew` prolongs it
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650), help_heading = "Publishing")]
    expires_days: Option<u32>,
    /// Publish the key lists of `jicho key-list` with the release
    #[arg(long, value_name = "FILE", requires = "sign", help_heading = "Publishing")]
    key_lists: Option<PathBuf>,
    /// Publish above this sequence number, which devices have seen although the models folder does not show it
    #[arg(long, value_name = "N", help_heading = "Publishing")]
    above_sequence: Option<u64>,
    /// Disregard sequence numbers from the future, which devices refuse
    #[arg(long, help_heading = "Publishing")]
    disregard_future: bool,
}

impl Publish {
    pub(super) fn terms(self, canary: Option<f64>) -> Terms {
        Terms {
            keep: self.keep,
            signing: SigningTerms {
                keys: self.sign,
                unsigned: self.unsigned,
                resign: self.resign,
                expires_days: self.expires_days,
                key_lists: self.key_lists,
            },
            sequence: SequenceTerms { above: self.above_sequence, disregard_future: self.disregard_future },
            canary,
        }
    }
}

/// Whether to publish to a share of the devices first.
#[derive(Args)]
pub(super) struct Canary {
    /// Publish as a candidate for a share of the devices, as 10%; end the trial by `promote` or `withdraw`
    #[arg(long, value_parser = share, value_name = "SHARE", help_heading = "Publishing")]
    pub(super) canary: Option<f64>,
}

/// Where the report of a release goes.
#[derive(Args)]
pub(super) struct Reports {
    /// Write the report into this folder, below it by channel and version (default: beside the models folder, as
    /// `ml-models-reports`)
    #[arg(long, value_name = "DIR", conflicts_with = "publish_report", help_heading = "Publishing")]
    reports: Option<PathBuf>,
    /// Publish the report, with the photos that it shows, beside the release: whoever can fetch models can read it
    #[arg(long, help_heading = "Publishing")]
    publish_report: bool,
}

impl Reports {
    pub(super) fn place(self, models: &Path) -> Place {
        match (self.publish_report, self.reports) {
            (true, _) => Place::Published,
            (false, Some(folder)) => Place::Private(folder),
            (false, None) => Place::beside(models),
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "give a number of at least 1".into())
}

/// `10%` or `0.1`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().ok().map(|n| n / whole);
    share.filter(|s| *s > 0.0 && *s <= 1.0).ok_or_else(|| "give a share of the devices, as 10% or 0.1".into())
}

/// Prints what was published: a line for people on stderr, the manifest's path on stdout.
pub(super) fn tell(progress: Progress, published: &Published) {
    let manifest = &published.manifest;
    progress.note(&format!("{} {}: {} labels", manifest.channel_id, manifest.version, manifest.product_count));
    tell_canary(progress, published);
    emit(&published.path);
}

/// Says how a canary release ends, if this is one.
pub(super) fn tell_canary(progress: Progress, published: &Published) {
    if let Some(share) = published.canary {
        let percent = 100.0 * share;
        progress
            .note(&format!("on trial on {percent} % of the devices; `jicho promote` or `jicho withdraw` ends that"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_above_nothing_and_at_most_the_whole() {
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(share("0").is_err() && share("101%").is_err() && share("NaN").is_err() && share("10").is_err());
    }
}
