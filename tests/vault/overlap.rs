//! Calls that overlap, in one tab and in two, however they interleave.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;

use futures_util::future::{join, join3};

use super::*;

/// Stores that interleave what goes on in ways of their own.
fn ways() -> impl Iterator<Item = (FakeStore, FakeDevice)> {
    (0..60).map(|seed| {
        let store = FakeStore::default();
        store.pauses.set(Some(seed));
        (store, FakeDevice::new(seed))
    })
}

#[test]
fn two_rotations_over_several_keys_lose_nothing() {
    for (store, device) in ways() {
        let settings = || Settings { rotate_after: 400, ..Settings::default() };
        let (here, there) = (open_with(&store, &device, settings()), open_with(&store, &device, settings()));
        add_scans(&here, 1000);
        assert_eq!(header(&store).keys.len(), 3);
        let expected = labels(&here);
        let (a, b, c) = block_on(join3(here.finish_rotation(), there.finish_rotation(), here.finish_rotation()));
        assert_eq!(a.unwrap().moved + b.unwrap().moved + c.unwrap().moved, 800);
        assert_eq!(header(&store).keys.iter().map(|key| key.id).collect::<Vec<_>>(), [3]);
        assert!(labels(&there) == expected);
    }
}

#[test]
fn a_write_does_not_wait_for_the_end_of_a_rotation() {
    for (store, device) in ways() {
        let vault = open(&store, &device);
        add_scans(&vault, 500);
        let ended = RefCell::new(Vec::new());
        let rotation = async {
            vault.rotate().await.unwrap();
            ended.borrow_mut().push("rotation");
        };
        let write = async {
            vault.add(&scan("meanwhile", None), None).await.unwrap();
            ended.borrow_mut().push("write");
        };
        block_on(join(rotation, write));
        assert_eq!(*ended.borrow(), ["write", "rotation"]);
    }
}

#[test]
fn what_moves_while_it_is_read_is_not_missing() {
    for (store, device) in ways() {
        let (here, there) = (open(&store, &device), open(&store, &device));
        let ids = add_scans(&here, 3);
        let rotations = async {
            for _ in 0..6 {
                here.rotate().await.unwrap();
            }
        };
        let reads = async {
            for i in 0..12 {
                assert!(there.get(ids[i % 3]).await.unwrap().is_some());
                let page = there.list(&Query::all(Kind::Scan)).await.unwrap();
                assert_eq!((page.entries.len(), page.damaged), (3, vec![]));
            }
        };
        block_on(join(rotations, reads));
    }
}

#[test]
fn what_is_read_while_the_lock_changes_leaves_the_new_one() {
    let other: &[u8; 32] = &[8; 32];
    for (store, device) in ways() {
        let (here, there) = (open(&store, &device), open(&store, &device));
        let id = add(&there, &scan("a", None));
        let locks = async {
            here.relock(Unlock::Key(other)).await.unwrap();
            here.rotate().await.unwrap();
            here.relock(Unlock::Key(KEY)).await.unwrap();
            here.rotate().await.unwrap();
        };
        let reads = async {
            for _ in 0..20 {
                assert!(here.get(id).await.unwrap().is_some());
                assert_eq!(here.get(RecordId([9; 16])).await, Ok(None));
            }
        };
        block_on(join(locks, reads));
        block_on(here.rotate()).unwrap();
        assert_eq!(all(&open(&store, &device), Kind::Scan).len(), 1);
    }
}

#[test]
fn who_stops_waiting_keeps_nobody_out() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&store, &device);
    for pauses in 0..20 {
        store.pauses.set(Some(pauses));
        for polls in 0..12 {
            let stopped = async {
                let record = scan("stopped", None);
                let mut write = std::pin::pin!(vault.add(&record, None));
                for _ in 0..polls {
                    if poll_fn(|context| Poll::Ready(write.as_mut().poll(context).is_ready())).await {
                        return;
                    }
                }
            };
            let goes_on = async { vault.add(&scan("goes on", None), None).await.unwrap() };
            block_on(join(stopped, goes_on));
        }
    }
    assert_eq!(labels(&vault).iter().filter(|label| *label == "goes on").count(), 240);
    assert_eq!(block_on(vault.diagnose()).unwrap().lost, 0);
}
