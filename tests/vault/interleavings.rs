//! Every pair of the calls that change a vault as a whole, by every schedule with few interruptions: a vault that is there
//! opens by what its header says, has all its records, and nobody is told anything but a typed error.

use std::cell::RefCell;

use jicho::vault::{Cost, Passphrase, destroy};

use super::schedule::{SteppedStore, Task, explore};
use super::*;

type SteppedVault<'a> = Vault<&'a SteppedStore, &'a FakeDevice>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    RelockByDevice,
    RelockByKey,
    OpenByDevice,
    OpenByKey,
    Destroy,
    /// What follows a forgotten passphrase.
    DestroyAndMake,
    Rotate,
    Import,
    Add,
}

const CALLS: [Call; 9] = [
    Call::RelockByDevice,
    Call::RelockByKey,
    Call::OpenByDevice,
    Call::OpenByKey,
    Call::Destroy,
    Call::DestroyAndMake,
    Call::Rotate,
    Call::Import,
    Call::Add,
];

/// The id of the record that is there from the start.
const FIRST: RecordId = RecordId([1; 16]);
const IMPORTED: RecordId = RecordId([2; 16]);

/// What calls answer with where another one changed the lock or destroyed the vault.
const OVERTAKEN: [ErrorKind; 2] = [ErrorKind::VaultClosed, ErrorKind::WrongKey];

struct Setting<'a> {
    store: &'a SteppedStore,
    device: &'a FakeDevice,
    file: &'a [u8],
}

fn settings() -> Settings {
    Settings { cost: Some(Cost::MINIMUM), ..Settings::default() }
}

fn passphrase() -> Passphrase {
    Passphrase::new("korrekt horse").unwrap()
}

impl Setting<'_> {
    async fn open(&self, unlock: Unlock<'_>) -> Result<SteppedVault<'_>> {
        Vault::open(self.store, self.device, "shop", unlock, settings()).await
    }

    async fn call(&self, call: Call, vault: &SteppedVault<'_>) {
        let done = match call {
            Call::RelockByDevice => vault.relock(Unlock::Device).await,
            Call::RelockByKey => vault.relock(Unlock::Key(KEY)).await,
            Call::OpenByDevice => self.open(Unlock::Device).await.map(drop),
            Call::OpenByKey => self.open(Unlock::Key(KEY)).await.map(drop),
            Call::Destroy => destroy(&self.store, "shop").await,
            Call::DestroyAndMake => match destroy(&self.store, "shop").await {
                Ok(()) => self.open(Unlock::Device).await.map(drop),
                failed => failed,
            },
            Call::Rotate => vault.rotate().await.map(|rotation| assert_eq!(rotation.damaged, [])),
            Call::Import => vault.import(&self.file, &passphrase()).await.map(drop),
            Call::Add => vault.add(&sale(7), None).await.map(drop),
        };
        if let Err(error) = done {
            assert!(OVERTAKEN.contains(&error.kind()), "{call:?}: {} {error}", error.code());
        }
    }

    /// The vault as it is opened after all, by what its header says; `None` where it was destroyed.
    fn opened(&self) -> Option<Result<SteppedVault<'_>>> {
        let bytes = block_on(self.store.kept.header("shop")).unwrap()?;
        let unlock = match Header::parse(&bytes).unwrap().lock {
            jicho::vault::Lock::Device { .. } => Unlock::Device,
            _ => Unlock::Key(KEY),
        };
        Some(block_on(self.open(unlock)))
    }
}

fn exported() -> Vec<u8> {
    let (store, device) = (FakeStore::default(), FakeDevice::new(8));
    let vault = open_with(&store, &device, settings());
    assert_eq!(block_on(vault.add_as(IMPORTED, &scan("imported", None), None)), Ok(true));
    let mut file = Vec::new();
    let sink = async |piece: &[u8]| {
        file.extend_from_slice(piece);
        Ok(())
    };
    block_on(vault.export(&passphrase(), sink)).unwrap();
    file
}

/// Runs the pair by every schedule, and tells how many schedules lost the vault or a record of it, of how many.
fn lost(pair: [Call; 2], one_object: bool, first_lock: Unlock<'_>, torn: bool, file: &[u8]) -> (usize, usize) {
    // A file's passphrase takes its time at every run.
    let bound = if pair.contains(&Call::Import) { 1 } else { 3 };
    let mut lost = 0;
    let schedules = explore(bound, |run| {
        let (store, device) = (SteppedStore::default(), FakeDevice::new(7));
        store.torn.set(torn);
        let setting = Setting { store: &store, device: &device, file };
        let vault = block_on(setting.open(first_lock)).unwrap();
        assert_eq!(block_on(vault.add_as(FIRST, &scan("first", None), None)), Ok(true));
        let other = block_on(setting.open(first_lock)).unwrap();
        let ended = RefCell::new(0);
        let task = |call, vault| -> Task<'_> {
            let (setting, ended) = (&setting, &ended);
            Box::pin(async move {
                setting.call(call, vault).await;
                *ended.borrow_mut() += 1;
            })
        };
        run(vec![task(pair[0], &vault), task(pair[1], if one_object { &vault } else { &other })]);
        assert_eq!(*ended.borrow(), 2);

        let destroyed = pair.iter().any(|call| matches!(call, Call::Destroy | Call::DestroyAndMake));
        match setting.opened() {
            None => {
                assert!(destroyed, "{pair:?}: the header is gone");
                assert!(block_on(store.kept.device_key("shop")).unwrap().is_none(), "{pair:?}: a key is left");
                assert_eq!(block_on(store.kept.usage("shop")).unwrap().bytes, 0, "{pair:?}: rows are left");
            }
            Some(Err(_)) => lost += 1,
            Some(Ok(opened)) => {
                block_on(opened.finish_rotation()).unwrap();
                // One that was made anew has nothing of the one before.
                let read = block_on(opened.get(FIRST)).is_ok_and(|entry| entry.is_some() || destroyed);
                let page = block_on(opened.list(&Query::all(Kind::Scan))).unwrap();
                lost += usize::from(!read || !page.damaged.is_empty());
                assert_eq!(block_on(opened.compact()).unwrap().lost, 0, "{pair:?}: the counts are wrong");
            }
        }
    });
    (lost, schedules)
}

#[test]
fn no_two_calls_lose_a_vault_however_they_interleave() {
    let file = exported();
    let mut all = 0;
    for (i, first) in CALLS.into_iter().enumerate() {
        for second in CALLS.into_iter().skip(i) {
            for one_object in [true, false] {
                for first_lock in [Unlock::Device, Unlock::Key(KEY)] {
                    let (lost, schedules) = lost([first, second], one_object, first_lock, false, &file);
                    assert_eq!(lost, 0, "{first:?} and {second:?}: lost by {lost} of {schedules} schedules");
                    all += schedules;
                }
            }
        }
    }
    println!("{all} schedules");
    assert!(all > 5000, "{all}");
}

/// The exploration finds the fault it is for: a device's key that goes in a step behind the header's.
#[test]
fn a_store_that_tears_key_and_header_apart_is_found() {
    let pair = [Call::RelockByDevice, Call::RelockByKey];
    let (lost, schedules) = lost(pair, false, Unlock::Device, true, &[]);
    println!("{lost} of {schedules} schedules lose the vault");
    assert!(lost > 0, "{schedules} schedules found nothing");
}
