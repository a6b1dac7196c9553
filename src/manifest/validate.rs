//! What must hold of a manifest beyond its JSON shape: names, ranges, and fields that depend on each other.

use super::{AttributeHead, FileEntry, FileRole, MAX_IMAGE_SIZE, Manifest, ModelType, Promise};
use crate::error::{Error, ErrorKind, Result};
use crate::names;

/// The longest embedding. A space numbers its columns, colour features included, in 16 bits.
const MAX_EMBEDDING: usize = 60_000;
/// 2^53 − 1: the largest integer that JavaScript keeps exact.
pub const MAX_RELEASE_SEQ: u64 = (1 << 53) - 1;
/// How far ahead of a device's clock a `releaseSeq` may be, in seconds: a day. A `releaseSeq` is at least the Unix time at
/// which the release was published, so that this bound limits what a wrong or hostile publisher can use up.
pub const MAX_CLOCK_SKEW: u64 = 86_400;
/// The year 2100 in Unix seconds. No clock that runs at all is so far ahead.
const YEAR_2100: u64 = 4_102_444_800;

/// Checks that `id` can name a channel's folder: 1–64 of `A–Z a–z 0–9 _ -`, first a letter or digit, not `blobs`.
///
/// # Errors
/// [`ErrorKind::InvalidChannel`].
pub fn check_channel(id: &str) -> Result<()> {
    if is_name(id, "_-") && !id.eq_ignore_ascii_case("blobs") {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidChannel,
        format!(
            "`{id}` cannot be a channel id: use 1 to 64 letters, digits, `_` or `-`, \
             beginning with a letter or digit; `blobs` is taken"
        ),
    ))
}

/// Checks that `id` can name the folder of a new channel beside `others`: as [`check_channel`] does, and no name that
/// Windows reserves, nor one that differs from another channel's by case alone. Both could not be copied to every machine.
///
/// # Errors
/// [`ErrorKind::InvalidChannel`].
pub fn check_new_channel<'a>(id: &str, others: impl IntoIterator<Item = &'a str>) -> Result<()> {
    check_channel(id)?;
    let refused = |why: String| Error::new(ErrorKind::InvalidChannel, format!("`{id}` cannot be a channel id: {why}"));
    if names::is_reserved(id) {
        return Err(refused("Windows reserves this name for a device".into()));
    }
    match others.into_iter().find(|other| *other != id && other.eq_ignore_ascii_case(id)) {
        Some(other) => Err(refused(format!("the channel `{other}` differs from it by case alone"))),
        None => Ok(()),
    }
}

/// Checks that a `releaseSeq` is not from the future. `now` is the device's clock in Unix seconds.
///
/// # Errors
/// [`ErrorKind::Clock`] where the clock may be late; [`ErrorKind::InvalidManifest`] where no clock could explain it.
pub fn check_release_time(release_seq: u64, now: u64) -> Result<()> {
    if release_seq <= now.saturating_add(MAX_CLOCK_SKEW) {
        return Ok(());
    }
    if release_seq >= YEAR_2100 {
        return Err(invalid(format!("releaseSeq {release_seq} is no time at which a release can have been published")));
    }
    let days = (release_seq - now).div_ceil(86_400);
    let message = format!(
        "the release is dated {days} days ahead of this device's clock: set the device's date and time, or publish anew \
         from a machine whose clock is right"
    );
    Err(Error::new(ErrorKind::Clock, message))
}

/// Checks that `version` can name a release's folder: as a channel id, dots allowed.
///
/// # Errors
/// [`ErrorKind::InvalidManifest`].
pub fn check_version(version: &str) -> Result<()> {
    if is_name(version, "_-.") {
        return Ok(());
    }
    Err(invalid(format!("`{version}` cannot be a version: use 1 to 64 letters, digits, `_`, `-` or `.`")))
}

fn is_name(text: &str, extra: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

fn is_sha256(hex: &str) -> bool {
    hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidManifest, message)
}

impl Manifest {
    pub(super) fn check(&self) -> Result<()> {
        check_channel(&self.channel_id)?;
        check_version(&self.version)?;
        let refuse = |problem: Option<String>| problem.map_or(Ok(()), |p| Err(invalid(format!("metadata.json: {p}"))));
        refuse(self.preprocessing.problem())?;
        refuse(self.score.as_ref().and_then(super::score::ScoreRule::problem))?;
        if !(1..=MAX_IMAGE_SIZE).contains(&self.image_size) {
            return Err(invalid(format!("imageSize {} is not within 1 and {MAX_IMAGE_SIZE}", self.image_size)));
        }
        if self.release_seq > MAX_RELEASE_SEQ {
            return Err(invalid(format!("releaseSeq {} is above {MAX_RELEASE_SEQ}", self.release_seq)));
        }
        if self.product_count != self.labels.len() {
            return Err(invalid(format!("productCount is {}, labels has {}", self.product_count, self.labels.len())));
        }
        if let Some(twice) = first_duplicate(&self.labels) {
            return Err(invalid(format!("label `{twice}` is there twice")));
        }
        self.check_candidate()?;
        self.check_files()?;
        self.check_heads()?;
        let golden = &self.golden;
        let usable = !golden.outputs.is_empty() && golden.outputs.iter().all(|v| v.is_finite());
        if !(usable && golden.tolerance > 0.0 && golden.tolerance <= 0.1) {
            return Err(invalid("golden needs finite outputs and a tolerance in (0, 0.1]"));
        }
        Ok(())
    }

    fn check_candidate(&self) -> Result<()> {
        let Some(candidate) = &self.candidate else { return Ok(()) };
        check_version(&candidate.version)?;
        if !(0.0..=1.0).contains(&candidate.share) || !is_sha256(&candidate.sha256) {
            return Err(invalid("candidate needs a share of 0 to 1 and a sha256 of 64 lower-case hex digits"));
        }
        Ok(())
    }

    fn check_files(&self) -> Result<()> {
        let known = || self.files.iter().filter(|f| f.role != FileRole::Other);
        known().try_for_each(check_file)?;
        // Needed beside a plan too: devices that do not know the plan's format run the ONNX.
        self.file(FileRole::Backbone)?;
        if self.model_type == ModelType::Embedding {
            self.file(FileRole::Space)?;
            self.file(FileRole::Head)?;
        }
        for (i, file) in known().enumerate() {
            if known().take(i).any(|other| other.role == file.role) {
                return Err(invalid(format!("two files have the role {:?}", file.role)));
            }
        }
        Ok(())
    }

    fn check_heads(&self) -> Result<()> {
        let decision = &self.decision;
        if !decision.rejection_threshold.is_finite() || !(0.0..=1.0).contains(&decision.match_confidence) {
            return Err(invalid("decision needs a finite rejectionThreshold and a matchConfidence of 0 to 1"));
        }
        let is_share = |value: &f32| (0.0..=1.0).contains(value);
        let is_promise = |promise: &Promise| is_share(&promise.precision) && is_share(&promise.confidence);
        let ascending = decision.promises.windows(2).all(|pair| pair[0].precision < pair[1].precision);
        if !ascending
            || !decision.promises.iter().all(is_promise)
            || decision.match_score.is_some_and(|score| !score.is_finite())
            || decision.unknown_confidence.is_some_and(|confidence| !is_share(&confidence))
        {
            return Err(invalid(
                "decision needs promises of ascending precision with confidences of 0 to 1, a finite matchScore, and an \
                 unknownConfidence of 0 to 1",
            ));
        }
        let mut scales: Vec<f32> = self.label_head.iter().map(|h| h.scale).collect();
        for (name, head) in &self.attributes {
            match head {
                AttributeHead::Label if self.labels.is_empty() => {
                    return Err(invalid(format!("attribute `{name}` repeats the label, but there are no labels")));
                }
                AttributeHead::Label => {}
                AttributeHead::Categorical { classes, scale, .. } => {
                    scales.push(*scale);
                    if classes.is_empty() || first_duplicate(classes).is_some() {
                        return Err(invalid(format!("attribute `{name}` needs distinct classes")));
                    }
                }
                AttributeHead::Sequence { positions, .. } => {
                    scales.extend(positions.iter().map(|p| p.scale));
                    if positions.is_empty() || positions.iter().any(|p| p.classes.is_empty()) {
                        return Err(invalid(format!("attribute `{name}` needs classes at every position")));
                    }
                }
                AttributeHead::Numeric { range: [low, high], .. } => {
                    if !(low.is_finite() && high.is_finite() && low <= high) {
                        return Err(invalid(format!("attribute `{name}` needs a range")));
                    }
                }
            }
        }
        if scales.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(invalid("a head's scale must be above 0"));
        }
        match self.model_type {
            ModelType::Embedding => {
                let features = self.features.ok_or_else(|| invalid("an embedding model needs features"))?;
                if !(1..=MAX_EMBEDDING).contains(&features.embedding) || !(0.0..=100.0).contains(&features.color_weight)
                {
                    return Err(invalid("features make no sense"));
                }
                if self.label_head.is_some() == self.labels.is_empty() {
                    return Err(invalid("labels and labelHead go together"));
                }
                if self.labels.is_empty() && self.attributes.is_empty() {
                    return Err(invalid("the release recognises nothing: neither labels nor attributes"));
                }
            }
            ModelType::Classifier if self.labels.is_empty() => return Err(invalid("a classifier needs labels")),
            ModelType::Classifier => {}
        }
        Ok(())
    }
}

fn check_file(file: &FileEntry) -> Result<()> {
    if !is_sha256(&file.sha256) {
        return Err(invalid(format!("the sha256 of {} is not 64 lower-case hex digits", file.name)));
    }
    // A release must not be able to send a device, and the access token with it, anywhere but to its own store.
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let inside = file.url.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain));
    if !inside {
        return Err(invalid(format!("the url `{}` of {} must be a plain relative path", file.url, file.name)));
    }
    if file.role == FileRole::Plan && file.format.is_none() {
        return Err(invalid(format!("{} does not tell the format of its plan", file.name)));
    }
    if file.bytes == 0 || file.bytes > 1 << 31 {
        return Err(invalid(format!("{} cannot have {} bytes", file.name, file.bytes)));
    }
    Ok(())
}

pub(super) fn check_runtime(minimum: &str) -> Result<()> {
    let wanted = triple(minimum).ok_or_else(|| invalid(format!("minimumRuntime `{minimum}` is not x.y.z")))?;
    let ours = triple(env!("CARGO_PKG_VERSION")).unwrap_or_default();
    if wanted > ours {
        return Err(Error::new(
            ErrorKind::RuntimeTooOld,
            format!("the release needs Jicho {minimum}, this is {}: update the app", env!("CARGO_PKG_VERSION")),
        ));
    }
    Ok(())
}

fn triple(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split('.').map(|p| p.parse().ok());
    let triple = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(triple)
}

fn first_duplicate(names: &[String]) -> Option<&String> {
    let mut seen = std::collections::BTreeSet::new();
    names.iter().find(|n| !seen.insert(*n))
}
