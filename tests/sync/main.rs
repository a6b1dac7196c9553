//! Sync against hosts that misbehave and stores that fail: afterwards the old model or the new one answers.

#[path = "../plans/allocations.rs"]
mod allocations;
#[path = "../fixture/fakes.rs"]
mod fakes;
#[path = "../fixture/mod.rs"]
mod fixture;

mod abort;
mod basics;
mod before;
mod candidate;
mod clock;
mod conditional;
mod download;
mod products;
mod refused;
mod releases;
mod signed;
mod storing;
mod teach;
mod token;

use std::rc::Rc;

use fakes::{FakeHost, FakeStore};
use fixture::block_on::block_on;
use fixture::{MODELS, Published, sha256};
use jicho::sync::{Diagnosis, Loaded, Options, Outcome, Session};
use jicho::{ErrorKind, Frame, Recognition, Result, golden};

const A: &[&str] = &["apple", "bread"];
const B: &[&str] = &["apple", "bread", "cheese"];

#[global_allocator]
static COUNTING: allocations::Counting = allocations::Counting;

type TestSession<'a> = Session<&'a FakeStore>;

fn open_with(store: &FakeStore, options: Options) -> TestSession<'_> {
    block_on(Session::open(store, MODELS, "T_1", options)).unwrap()
}

fn open(store: &FakeStore) -> TestSession<'_> {
    open_with(store, Options::default())
}

fn sync(session: &TestSession<'_>, host: &FakeHost) -> Result<Outcome> {
    let result = block_on(session.sync(&host, &mut |_, _| {}, &mut |_| {}));
    assert_eq!(host.open.get(), 0, "every connection is closed");
    result
}

fn kind(result: Result<Outcome>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn recognize(session: &TestSession<'_>) -> Result<Recognition> {
    let rgba = golden::rgba();
    session.recognize(&[Frame::new(golden::WIDTH, golden::HEIGHT, &rgba).unwrap()])
}

/// What answers.
fn version(session: &TestSession<'_>) -> Option<String> {
    match recognize(session) {
        Ok(recognition) => Some(recognition.version),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NoModel);
            None
        }
    }
}

fn loaded(session: &TestSession<'_>) -> Rc<Loaded> {
    session.loaded().expect("a model answers")
}

/// A device that has `published`.
fn device(published: &Published) -> FakeStore {
    let store = FakeStore::default();
    give(&store, published);
    store
}

fn give(store: &FakeStore, published: &Published) {
    assert_eq!(sync(&open(store), &FakeHost::of(published)), Ok(Outcome::Updated));
}

fn diagnose(session: &TestSession<'_>) -> Diagnosis {
    session.diagnose()
}
