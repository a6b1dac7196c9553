//! One file over HTTP, with one attempt to resume where the connection breaks.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE};
use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body, ResponseExt};

use super::{DownloadError, Limits, hex, io_at};

/// What has arrived so far; file, count and digest always agree.
pub(super) struct Received<'a> {
    file: &'a mut File,
    path: &'a Path,
    hasher: Sha256,
    /// First bytes, to say what kind of wrong file came.
    start: Vec<u8>,
    got: u64,
}

impl<'a> Received<'a> {
    pub(super) fn new(file: &'a mut File, path: &'a Path) -> Self {
        Self { file, path, hasher: Sha256::new(), start: Vec::new(), got: 0 }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(piece).map_err(io_at(self.path))?;
        self.hasher.update(piece);
        self.start.extend(piece.iter().take(64_usize.saturating_sub(self.start.len())));
        self.got += piece.len() as u64;
        Ok(())
    }

    /// What the bytes look like where they are a frequent wrong answer.
    pub(super) fn hint(&self) -> &'static str {
        let start = self.start.trim_ascii_start();
        if start.starts_with(b"<") {
            " (it looks like a web page, perhaps a sign-in page of the network)"
        } else if start.starts_with(b"version https://git-lfs") {
            " (it is a Git LFS pointer, not the file it points to)"
        } else {
            ""
        }
    }

    pub(super) fn into_sha256(self) -> String {
        hex(&self.hasher.finalize())
    }
}

/// How one connection ended.
enum End {
    /// The server sent all it meant to send.
    Whole,
    /// It broke off; `want` is the full length as far as known.
    Cut { want: Option<u64> },
}

/// Downloads `url` into `received`. The caller checks the digest.
pub(super) fn run(
    url: &str,
    bytes: Option<u64>,
    limits: &Limits,
    received: &mut Received,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), DownloadError> {
    let agent = agent(url, limits);
    if let End::Whole = connect_and_read(&agent, url, bytes, limits, received, progress)? {
        return Ok(());
    }
    match connect_and_read(&agent, url, bytes, limits, received, progress)? {
        End::Whole => Ok(()),
        End::Cut { want } => Err(DownloadError::Truncated { url: url.to_owned(), got: received.got, want }),
    }
}

fn agent(url: &str, limits: &Limits) -> Agent {
    let mut config = Agent::config_builder()
        .user_agent(concat!("jicho/", env!("CARGO_PKG_VERSION")))
        .https_only(url.starts_with("https:"))
        .max_redirects(5)
        .save_redirect_history(true)
        .http_status_as_error(false)
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.stall))
        .timeout_per_read(Some(limits.stall))
        .timeout_per_write(Some(limits.stall));
    // No proxy can reach this machine's own loopback.
    if let Ok(uri) = url.parse::<Uri>()
        && matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"))
    {
        config = config.proxy(None);
    }
    config.build().into()
}

/// One request from where `received` stands, to the end of its answer.
fn connect_and_read(
    agent: &Agent,
    url: &str,
    bytes: Option<u64>,
    limits: &Limits,
    received: &mut Received,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<End, DownloadError> {
    let offset = received.got;
    // Identity: a compressed body would make offsets and lengths mean something else.
    let mut request = agent.get(url).header(ACCEPT_ENCODING, "identity");
    if offset > 0 {
        request = request.header(RANGE, format!("bytes={offset}-"));
    }
    let response = request.call().map_err(|error| classify(error, url, received.got, limits))?;
    refuse_downgrade(url, &response)?;
    let status = response.status();
    let continues = if offset == 0 {
        status == StatusCode::OK
    } else {
        status == StatusCode::PARTIAL_CONTENT && range_start(&response) == Some(offset)
    };
    if !continues {
        // A server that cannot resume has nothing more to give; any other answer is its own error.
        let cannot_resume = offset > 0 && (status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE);
        return Err(if cannot_resume {
            DownloadError::Truncated { url: url.to_owned(), got: offset, want: bytes }
        } else {
            DownloadError::HttpStatus { url: url.to_owned(), status: status.as_u16() }
        });
    }

    let announced = response.body().content_length().and_then(|length| length.checked_add(offset));
    let limit = bytes.unwrap_or(limits.largest);
    let too_large = || DownloadError::TooLarge { url: url.to_owned(), limit };
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let total = bytes.or(announced);
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    progress(received.got, total);
    loop {
        match body.read(&mut buffer) {
            // Without a length, a closed connection is the only sign of the end, whether meant or not.
            Ok(0) if announced.is_none() && total.is_some_and(|want| received.got < want) => {
                return Ok(End::Cut { want: total });
            }
            Ok(0) => return Ok(End::Whole),
            Ok(n) if received.got + n as u64 > limit => return Err(too_large()),
            Ok(n) => received.push(&buffer[..n])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => match ureq::Error::from(error) {
                error @ ureq::Error::Timeout(_) => {
                    return Err(classify(error, url, received.got, limits));
                }
                _ => return Ok(End::Cut { want: total }),
            },
        }
        progress(received.got, total);
    }
}

/// The first offset of a `Content-Range: bytes 5-9/10`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let value = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    value.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Redirects may gain encryption but never lose it.
fn refuse_downgrade(url: &str, response: &Response<Body>) -> Result<(), DownloadError> {
    let history = response.get_redirect_history().unwrap_or_default();
    let lost = history.windows(2).find(|pair| pair[0].scheme_str() == Some("https") && is_plain(&pair[1]));
    match lost {
        Some(pair) => Err(DownloadError::InsecureRedirect { url: url.to_owned(), to: pair[1].to_string() }),
        None => Ok(()),
    }
}

fn is_plain(uri: &Uri) -> bool {
    uri.scheme_str() != Some("https")
}

fn classify(error: ureq::Error, url: &str, got: u64, limits: &Limits) -> DownloadError {
    use ureq::Timeout;
    let url = url.to_owned();
    match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            DownloadError::Connect { url, reason: format!("no answer within {} s", limits.connect.as_secs_f32()) }
        }
        ureq::Error::Timeout(_) => DownloadError::Stalled { url, got, after: limits.stall },
        ureq::Error::StatusCode(status) => DownloadError::HttpStatus { url, status },
        ureq::Error::RequireHttpsOnly(to) => DownloadError::InsecureRedirect { url, to },
        error => DownloadError::Connect { url, reason: error.to_string() },
    }
}
