//! What a sync asks of the host, in terms of HTTP. Implementations only transport: every decision about statuses and
//! headers is made in this module's siblings, where tests reach it.

use crate::error::Result;

/// A GET request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Absolute, and always below the models' base URL, so of its origin.
    pub url: &'a str,
    /// Whether the file can change. For such a file, caches must revalidate before they answer. For a file that cannot
    /// change, no cache is asked at all: the store has the bytes already, and a damaged copy in a cache would never heal.
    pub mutable: bool,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `Range: bytes=N-`; 0 asks for the whole file.
    pub range_start: u64,
    /// `If-Range`: a strong `ETag`.
    pub if_range: Option<&'a str>,
    /// `Authorization: Bearer …`. With a token, no redirect may be followed.
    pub token: Option<&'a str>,
}

/// What a response says before its body. A header that the host does not expose is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// The first byte that `Content-Range` names.
    pub range_start: Option<u64>,
    /// Whether there is a `Content-Encoding`. `length` and `range_start` then do not count the file's own bytes.
    pub encoded: bool,
    /// Where the response came from.
    pub redirect: Redirect,
}

/// Where a response came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirect {
    /// The origin that was asked.
    #[default]
    SameOrigin,
    /// Another origin, after a redirect.
    OtherOrigin,
    /// A redirect that was not followed, because a token was sent.
    NotFollowed,
}

/// The body of a response. Dropped before [`Body::read`] has returned false or [`Body::finish`] was called, it cancels the
/// request.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Body {
    /// Appends the next bytes; false at the end.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Network`] when the connection broke or brought nothing for too long,
    /// [`crate::ErrorKind::Aborted`].
    async fn read(&mut self, into: &mut Vec<u8>) -> Result<bool>;

    /// All bytes have come, although the end was not read: the request counts as complete, and is not cancelled.
    fn finish(&mut self);
}

/// Where releases are published. The futures need not be `Send`.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Host {
    /// The body of its responses.
    type Body: Body;

    /// Sends a request.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Network`], with the cause as far as it is known; [`crate::ErrorKind::Aborted`]. A status is no
    /// error.
    async fn send(&self, request: &Request<'_>) -> Result<(Head, Self::Body)>;

    /// Asks the app for its access token, or for a fresh one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthorized`] when the app fails to give one in time, [`crate::ErrorKind::Aborted`].
    async fn token(&self, refresh: bool) -> Result<Option<String>>;

    /// Waits before retry number `retry`, counted from 1.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Aborted`].
    async fn pause(&self, retry: u32) -> Result<()>;

    /// The device's clock, milliseconds since 1970.
    fn now(&self) -> f64;

    /// Whether the sync should go on.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Aborted`] once the caller has aborted.
    fn check_aborted(&self) -> Result<()>;
}
