//! The objects of a bucket below the models folder: reading, conditional writing, and what a failure means for the user.

use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error as Failure, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};

use super::Current;
use crate::error::{Error, Result};

/// The objects below the models folder.
pub(super) struct Objects {
    pub(super) s3: AmazonS3,
    pub(super) root: Path,
    pub(super) bucket: String,
    pub(super) endpoint: String,
    pub(super) anonymous: bool,
}

impl Objects {
    pub(super) fn path(&self, path: &str) -> Result<Path> {
        let whole = format!("{}/{path}", self.root);
        Path::parse(whole.trim_matches('/')).map_err(|e| Error::Store(format!("{}: {e}", self.show(path))))
    }

    pub(super) fn show(&self, path: &str) -> String {
        let root = self.root.as_ref();
        let gap = if root.is_empty() { "" } else { "/" };
        format!("s3://{}/{root}{gap}{path}", self.bucket)
    }

    pub(super) async fn read(&self, path: &str) -> Result<Option<Current>> {
        let got = match self.s3.get(&self.path(path)?).await {
            Err(e @ Failure::NotFound { .. }) if !lacks_bucket(&e) => return Ok(None),
            got => got.map_err(|e| self.failure(path, &e))?,
        };
        let tag = got.meta.e_tag.clone();
        let bytes = got.bytes().await.map_err(|e| self.failure(path, &e))?;
        Ok(Some(Current { bytes: bytes.to_vec(), tag }))
    }

    /// Writes an object and returns its tag.
    pub(super) async fn put(&self, path: &str, bytes: &[u8], mode: PutMode) -> Result<Option<String>, Failure> {
        let at = Path::parse(format!("{}/{path}", self.root).trim_matches('/'))?;
        let mut attributes = Attributes::new();
        let kind = if path.ends_with(".json") { "application/json" } else { "application/octet-stream" };
        attributes.insert(Attribute::ContentType, kind.into());
        // The bucket may serve the files to devices itself (docs/formats/metadata.md).
        let immutable = path.starts_with("blobs/") || path.contains("/versions/");
        let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        attributes.insert(Attribute::CacheControl, cache.into());
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        Ok(self.s3.put_opts(&at, bytes.to_vec().into(), options).await?.e_tag)
    }

    pub(super) async fn remove(&self, path: &str) -> Result<()> {
        match self.s3.delete(&self.path(path)?).await {
            Err(Failure::NotFound { .. }) | Ok(()) => Ok(()),
            Err(e) => Err(self.failure(path, &e)),
        }
    }

    /// An error that says what went wrong and what to do about it.
    pub(super) fn failure(&self, path: &str, failure: &Failure) -> Error {
        let (shown, bucket, endpoint) = (self.show(path), &self.bucket, &self.endpoint);
        Error::Store(match failure {
            Failure::NotFound { .. } => format!(
                "there is no bucket `{bucket}` at {endpoint}: create it, or check the address, AWS_REGION and \
                 AWS_ENDPOINT_URL"
            ),
            Failure::PermissionDenied { source, .. } | Failure::Unauthenticated { source, .. } => format!(
                "{shown}: access denied; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they may get, \
                 put, delete and list objects there ({source})"
            ),
            other if self.anonymous => format!(
                "{shown}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which are not set; nothing else gave \
                 credentials ({other})"
            ),
            other => format!(
                "{shown}: {endpoint} cannot be used; check the network, AWS_ENDPOINT_URL and AWS_REGION, and try \
                 again ({other})"
            ),
        })
    }
}

/// Whether the whole bucket is missing. Its status is 404, as for a missing object; the service's error code differs.
fn lacks_bucket(failure: &Failure) -> bool {
    failure.to_string().contains("NoSuchBucket")
}

/// Replaces the object that has this tag, and no other.
pub(super) fn over(tag: Option<String>) -> PutMode {
    PutMode::Update(UpdateVersion { e_tag: tag, version: None })
}
