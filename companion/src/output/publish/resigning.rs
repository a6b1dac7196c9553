//! Checks of published files that are about to be signed anew, or on whose word another one is. Whoever can write to the store
//! must not be able to have a file of their own signed, a candidate signed as the release in force, or an old release put into
//! force again.

use jicho::manifest::signature::{Form, Role};

use super::catalog::Facts;
use super::latest::Latest;
use super::{Target, catalog, sequence, signing};
use crate::digest::sha256;
use crate::error::Result;

impl Target {
    /// Checks the `latest/metadata.json`: it must be signed as such, and be the newest that was published.
    pub(super) fn check_latest(&self, latest: &Latest) -> Result<()> {
        let (store, channel) = (&*self.store, self.channel.as_str());
        let path = catalog::latest_path(channel);
        if self.check_role(&latest.current.bytes, Role::Latest, &path)?.is_none() || self.sequence.disregard_future {
            return Ok(());
        }
        // The number of another file in the candidate's place says nothing.
        let candidate = match &latest.facts.candidate {
            Some(named) => store.read(&named.url(channel))?.filter(|file| sha256(file) == named.sha256),
            None => None,
        };
        let candidate = candidate.and_then(|file| serde_json::from_slice::<Facts>(&file).ok()).map(|c| c.release_seq);
        let there = candidate.max(Some(latest.facts.release_seq));
        match sequence::noted(store, channel)? {
            noted if noted <= there => Ok(()),
            noted => Err(signing::unproven(format!(
                "{} is older than what was published last (releaseSeq {}): an old file was put in its place, or a \
                 publication was cut off; publish a release or roll back to one, or check the file and pass --resign",
                store.show(&path),
                noted.unwrap_or_default()
            ))),
        }
    }

    /// Checks that the file at `path` is signed for `role`. A file of the first form has no role, so it does only in a channel
    /// that has none of the second form. In which form it is signed, as [`signing::Signing::check_before_resigning`] says.
    pub(super) fn check_role(&self, file: &[u8], role: Role, path: &str) -> Result<Option<Form>> {
        let shown = self.store.show(path);
        let form = self.signing.check_before_resigning(file, &[role], &shown)?;
        if form == Some(Form::First) && self.has_roles()? {
            return Err(signing::unproven(format!(
                "{shown} is signed in the old form, which says nothing about its use, and other releases of the channel \
                 are not: an old file was put in its place; check it, and pass --resign"
            )));
        }
        Ok(form)
    }

    /// Checks that the file at `path` was signed by the publisher, whatever for: any release that was once published may be
    /// returned to by its name.
    pub(super) fn check_older(&self, file: &[u8], path: &str) -> Result<()> {
        let roles = [Role::Latest, Role::Candidate];
        self.signing.check_before_resigning(file, &roles, &self.store.show(path)).map(drop)
    }

    /// Whether a version of the channel has a signature of the second form by the publisher.
    fn has_roles(&self) -> Result<bool> {
        let folder = format!("{}/versions", self.channel);
        for version in self.store.list(&folder)?.into_iter().filter(|entry| entry.folder) {
            let path = catalog::metadata_path(&self.channel, &version.name);
            let Some(file) = self.store.read(&path)? else { continue };
            let roles = [Role::Latest, Role::Candidate];
            if let Ok(Some(Form::Second)) = self.signing.check_before_resigning(&file, &roles, &path) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
