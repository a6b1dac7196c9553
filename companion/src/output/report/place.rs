//! Where reports go. A report shows the shop's photos, so it stays private unless the user publishes it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jicho::manifest::Manifest;
use serde::{Deserialize, Serialize};

use crate::error::{Result, at};

/// Where the reports of a models folder go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Into the models folder, beside the release that they are about: whoever can fetch models can read them.
    Published,
    /// Into this folder, below it by channel and version, readable by the user alone.
    Private(PathBuf),
}

/// A report in its place.
pub struct Placed {
    /// The files that are published with the release: name and bytes.
    pub published: Vec<(&'static str, Vec<u8>)>,
    /// The folder with the report's files, where it is private.
    pub folder: Option<PathBuf>,
}

impl Place {
    /// Beside the models folder: `ml-models-reports` for `ml-models`. The reports of a bucket's models go to
    /// `jicho-reports` in the current folder.
    pub fn beside(models: &Path) -> Place {
        let is_bucket = models.to_str().is_some_and(|models| models.starts_with("s3://"));
        let path = std::path::absolute(models).ok().filter(|_| !is_bucket);
        let beside = path.as_deref().and_then(|path| {
            let mut name = OsString::from(path.file_name()?);
            name.push("-reports");
            Some(path.with_file_name(name))
        });
        Place::Private(beside.unwrap_or_else(|| PathBuf::from("jicho-reports")))
    }

    /// Puts the report's `files` into place. Those of a published report are handed back: they become visible with the
    /// release.
    ///
    /// # Errors
    /// When the private folder cannot be written.
    pub fn put(&self, manifest: &Manifest, files: Vec<(&'static str, Vec<u8>)>) -> Result<Placed> {
        let Place::Private(root) = self else { return Ok(Placed { published: files, folder: None }) };
        let folder = root.join(&manifest.channel_id).join(&manifest.version);
        create_private(&folder).map_err(at(&folder))?;
        for (name, bytes) in files {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(at(&path))?;
        }
        Ok(Placed { published: Vec::new(), folder: Some(folder) })
    }
}

/// Creates the folder and its parents, readable by the user alone.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_beside_the_models_and_never_below_them() {
        let current = std::env::current_dir().unwrap();
        let private = |path: PathBuf| Place::Private(path);
        assert_eq!(Place::beside(Path::new("a/ml-models/")), private(current.join("a/ml-models-reports")));
        assert_eq!(Place::beside(Path::new("/srv/ml-models")), private("/srv/ml-models-reports".into()));
        let name = current.file_name().unwrap().to_str().unwrap();
        let beside = current.with_file_name(format!("{name}-reports"));
        assert_eq!(Place::beside(Path::new(".")), private(beside));
        assert_eq!(Place::beside(Path::new("s3://shop/ml-models")), private("jicho-reports".into()));
    }
}
