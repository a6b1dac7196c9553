//! Whose signatures a device accepts for a channel, and in which form.

use std::rc::Rc;

use super::channel_notes::ChannelNotes;
use crate::error::Result;
use crate::manifest::signature::{self, Form, KeyList, Role, TrustedKeys};

/// Whose signatures count. Never changed in place: a sync makes a new one, keeps it once a release that it accepts answers,
/// and notes it for later sessions once the stored release is one that it accepts, so that a device is never left with a
/// stored release that it no longer accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChannelTrust {
    pinned: TrustedKeys,
    /// The pinned keys, or those of the newest key list that led on from them.
    pub(super) trusted: TrustedKeys,
    /// The oldest form of signatures that is accepted.
    accepted: Form,
}

impl ChannelTrust {
    /// What an app that pins `pinned` accepts after all that was noted of the channel.
    pub(super) fn new(pinned: TrustedKeys, notes: &ChannelNotes) -> Self {
        let accepted = if notes.signature_form >= 2 { Form::Second } else { Form::First };
        // Another app version may pin other keys; then the lists are followed anew, from those.
        let adopted = notes.key_list.as_ref().filter(|_| notes.pinned == names(&pinned));
        let trusted = adopted.and_then(KeyList::trusted_keys).unwrap_or_else(|| pinned.clone());
        ChannelTrust { pinned, trusted, accepted }
    }

    /// How many keys the app pinned; 0 where it asks for no signature.
    pub(super) fn pinned_keys(&self) -> usize {
        self.pinned.keys.len()
    }

    /// Checks the signature of a metadata.json, where the app asks for one.
    pub(super) fn verify(&self, metadata: &[u8], role: Role) -> Result<()> {
        self.form_of(metadata, role).map(drop)
    }

    fn form_of(&self, metadata: &[u8], role: Role) -> Result<Form> {
        if self.trusted.keys.is_empty() {
            return Ok(Form::First);
        }
        signature::verify(metadata, role, &self.trusted, self.accepted)
    }

    /// The trust after a metadata.json of that role with these key lists, which is verified with it.
    pub(super) fn after(self: &Rc<Self>, metadata: &[u8], role: Role, lists: &[KeyList]) -> Result<Rc<Self>> {
        let mut next = (**self).clone();
        next.trusted = next.trusted.followed(lists);
        let form = next.form_of(metadata, role)?;
        next.accepted = next.accepted.max(form);
        Ok(self.or(next))
    }

    /// The stricter of this and what `notes` say.
    pub(super) fn merged(self: &Rc<Self>, notes: &ChannelNotes) -> Rc<Self> {
        let mut next = ChannelTrust::new(self.pinned.clone(), notes);
        if self.trusted.version > next.trusted.version {
            next.trusted = self.trusted.clone();
        }
        next.accepted = next.accepted.max(self.accepted);
        self.or(next)
    }

    /// `next`, or the same trust as before where nothing has changed, so that what was verified with it stays verified.
    fn or(self: &Rc<Self>, next: Self) -> Rc<Self> {
        if next == **self { Rc::clone(self) } else { Rc::new(next) }
    }

    /// Notes what the next session of this app must know.
    pub(super) fn note(&self, notes: &mut ChannelNotes) {
        notes.signature_form = if self.accepted == Form::Second { 2 } else { notes.signature_form };
        notes.pinned = names(&self.pinned);
        notes.key_list = (self.trusted.version > 0).then(|| KeyList {
            version: self.trusted.version,
            threshold: self.trusted.threshold,
            keys: self.trusted.keys.iter().map(signature::PublicKey::to_hex).collect(),
            signatures: Vec::new(),
        });
    }
}

/// Tells one set of pinned keys from another.
fn names(pinned: &TrustedKeys) -> String {
    let mut text = pinned.threshold.to_string();
    for key in &pinned.keys {
        text.push(' ');
        text.push_str(&key.name());
    }
    text
}
