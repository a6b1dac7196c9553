//! A bucket of an S3-style service: `s3://bucket/prefix`, with credentials, region and endpoint from the usual `AWS_…`
//! variables. Every object is written as a whole. The two objects that several publishers write, the release in force and the
//! lock, are replaced only if they are still what was read (`If-Match`).

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, Error as Failure, ObjectStore, PutMode, RetryConfig};
use tokio::runtime::Runtime;

use super::lease::Lease;
use super::objects::{Objects, over};
use super::{Current, Entry, Lock, Store};
use crate::error::{Error, Result};

const LOCK: &str = ".lock";
/// Per request. Slow connections need long for a network's file; retries find out when the connection is dead.
const TIMEOUT: &str = "10 minutes";
/// How often a request is retried that the service failed to answer.
const RETRIES: usize = 5;

/// A models folder in a bucket.
pub struct Bucket {
    runtime: Runtime,
    objects: Arc<Objects>,
}

impl Bucket {
    /// The models folder at `address`, which is `bucket` or `bucket/prefix`. Sends no request yet.
    ///
    /// # Errors
    /// `STORE`: an address that cannot be one, `AWS_…` variables that cannot be used.
    pub fn open(address: &str) -> Result<Self> {
        let unusable = |why: &dyn std::fmt::Display| {
            let address = format!("s3://{address}");
            Error::Store(format!(
                "{address} cannot be used: {why}; write s3://BUCKET/FOLDER and set AWS_REGION, or AWS_ENDPOINT_URL for services other than Amazon's"
            ))
        };
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        if !is_bucket(bucket) {
            return Err(unusable(&"a bucket's name has 3 to 63 of a–z 0–9 . -"));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.starts_with('/') {
            return Err(unusable(&"its folder begins with a second /"));
        }
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if std::env::var_os("AWS_TIMEOUT").is_none() {
            builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), TIMEOUT);
        }
        let told = |key: AmazonS3ConfigKey| builder.get_config_value(&key);
        let anonymous = told(AmazonS3ConfigKey::AccessKeyId).is_none();
        let endpoint = told(AmazonS3ConfigKey::S3Endpoint).or(told(AmazonS3ConfigKey::Endpoint));
        // The client library would panic on these later.
        let region = told(AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".into());
        if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(unusable(&format_args!("AWS_REGION is `{region}`")));
        }
        if let Some(bad) = endpoint.as_ref().filter(|e| !is_endpoint(e)) {
            return Err(unusable(&format_args!("AWS_ENDPOINT_URL is `{bad}`, not like https://s3.example.org")));
        }
        // Plain HTTP is allowed if the endpoint says so: requests are signed, and models are no secret.
        let plain = endpoint.as_ref().is_some_and(|e| e.starts_with("http://"));
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
        let retry = RetryConfig { backoff, max_retries: RETRIES, ..RetryConfig::default() };
        let builder = if plain { builder.with_allow_http(true) } else { builder };
        // Not every service supports deleting many objects in one request.
        let s3 = builder.with_retry(retry).with_disable_bulk_delete(true).build().map_err(|e| unusable(&e))?;
        let root = Path::parse(prefix).map_err(|e| unusable(&e))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| unusable(&e))?;
        let endpoint = endpoint.unwrap_or_else(|| "Amazon".into());
        let objects = Objects { s3, root, bucket: bucket.to_owned(), endpoint, anonymous };
        Ok(Bucket { runtime, objects: Arc::new(objects) })
    }
}

/// Whether a bucket can have that name. Other names would change the URL's meaning.
fn is_bucket(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    (3..=63).contains(&name.len()) && name.chars().all(inner) && !name.starts_with(['.', '-'])
}

fn is_endpoint(address: &str) -> bool {
    let uri = address.parse::<axum::http::Uri>().ok();
    uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
    })
}

impl Store for Bucket {
    fn show(&self, path: &str) -> String {
        self.objects.show(path)
    }

    fn current(&self, path: &str) -> Result<Option<Current>> {
        self.runtime.block_on(self.objects.read(path))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let put = self.objects.put(path, bytes, PutMode::Overwrite);
        self.runtime.block_on(put).map(drop).map_err(|e| self.objects.failure(path, &e))
    }

    fn replace(&self, path: &str, bytes: &[u8], before: Option<&Current>) -> Result<()> {
        let mode = before.map_or(PutMode::Create, |before| over(before.tag.clone()));
        self.runtime.block_on(async {
            match self.objects.put(path, bytes, mode).await {
                Ok(_) => Ok(()),
                // An attempt may have succeeded although its response was lost; the retry is then refused.
                Err(_) if matches!(self.objects.read(path).await, Ok(Some(there)) if there.bytes == bytes) => Ok(()),
                Err(Failure::Precondition { .. } | Failure::AlreadyExists { .. }) => Err(Error::Locked(format!(
                    "{} was written by somebody else meanwhile, and stays as it is; publish again",
                    self.show(path)
                ))),
                Err(e) => Err(self.objects.failure(path, &e)),
            }
        })
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.runtime.block_on(self.objects.remove(path))
    }

    fn remove_folder(&self, folder: &str) -> Result<()> {
        for entry in self.list(folder)? {
            let path = format!("{folder}/{}", entry.name);
            if entry.folder { self.remove_folder(&path)? } else { self.remove(&path)? }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>> {
        let at = self.objects.path(folder)?;
        let listed = self.runtime.block_on(self.objects.s3.list_with_delimiter(Some(&at)));
        let listed = listed.map_err(|e| self.objects.failure(folder, &e))?;
        let name = |path: &Path| path.filename().unwrap_or_default().to_owned();
        let folders = listed.common_prefixes.iter().map(|p| Entry { name: name(p), folder: true, bytes: 0 });
        let files = listed.objects.iter().map(|o| Entry { name: name(&o.location), folder: false, bytes: o.size });
        let mut found: Vec<Entry> = folders.chain(files).collect();
        found.sort();
        Ok(found)
    }

    fn is_listing_cheap(&self) -> bool {
        false
    }

    fn is_empty(&self, folder: &str) -> Result<bool> {
        let at = format!("{}/", self.objects.path(folder)?);
        let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        let listed = self.runtime.block_on(self.objects.s3.list_paginated(Some(&at), options));
        Ok(listed.map_err(|e| self.objects.failure(folder, &e))?.result.objects.is_empty())
    }

    fn lock(&self) -> Result<Box<dyn Lock + '_>> {
        let lease = self.runtime.block_on(Lease::take(Arc::clone(&self.objects), LOCK))?;
        Ok(Box::new(Locked { bucket: self, renewing: lease.renewing(self.runtime.handle()), lease }))
    }

    fn check_writable(&self) -> Result<()> {
        self.runtime.block_on(Lease::prepare(&self.objects, LOCK))
    }
}

struct Locked<'a> {
    bucket: &'a Bucket,
    lease: Arc<Lease>,
    renewing: tokio::task::JoinHandle<()>,
}

impl Lock for Locked<'_> {
    fn check(&self) -> Result<()> {
        self.bucket.runtime.block_on(self.lease.renew())
    }

    fn sweep(&self) -> Result<()> {
        // Objects are written as a whole, so there are no leftovers.
        Ok(())
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.renewing.abort();
        self.bucket.runtime.block_on(self.lease.give_back());
    }
}
