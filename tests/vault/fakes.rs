//! A device whose time and randomness a test chooses, and a store that dies, or takes its time, when told to.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;

use jicho::vault::{Change, Device, MemoryStore, RecordId, Row, Select, Store, Usage};
use jicho::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

type Secret = zeroize::Zeroizing<[u8; 32]>;

/// A secret, and the name of its vault.
type Sealed = ([u8; 32], String);

/// Randomness is a hash chain: reproducible, and no nonce twice.
pub struct FakeDevice {
    pub now: Cell<u64>,
    drawn: Cell<u64>,
    seed: u64,
    /// What the device's key has sealed; `None` where this browser has no such keys.
    pub sealed: RefCell<Option<Vec<Sealed>>>,
}

impl FakeDevice {
    pub fn new(seed: u64) -> Self {
        let sealed = RefCell::new(Some(Vec::new()));
        FakeDevice { now: Cell::new(1_760_000_000_000), drawn: Cell::new(0), seed, sealed }
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

    async fn seal(&self, vault: &str, secret: &[u8; 32]) -> Result<Vec<u8>> {
        let mut sealed = self.sealed.borrow_mut();
        let sealed = sealed.as_mut().ok_or_else(|| Error::new(ErrorKind::Unsupported, "no keys are kept here"))?;
        sealed.push((*secret, vault.to_owned()));
        Ok(vec![sealed.len() as u8 - 1])
    }

    async fn open(&self, vault: &str, sealed: &[u8]) -> Result<Secret> {
        let all = self.sealed.borrow();
        let found = all.iter().flatten().nth(sealed[0].into()).filter(|(_, name)| name == vault);
        let missing = || Error::new(ErrorKind::KeyMissing, "the device's key is gone");
        found.map(|(secret, _)| Secret::new(*secret)).ok_or_else(missing)
    }

    async fn forget(&self, vault: &str) -> Result<()> {
        self.sealed.borrow_mut().iter_mut().flatten().filter(|s| s.1 == vault).for_each(|s| s.1 = "forgotten".into());
        Ok(())
    }
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

    async fn commit(&self, vault: &str, expected: Option<&[u8]>, header: &[u8], changes: &[Change]) -> Result<bool> {
        call!(self, self.kept.commit(vault, expected, header, changes))
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

    async fn behead(&self, vault: &str) -> Result<()> {
        call!(self, self.kept.behead(vault))
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        call!(self, self.kept.sweep(vault))
    }
}
