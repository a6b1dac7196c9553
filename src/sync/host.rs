//! What a sync asks of the host, in the words of HTTP; whoever speaks HTTP decides nothing.

use crate::error::Result;

/// A GET.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Absolute; always below the models' base URL, so of its origin.
    pub url: &'a str,
    /// Whether the file can change: then no cache may answer without asking. Else no cache is asked at all: the store has
    /// the bytes already, and a damaged copy in a cache would never heal.
    pub mutable: bool,
    /// `If-None-Match`.
    pub unless: Option<&'a str>,
    /// `Range: bytes=…-`; 0 asks for all.
    pub from: u64,
    /// `If-Range`, a strong ETag.
    pub only_if: Option<&'a str>,
    /// `Authorization: Bearer …`. No redirect may be followed with one.
    pub token: Option<&'a str>,
}

/// What an answer says before its body. A header that the host does not show is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// The first byte that `Content-Range` names.
    pub start: Option<u64>,
    /// Whether there is a `Content-Encoding`: what `length` and `start` count are then not the file's bytes.
    pub encoded: bool,
    /// Where the answer came from.
    pub redirect: Redirect,
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirect {
    /// The origin that was asked.
    #[default]
    Home,
    /// Another origin, after a redirect.
    Elsewhere,
    /// A redirect that was not followed, because a token was sent.
    Refused,
}

/// The body of an answer. Dropped before its end, it closes the connection.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Body {
    /// Appends what comes next; false at the end.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Network`] when the connection broke or brought nothing for too long,
    /// [`crate::ErrorKind::Aborted`].
    async fn read(&mut self, into: &mut Vec<u8>) -> Result<bool>;
}

/// Where releases are published. The futures need not be `Send`.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Host {
    /// Of its answers.
    type Body: Body;

    /// Sends a request.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Network`], [`crate::ErrorKind::Aborted`]. A status is no error.
    async fn send(&self, request: &Request<'_>) -> Result<(Head, Self::Body)>;

    /// Asks the app for its access token, or for a fresh one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthorized`] when the app fails to give one, [`crate::ErrorKind::Aborted`].
    async fn token(&self, refresh: bool) -> Result<Option<String>>;

    /// Waits before the retry of that number, from 1.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Aborted`].
    async fn pause(&self, retry: u32) -> Result<()>;

    /// Milliseconds since 1970.
    fn now(&self) -> f64;

    /// Whether to go on.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Aborted`].
    fn ended(&self) -> Result<()>;
}
