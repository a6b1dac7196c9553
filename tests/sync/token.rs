//! Access tokens: asked for once, refreshed once, told to nobody else.

use fixture::publish;
use jicho::Error;
use jicho::manifest::FileRole;
use jicho::sync::Redirect;

use super::fakes::Fault;
use super::*;

/// A host that wants the token `wanted`, and an app that gives `given`.
fn host(published: &Published, wanted: &str, given: &[Option<&str>]) -> FakeHost {
    let host = FakeHost::of(published);
    want(&host, wanted, given);
    host
}

fn want(host: &FakeHost, wanted: &str, given: &[Option<&str>]) {
    host.wanted.replace(Some(wanted.into()));
    host.tokens.replace(given.iter().map(|token| Ok(token.map(str::to_owned))).collect());
    host.refreshes.take();
    host.asked();
}

#[test]
fn every_request_has_the_token_and_the_app_is_asked_once() {
    let host = host(&publish("T_1", 1, A), "secret", &[Some("secret")]);
    assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
    assert_eq!(host.refreshes.take(), [false]);
    let asked = host.asked();
    assert!(asked.iter().all(|a| a.token.as_deref() == Some("secret")) && asked.len() == 4, "{asked:?}");
}

#[test]
fn without_a_token_nothing_is_sent() {
    let host = FakeHost::of(&publish("T_1", 1, A));
    assert_eq!(sync(&open(&FakeStore::default()), &host), Ok(Outcome::Updated));
    assert!(host.asked().iter().all(|a| a.token.is_none()));
}

#[test]
fn a_token_that_ran_out_is_refreshed_once() {
    let published = publish("T_1", 1, A);
    let host = host(&published, "new", &[Some("old"), Some("new")]);
    let store = FakeStore::default();
    let session = open(&store);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(host.refreshes.take(), [false, true]);

    // The app had none; the next sync asks again, for the last one's token is not kept.
    want(&host, "new", &[None, Some("new")]);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(host.refreshes.take(), [false, true]);

    // It runs out between metadata.json and the files, which come side by side: the app is asked once.
    for faults in [vec![Fault::Status(401)], vec![Fault::Cut(50), Fault::Status(401)]] {
        let newer = publish("T_1", 2, B);
        let host = FakeHost::of(&newer);
        want(&host, "new", &[Some("new"), Some("new")]);
        for role in [FileRole::Plan, FileRole::Space, FileRole::Head] {
            host.fail(&newer.file(role).0, faults.clone());
        }
        let store = FakeStore::default();
        assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
        assert_eq!(host.refreshes.take(), [false, true]);
    }
}

#[test]
fn a_token_that_is_not_accepted_is_told_and_the_old_model_stays() {
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    let published = publish("T_1", 2, B);
    for (given, refreshes) in [
        (&[Some("old"), Some("older")][..], &[false, true][..]),
        (&[Some("old"), Some("old")], &[false, true]),
        (&[Some("old"), None], &[false, true]),
        (&[None, None], &[false, true]),
    ] {
        let host = host(&published, "new", given);
        let error = sync(&session, &host).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(!error.message().contains("old"), "a token is not to be told: {error}");
        assert_eq!(host.refreshes.take(), refreshes);
        assert!(host.asked().len() <= 2);
    }
    // 403 is no matter of freshness.
    for url in ["T_1/latest/metadata.json".to_owned(), published.file(FileRole::Head).0] {
        let host = host(&published, "new", &[Some("new")]);
        host.fail(&url, [Fault::Status(403)]);
        assert_eq!(kind(sync(&session, &host)), ErrorKind::Unauthorized);
        assert_eq!(host.refreshes.take(), [false]);
    }
    let host = host(&published, "new", &[]);
    host.tokens.borrow_mut().push_back(Err(Error::new(ErrorKind::Unauthorized, "the app failed")));
    assert_eq!(kind(sync(&session, &host)), ErrorKind::Unauthorized);
    assert_eq!(host.asked(), [], "nothing is asked without the token that the app meant to give");
    assert_eq!(version(&session).as_deref(), Some("v1"));
}

#[test]
fn with_a_token_no_redirect_is_followed() {
    let published = publish("T_1", 1, A);
    let store = FakeStore::default();
    for url in ["T_1/latest/metadata.json".to_owned(), published.file(FileRole::Head).0] {
        let host = host(&published, "new", &[Some("new")]);
        host.fail(&url, [Fault::Redirected(Redirect::NotFollowed)]);
        let error = sync(&open(&store), &host).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HttpStatus);
        assert!(error.message().contains("redirect"), "{error}");
    }
}
