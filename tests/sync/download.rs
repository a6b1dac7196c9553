//! Fetching files: side by side, counted, gone on with after a cut.

use fixture::publish;
use jicho::manifest::FileRole;

use super::fakes::{Asked, CHUNK, Fault};
use super::*;

/// A release whose head is large enough to be cut anywhere, and the URL and the length of that head.
fn release() -> (Published, String, usize) {
    let published = publish("T_1", 1, &["a", "b", "c", "d", "e", "f", "g", "h"]);
    let (url, bytes) = published.file(FileRole::Head);
    (published, url, bytes.len())
}

fn progress(session: &TestSession<'_>, host: &FakeHost) -> (Result<Outcome>, Vec<(u64, u64)>) {
    let mut seen = Vec::new();
    let result = block_on(session.sync(&host, &mut |loaded, total| seen.push((loaded, total)), &mut |_| {}));
    (result, seen)
}

/// From where on a file was asked for.
fn starts(host: &FakeHost, url: &str) -> Vec<u64> {
    host.asked_for(url).iter().map(|asked| asked.range_start).collect()
}

#[test]
fn progress_is_byte_accurate() {
    let (published, ..) = release();
    let store = FakeStore::default();
    let (result, seen) = progress(&open(&store), &FakeHost::of(&published));
    assert_eq!(result, Ok(Outcome::Updated));
    let total = published.manifest.total_bytes();
    assert!(seen.iter().all(|&(_, t)| t == total));
    assert_eq!((seen[0].0, seen.last().unwrap().0), (0, total));
    assert!(seen.windows(2).all(|two| two[0].0 < two[1].0), "{seen:?}");
    // A hundredth may go untold.
    assert!(seen.windows(2).all(|two| two[1].0 - two[0].0 <= CHUNK as u64 + total / 100), "{seen:?}");
    let (_, seen) = progress(&open(&store), &FakeHost::of(&published));
    assert_eq!(seen, [], "nothing to fetch, nothing to tell");
}

#[test]
fn files_come_side_by_side() {
    let (published, ..) = release();
    let host = FakeHost::of(&published);
    sync(&open(&FakeStore::default()), &host).unwrap();
    assert_eq!(host.most_open.get(), 3);
}

#[test]
fn a_cut_anywhere_costs_no_byte_twice() {
    let (published, url, length) = release();
    for etags in [false, true] {
        for cut in (0..length).step_by(length / 10).chain([length - 1]) {
            let host = FakeHost::of(&published);
            host.etags.set(etags);
            host.fail(&url, [Fault::Cut(cut)]);
            let store = FakeStore::default();
            let (result, seen) = progress(&open(&store), &host);
            assert_eq!(result, Ok(Outcome::Updated), "cut at {cut}");
            assert!(seen.is_sorted());
            let asked = host.asked_for(&url);
            assert_eq!(asked.iter().map(|a| a.range_start).collect::<Vec<_>>(), [0, cut as u64]);
            let etag = (etags && cut > 0)
                .then(|| format!("\"{}\"", &published.manifest.file(FileRole::Head).unwrap().sha256[..8]));
            assert_eq!(asked[1].if_range, etag);
            assert_eq!(host.pauses.get(), 1);
            assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
        }
    }
}

#[test]
fn a_weak_etag_does_not_tell_whether_a_file_is_the_same() {
    let (published, url, _) = release();
    let host = FakeHost::of(&published);
    host.etags.set(true);
    host.weak.set(true);
    host.fail(&url, [Fault::Cut(99)]);
    let store = FakeStore::default();
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
    let asked = host.asked();
    let resumed = asked.iter().find(|asked| asked.range_start == 99).unwrap();
    assert_eq!(resumed.if_range, None);
    // For an unchanged metadata.json it is good enough.
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Current));
    assert!(host.asked()[0].if_none_match.as_ref().unwrap().starts_with("W/"));
}

#[test]
fn what_came_before_a_sync_failed_is_kept_for_the_next() {
    let (published, url, length) = release();
    let host = FakeHost::of(&published);
    let store = FakeStore::default();
    let session = open(&store);
    host.fail(&url, vec![Fault::Cut(7); 4]);
    let (result, _) = progress(&session, &host);
    assert_eq!(kind(result), ErrorKind::Network);
    assert_eq!(starts(&host, &url), [0, 7, 14, 21], "some retries, then it is told");
    assert_eq!(version(&session), None);
    let others: u64 =
        [FileRole::Plan, FileRole::Space].map(|role| published.manifest.file(role).unwrap().bytes).iter().sum();
    let kept = diagnose(&session).kept_bytes as u64;
    assert!((28..=28 + others).contains(&kept), "{kept}");

    let (result, seen) = progress(&session, &host);
    assert_eq!(result, Ok(Outcome::Updated));
    assert_eq!(seen[0].0, kept, "what is here already counts");
    assert_eq!(seen.last().unwrap().0, others + length as u64);
    let asked = host.asked();
    assert_eq!(asked.iter().find(|a| a.url == url).unwrap().range_start, 28);
    assert_eq!(diagnose(&session).kept_bytes, 0);
    assert!(loaded(&session).stored());
}

#[test]
fn another_releases_pieces_are_not_kept() {
    let (published, url, _) = release();
    let store = FakeStore::default();
    let session = open(&store);
    let host = FakeHost::of(&published);
    host.fail(&url, vec![Fault::Cut(7); 4]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::Network);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 2, A))), Ok(Outcome::Updated));
    assert_eq!(diagnose(&session).kept_bytes, 0);
}

#[test]
fn hosts_without_ranges_begin_anew() {
    let (published, url, length) = release();
    let host = FakeHost::of(&published);
    host.fail(&url, [Fault::Cut(99), Fault::Whole]);
    let store = FakeStore::default();
    let (result, seen) = progress(&open(&store), &host);
    assert_eq!(result, Ok(Outcome::Updated));
    assert_eq!(starts(&host, &url), [0, 99]);
    assert!(!seen.is_sorted(), "what is thrown away does not count");
    assert!(seen.iter().all(|s| s.0 <= s.1));
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"));

    // Such as refuse them, or answer with something else than was asked for.
    for (faults, asked) in [
        (vec![Fault::Cut(99), Fault::Status(416)], vec![0, 99, 0]),
        (vec![Fault::Cut(99), Fault::Elsewhere], vec![0, 99, 0]),
        (vec![Fault::Cut(99), Fault::Encoded], vec![0, 99, 0]),
        // The connection; after the second time perhaps a proxy that lets no range through.
        (vec![Fault::Cut(99), Fault::Silent], vec![0, 99, 99]),
        (vec![Fault::Cut(99), Fault::Silent, Fault::Silent], vec![0, 99, 99, 0]),
        (vec![Fault::Cut(99), Fault::Silent, Fault::Cut(100)], vec![0, 99, 99, 199]),
    ] {
        host.fail(&url, faults);
        assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
        assert_eq!(starts(&host, &url), asked);
    }
    assert!(length > 200);
}

#[test]
fn a_file_that_comes_compressed_is_not_gone_on_with() {
    let (published, url, _) = release();
    let host = FakeHost::of(&published);
    host.fail(&url, [Fault::Encoded]);
    assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
    assert_eq!(starts(&host, &url), [0]);
    // What came of it says nothing of the place in what the host has.
    host.fail(&url, [Fault::EncodedCut(99)]);
    assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
    assert_eq!(starts(&host, &url), [0, 0]);
}

#[test]
fn pieces_of_two_files_are_fetched_once_more_whole() {
    let (published, url, length) = release();
    let other = vec![7; length];
    for etags in [false, true] {
        let host = FakeHost::of(&published);
        host.etags.set(etags);
        host.fail(&url, [Fault::Other(other.clone(), 99)]);
        let store = FakeStore::default();
        assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
        let asked = starts(&host, &url);
        // With an ETag the host sees that the file is another one, and sends it whole.
        assert_eq!(asked, if etags { vec![0, 99] } else { vec![0, 99, 0] });
    }
    // One that came in one piece is what the host has.
    let host = FakeHost::of(&published);
    host.fail(&url, [Fault::Other(other, usize::MAX)]);
    assert_eq!(kind(sync(&open(&FakeStore::default()), &host)), ErrorKind::HashMismatch);
    assert_eq!(starts(&host, &url), [0]);
}

#[test]
fn pieces_that_never_fit_are_not_fetched_for_ever() {
    let (published, url, length) = release();
    let other = |cut| Fault::Other(vec![7; length], cut);
    // Every answer is cut, and its rest is another file's: the second time nothing is joined.
    let host = FakeHost::of(&published);
    host.fail(&url, std::iter::repeat_n([other(99), Fault::Longer(0)], 20).flatten());
    assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
    assert_eq!(starts(&host, &url), [0, 99, 0, 0]);
    let host = FakeHost::of(&published);
    host.fail(&url, [other(99), Fault::Longer(0), other(usize::MAX)]);
    assert_eq!(kind(sync(&open(&FakeStore::default()), &host)), ErrorKind::HashMismatch);
    assert_eq!(starts(&host, &url), [0, 99, 0]);
}

#[test]
fn a_length_that_is_wrong_costs_nothing() {
    let (published, url, _) = release();
    let host = FakeHost::of(&published);
    host.fail(&url, [Fault::Longer(100)]);
    assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
    assert_eq!(starts(&host, &url), [0]);
}

#[test]
fn only_broken_connections_are_tried_again() {
    let (published, url, length) = release();
    let host = FakeHost::of(&published);
    for (fault, expected) in [
        (Fault::Status(404), ErrorKind::HttpStatus),
        (Fault::Status(500), ErrorKind::HttpStatus),
        (Fault::Status(304), ErrorKind::HttpStatus),
        (Fault::Status(206), ErrorKind::HttpStatus),
        (Fault::Other(vec![0; length + 1000], usize::MAX), ErrorKind::SizeMismatch),
        (Fault::Other(vec![0; 10], usize::MAX), ErrorKind::SizeMismatch),
        (Fault::Other(Vec::new(), usize::MAX), ErrorKind::SizeMismatch),
    ] {
        host.fail(&url, [fault.clone()]);
        assert_eq!(kind(sync(&open(&FakeStore::default()), &host)), expected, "{fault:?}");
        assert_eq!(starts(&host, &url), [0]);
    }
    assert_eq!(host.pauses.get(), 0);
}

#[test]
fn a_body_that_is_too_long_is_not_read_to_its_end() {
    let (published, url, length) = release();
    let host = FakeHost::of(&published);
    let store = FakeStore::default();
    let session = open(&store);
    host.fail(&url, [Fault::Other(vec![0; 100 * length], usize::MAX)]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::SizeMismatch);
    assert!(host.steps.get() < 100, "{} steps", host.steps.get());
    let others = published.manifest.total_bytes() as usize - length;
    assert!(diagnose(&session).kept_bytes <= others, "nothing of it is kept");
}

#[test]
fn blobs_may_come_from_elsewhere_and_metadata_may_not() {
    let (published, url, _) = release();
    let host = FakeHost::of(&published);
    host.fail(&url, [Fault::Redirected(jicho::sync::Redirect::OtherOrigin)]);
    let store = FakeStore::default();
    let session = open(&store);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    host.publish(&publish("T_1", 2, A));
    host.fail("T_1/latest/metadata.json", [Fault::Redirected(jicho::sync::Redirect::OtherOrigin)]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::HttpStatus);
    assert_eq!(version(&session).as_deref(), Some("v1"));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
}

#[test]
fn a_host_that_is_asked_is_told_no_more_than_it_needs() {
    let (published, url, _) = release();
    let host = FakeHost::of(&published);
    sync(&open(&FakeStore::default()), &host).unwrap();
    let [plan, space] = [FileRole::Plan, FileRole::Space].map(|role| published.file(role).0);
    let mut asked = host.asked();
    asked.sort_by(|a, b| a.url.cmp(&b.url));
    let mut expected = [url, plan, space, "T_1/latest/metadata.json".to_owned()];
    expected.sort();
    assert_eq!(asked, expected.map(|url| Asked { url, ..Asked::default() }));
}
