//! Recognises photos with a release in a folder, as `jicho train` publishes it:
//! `cargo run --example recognize -- ml-models/T_1 photo.jpg …`

use std::error::Error;
use std::fs;
use std::path::Path;

use jicho::manifest::FileRole;
use jicho::{ErrorKind, Frame, Manifest, Recognizer};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let channel = arguments.next().ok_or("usage: recognize CHANNEL_FOLDER PHOTO…")?;
    let recognizer = load(Path::new(&channel))?;
    for photo in arguments {
        let image = image::open(&photo)?.to_rgba8();
        let answer = recognizer.recognize(&Frame::new(image.width(), image.height(), &image)?)?;
        println!("{}: {:?} ({:?})", Path::new(&photo).display(), answer.decision, answer.reason);
        for prediction in answer.predictions.iter().take(3) {
            println!("  {:5.1} %  {}", 100.0 * prediction.confidence, prediction.label);
        }
    }
    Ok(())
}

/// Loads the latest release of a channel and checks that it answers here as it did when it was published.
fn load(channel: &Path) -> Result<Recognizer, Box<dyn Error>> {
    let models = channel.parent().ok_or("the channel's folder lies in the models folder")?;
    let manifest = Manifest::parse(&fs::read(channel.join("latest/metadata.json"))?)?;
    let mut files = Vec::new();
    for file in manifest.needed() {
        files.push((file.role, fs::read(models.join(&file.url))?));
    }
    let recognizer = Recognizer::load(manifest, |role: FileRole| {
        let file = files.iter().find(|(of, _)| *of == role);
        file.map(|(_, bytes)| bytes.as_slice())
            .ok_or_else(|| jicho::Error::new(ErrorKind::InvalidModel, "the release lacks a file that it needs"))
    })?;
    recognizer.check_golden()?;
    Ok(recognizer)
}
