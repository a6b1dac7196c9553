//! A published channel, to tell what spoiling does to recognition.

use std::path::Path;

use jicho::frame::Frame;
use jicho::{Manifest, Recognition, Recognizer};

use super::degrade::Picture;

pub struct Channel(Recognizer);

impl Channel {
    /// The channel `name` of a models folder.
    pub fn load(models: &str, name: &str) -> Self {
        let read = |path: &str| std::fs::read(Path::new(models).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let manifest = Manifest::parse(&read(&format!("{name}/latest/metadata.json"))).expect("a manifest");
        let files: Vec<_> = manifest.needed().map(|file| (file.role, read(&file.url))).collect();
        let file = |role| Ok(files.iter().find(|f| f.0 == role).expect("a needed file").1.as_slice());
        Channel(Recognizer::load(manifest.clone(), file).expect("a model of this version"))
    }

    pub fn recognize(&self, frame: &Frame<'_>) -> Recognition {
        self.0.recognize(frame).expect("an answer")
    }

    /// The product that a picture is taken for.
    pub fn answer(&self, picture: &Picture) -> String {
        picture.as_frame(|frame| self.recognize(frame)).predictions.swap_remove(0).label
    }
}
