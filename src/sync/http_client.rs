//! Sends requests with the app's access token, and fetches metadata.json files.

use futures_util::lock::Mutex;

use super::{Body, Head, Host, Redirect, Request};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest;

/// A host, with the access token that the app gave for this sync. The token is kept no longer than the sync.
pub(super) struct HttpClient<'a, H> {
    host: &'a H,
    token: Mutex<Token>,
}

#[derive(Clone, Default)]
struct Token {
    value: Option<String>,
    /// How often the app was asked: once for a token, and once more for a fresh one.
    asked: u8,
}

/// The host's answer to a request for a metadata.json.
pub(super) enum MetadataResponse {
    File {
        bytes: Vec<u8>,
        etag: Option<String>,
    },
    /// Status 304.
    Unchanged,
    /// Status 404.
    Absent,
}

impl<'a, H: Host> HttpClient<'a, H> {
    pub(super) fn new(host: &'a H) -> Self {
        HttpClient { host, token: Mutex::default() }
    }

    pub(super) fn host(&self) -> &'a H {
        self.host
    }

    /// Sends a request with the app's token in place of `request.token`. After a 401 it is sent once more with a fresh
    /// token.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<(Head, H::Body)> {
        let url = request.url;
        let mut token = self.token().await?;
        loop {
            let (head, body) = self.host.send(&Request { token: token.value.as_deref(), ..*request }).await?;
            if head.redirect == Redirect::NotFollowed {
                let message = format!("{url} redirects, which is not followed with an access token");
                return Err(Error::new(ErrorKind::HttpStatus, message));
            }
            match head.status {
                401 => token = self.fresher_than(&token, url).await?,
                403 => {
                    let message = format!("{url}: HTTP status 403: forbidden, or on S3-style storage perhaps missing");
                    return Err(Error::new(ErrorKind::Unauthorized, message));
                }
                _ => return Ok((head, body)),
            }
        }
    }

    /// Fetches a metadata.json. It must come from the origin that was asked, because without a signature nothing else
    /// vouches for it.
    pub(super) async fn metadata(&self, url: &str, etag: Option<&str>) -> Result<MetadataResponse> {
        let request = Request { url, mutable: true, if_none_match: etag, range_start: 0, if_range: None, token: None };
        let (head, mut body) = self.send(&request).await?;
        if head.redirect == Redirect::OtherOrigin {
            let message = format!("{url} redirects to another origin, which no metadata.json is taken from");
            return Err(Error::new(ErrorKind::HttpStatus, message));
        }
        match head.status {
            404 => return Ok(MetadataResponse::Absent),
            304 if etag.is_some() => return Ok(MetadataResponse::Unchanged),
            200..=299 => {}
            status => return Err(bad_status(url, status)),
        }
        let mut bytes = Vec::new();
        // Reading stops above the limit; `Manifest::parse` then refuses the file.
        while body.read(&mut bytes).await? && bytes.len() <= manifest::MAX_BYTES {}
        Ok(MetadataResponse::File { bytes, etag: head.etag })
    }

    async fn token(&self) -> Result<Token> {
        let mut token = self.token.lock().await;
        if token.asked == 0 {
            *token = Token { value: self.host.token(false).await?, asked: 1 };
        }
        Ok(token.clone())
    }

    /// A fresher token than the one that the host refused. However many requests are refused at the same time, the app is
    /// asked once.
    async fn fresher_than(&self, refused: &Token, url: &str) -> Result<Token> {
        let mut token = self.token.lock().await;
        if token.asked == 1 {
            *token = Token { value: self.host.token(true).await?, asked: 2 };
        }
        if refused.asked == token.asked || token.value.is_none() {
            let none = refused.value.is_none() && token.value.is_none();
            let why = if none { "an access token is needed" } else { "the access token is not accepted" };
            return Err(Error::new(ErrorKind::Unauthorized, format!("{url}: HTTP status 401: {why}")));
        }
        Ok(token.clone())
    }
}

pub(super) fn bad_status(url: &str, status: u16) -> Error {
    Error::new(ErrorKind::HttpStatus, format!("{url}: HTTP status {status}"))
}
