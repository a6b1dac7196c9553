//! A device whose time and randomness a test chooses, and a store that dies, or takes its time, when told to.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use jicho::vault::{Change, Device, DeviceKey, KeyChange, MemoryStore, RecordId, Row, Select, Store, Usage};
use jicho::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

type Secret = zeroize::Zeroizing<[u8; 32]>;

/// A secret that a key of the device's sealed for the vault of that name.
struct Sealed {
    key: u64,
    vault: String,
    secret: [u8; 32],
}

/// Randomness is a hash chain: reproducible, and no nonce twice. A key of its own is a number.
pub struct FakeDevice {
    pub now: Cell<u64>,
    drawn: Cell<u64>,
    /// Keys made so far.
    keys: Cell<u64>,
    seed: u64,
    /// Whether this browser can keep a key of its own.
    pub keeps_keys: Cell<bool>,
    sealed: RefCell<Vec<Sealed>>,
}

impl FakeDevice {
    pub fn new(seed: u64) -> Self {
        FakeDevice {
            now: Cell::new(1_760_000_000_000),
            drawn: Cell::new(0),
            keys: Cell::new(0),
            seed,
            keeps_keys: Cell::new(true),
            sealed: RefCell::default(),
        }
    }

    /// What its keys have sealed, in order.
    pub fn secrets(&self) -> Vec<[u8; 32]> {
        self.sealed.borrow().iter().map(|sealed| sealed.secret).collect()
    }

    /// A key that has sealed just these for the vault `shop`.
    pub fn with_secrets(&self, secrets: &[[u8; 32]]) -> DeviceKey {
        let sealed = |secret: &[u8; 32]| Sealed { key: 0, vault: "shop".into(), secret: *secret };
        self.sealed.replace(secrets.iter().map(sealed).collect());
        Rc::new(0u64)
    }

    pub fn wait(&self, milliseconds: u64) {
        self.now.set(self.now.get() + milliseconds);
    }
}

impl Device for &FakeDevice {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<()> {
        for chunk in bytes.chunks_mut(32) {
            self.drawn.set(self.drawn.get() + 1);
            let block = Sha256::digest([self.seed.to_le_bytes(), self.drawn.get().to_le_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }

    async fn make_key(&self) -> Result<DeviceKey> {
        if !self.keeps_keys.get() {
            return Err(Error::new(ErrorKind::Unsupported, "no keys are kept here"));
        }
        self.keys.set(self.keys.get() + 1);
        Ok(Rc::new(self.keys.get()))
    }

    async fn seal(&self, key: &DeviceKey, vault: &str, secret: &[u8; 32]) -> Result<Vec<u8>> {
        let mut sealed = self.sealed.borrow_mut();
        sealed.push(Sealed { key: number(key), vault: vault.to_owned(), secret: *secret });
        Ok(vec![sealed.len() as u8 - 1])
    }

    async fn open(&self, key: &DeviceKey, vault: &str, sealed: &[u8]) -> Result<Secret> {
        let all = self.sealed.borrow();
        let found = all.get(usize::from(sealed[0])).filter(|s| s.key == number(key) && s.vault == vault);
        let other = || Error::new(ErrorKind::WrongKey, "another key sealed it");
        found.map(|sealed| Secret::new(sealed.secret)).ok_or_else(other)
    }
}

fn number(key: &DeviceKey) -> u64 {
    *key.downcast_ref().expect("a fake device's key")
}

/// Splitmix64.
pub fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A memory store that dies at a call: before it, or, where it writes, just after it.
#[derive(Default, Clone)]
pub struct FakeStore {
    pub kept: MemoryStore,
    pub calls: Cell<u64>,
    pub dies_at: Cell<Option<u64>>,
    pub after: Cell<bool>,
    /// What decides how long each call waits, before it is done and after; at once without.
    pub pauses: Cell<Option<u64>>,
}

impl FakeStore {
    /// Whether the call dies once it is done.
    fn call(&self) -> Result<bool> {
        let call = self.calls.replace(self.calls.get() + 1);
        let dies = self.dies_at.get().is_some_and(|at| call >= at);
        let first = self.dies_at.get() == Some(call);
        if dies && !(first && self.after.get()) { Err(dead()) } else { Ok(dies) }
    }

    async fn pause(&self) {
        let Some(mut seed) = self.pauses.get() else { return };
        let mut left = random(&mut seed) % 4;
        self.pauses.set(Some(seed));
        poll_fn(|_| {
            let over = left == 0;
            left = left.saturating_sub(1);
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    pub fn dies_at(&self, call: Option<u64>, after: bool) {
        self.calls.set(0);
        self.dies_at.set(call);
        self.after.set(after);
    }
}

fn dead() -> Error {
    Error::new(ErrorKind::Storage, "killed")
}

macro_rules! call {
    ($store:ident, $call:expr) => {{
        $store.pause().await;
        let dies = $store.call()?;
        let result = $call.await;
        $store.pause().await;
        if dies { Err(dead()) } else { result }
    }};
}

impl Store for &FakeStore {
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>> {
        call!(self, self.kept.header(vault))
    }

    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>> {
        call!(self, self.kept.device_key(vault))
    }

    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        header: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool> {
        call!(self, self.kept.commit_lock(vault, expected, header, changes, key))
    }

    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>> {
        call!(self, self.kept.row(vault, id))
    }

    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>> {
        call!(self, self.kept.rows(vault, select))
    }

    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        call!(self, self.kept.rows_under(vault, key, after, limit))
    }

    async fn usage(&self, vault: &str) -> Result<Usage> {
        call!(self, self.kept.usage(vault))
    }

    async fn delete_header(&self, vault: &str) -> Result<()> {
        call!(self, self.kept.delete_header(vault))
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        call!(self, self.kept.sweep(vault))
    }
}
