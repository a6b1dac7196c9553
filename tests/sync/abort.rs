//! A sync that is aborted leaves nothing half-done, wherever it was; nor does a store that fails, whenever it does.

use fixture::publish;

use super::fakes::Fault;
use super::*;

/// A host on which a sync has much to do: a token to refresh, a cut to go on from.
fn busy(published: &Published) -> FakeHost {
    let host = FakeHost::of(published);
    host.wanted.replace(Some("new".into()));
    host.tokens.replace([Ok(Some("old".to_owned())), Ok(Some("new".to_owned()))].into());
    host.fail(&published.file(jicho::manifest::FileRole::Head).0, [Fault::Cut(70)]);
    host
}

#[test]
fn at_every_step() {
    let newer = publish("T_1", 2, B);
    let steps = {
        let host = busy(&newer);
        assert_eq!(sync(&open(&device(&publish("T_1", 1, A))), &host), Ok(Outcome::Updated));
        host.steps.get()
    };
    assert!(steps > 10, "{steps}");
    for at in 0..=steps {
        let store = device(&publish("T_1", 1, A));
        let session = open(&store);
        let host = busy(&newer);
        host.abort_at.set(Some(at));
        assert_eq!(kind(sync(&session, &host)), ErrorKind::Aborted, "at {at}");
        assert!(host.steps.get() <= at + 2, "what runs side by side ends too");
        assert_eq!(version(&session).as_deref(), Some("v1"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
        assert_eq!(diagnose(&session).last_check.unwrap().error.unwrap().code, "ABORTED");
        assert_eq!(sync(&session, &busy(&newer)), Ok(Outcome::Updated), "after {at}");
        assert_eq!(version(&session).as_deref(), Some("v2"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
    }
}

#[test]
fn at_every_call_of_a_store_that_fails() {
    let newer = publish("T_1", 2, B);
    let calls = {
        let store = device(&publish("T_1", 1, A));
        let session = open(&store);
        store.calls.set(0);
        assert_eq!(sync(&session, &FakeHost::of(&newer)), Ok(Outcome::Updated));
        store.calls.get()
    };
    assert!(calls >= 5, "{calls}");
    for at in 0..calls {
        let store = device(&publish("T_1", 1, A));
        let session = open(&store);
        let host = FakeHost::of(&newer);
        store.calls.set(0);
        store.fail_at.set(Some(at));
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated), "the store is no reason to go without: {at}");
        assert_eq!(version(&session).as_deref(), Some("v2"));
        store.fail_at.set(None);
        let now = version(&open(&store));
        assert!(matches!(now.as_deref(), Some("v1" | "v2")), "{now:?} at {at}");
        assert_eq!(loaded(&session).stored(), now.as_deref() == Some("v2"));
        host.asked();
        assert_eq!(sync(&session, &host), Ok(Outcome::Current));
        assert_eq!(host.blobs_asked(), 0, "what is in memory is stored from there");
        assert!(loaded(&session).stored());
        assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
    }
}
