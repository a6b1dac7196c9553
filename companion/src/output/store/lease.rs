//! The lock of a bucket: an object that names the publisher. Its owner renews it every few seconds, always on the condition
//! that the object is still the one that it wrote last. A waiting publisher takes the lock over once it has seen the object
//! unchanged for as long as the owner promised to renew it. So no two clocks are compared, and a publisher that was killed
//! blocks others for at most [`SECONDS`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::{Error as Failure, PutMode};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::objects::{Objects, over};
use crate::error::{Error, Result};

/// How long an owner may go without renewing, unless `JICHO_LOCK_SECONDS` says otherwise.
const SECONDS: f64 = 30.0;

/// The content of the lock object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Who holds the lock; `None` after it was given back.
    owner: Option<String>,
    /// How long the owner may go without renewing it, in seconds.
    seconds: f64,
    /// Counts the writes, so that no two versions of the object have the same tag.
    turn: u64,
}

/// Held by one publisher at a time.
pub struct Lease {
    objects: Arc<Objects>,
    path: &'static str,
    held: Mutex<Held>,
    every: Duration,
}

struct Held {
    note: Note,
    tag: Option<String>,
    lost: bool,
}

impl Lease {
    /// Checks that the lock can be taken at all, without waiting for it.
    ///
    /// # Errors
    /// `STORE`: no bucket, no rights.
    pub async fn prepare(objects: &Objects, path: &'static str) -> Result<()> {
        let free = Note { owner: None, seconds: SECONDS, turn: 0 };
        match objects.put(path, &bytes(&free)?, PutMode::Create).await {
            Ok(_) | Err(Failure::AlreadyExists { .. }) => Ok(()),
            Err(e) => Err(objects.failure(path, &e)),
        }
    }

    /// Waits for the lock and takes it.
    ///
    /// # Errors
    /// `STORE`: no bucket, no rights, or a service that ignores conditions.
    pub async fn take(objects: Arc<Objects>, path: &'static str) -> Result<Arc<Lease>> {
        let seconds = std::env::var("JICHO_LOCK_SECONDS").ok().and_then(|s| s.parse().ok());
        let seconds = seconds.filter(|s| (0.1..=3600.0).contains(s)).unwrap_or(SECONDS);
        let mut owner = [0; 8];
        getrandom::fill(&mut owner).map_err(|e| Error::Store(format!("the system gives no random numbers: {e}")))?;
        let owner = format!("{}-{:016x}", std::process::id(), u64::from_be_bytes(owner));
        let mut seen: Option<(Option<String>, Instant)> = None;
        loop {
            let there = objects.read(path).await?;
            let before = there.as_ref().and_then(|c| serde_json::from_slice::<Note>(&c.bytes).ok());
            let tag = there.as_ref().and_then(|c| c.tag.clone());
            // A lock object that cannot be parsed belongs to nobody.
            let silence = before.as_ref().filter(|n| n.owner.is_some()).map(|n| n.seconds.clamp(0.1, 3600.0));
            if let Some(silence) = silence {
                if seen.is_none() {
                    super::waiting(&objects.show(path));
                }
                let since = match &seen {
                    Some((same, since)) if *same == tag => *since,
                    _ => seen.insert((tag.clone(), Instant::now())).1,
                };
                if since.elapsed().as_secs_f64() < silence {
                    sleep(Duration::from_secs_f64((silence / 20.0).min(1.0))).await;
                    continue;
                }
            }
            let turn = before.map_or(0, |n| n.turn).wrapping_add(1);
            let note = Note { owner: Some(owner.clone()), seconds, turn };
            let mode = if there.is_some() { over(tag) } else { PutMode::Create };
            let Some(tag) = write(&objects, path, &note, mode).await? else { continue };
            let every = Duration::from_secs_f64(seconds / 3.0);
            let lease = Lease { objects, path, held: Mutex::new(Held { note, tag, lost: false }), every };
            lease.test_conditions().await?;
            return Ok(Arc::new(lease));
        }
    }

    /// Refuses a service that ignores conditional writes: it would let two publishers in.
    async fn test_conditions(&self) -> Result<()> {
        let held = self.held.lock().await;
        let none = over(Some("\"of no object\"".into()));
        for (mode, condition) in [(PutMode::Create, "If-None-Match"), (none, "If-Match")] {
            match self.objects.put(self.path, &bytes(&held.note)?, mode).await {
                Err(Failure::AlreadyExists { .. } | Failure::Precondition { .. }) => {}
                Ok(_) => {
                    return Err(Error::Store(format!(
                        "{} was written against the condition: this service ignores `{condition}`, so two publishers \
                         could interleave; take one that has conditional writes",
                        self.objects.show(self.path)
                    )));
                }
                Err(e) => return Err(self.objects.failure(self.path, &e)),
            }
        }
        Ok(())
    }

    /// Renews the lock. Success proves that this publisher still owns it.
    ///
    /// # Errors
    /// `LOCKED` when another publisher has it; `STORE` when that cannot be found out.
    pub async fn renew(&self) -> Result<()> {
        let mut held = self.held.lock().await;
        if !held.lost {
            let note = Note { turn: held.note.turn.wrapping_add(1), ..held.note.clone() };
            match write(&self.objects, self.path, &note, over(held.tag.clone())).await? {
                Some(tag) => *held = Held { note, tag, lost: false },
                None => held.lost = true,
            }
        }
        if held.lost {
            return Err(Error::Locked(format!(
                "another publisher took {} over, since this one was silent for {} s; publish again",
                self.objects.show(self.path),
                held.note.seconds
            )));
        }
        Ok(())
    }

    /// Renews the lock until it is lost or the task ends.
    pub fn renewing(self: &Arc<Self>, runtime: &Handle) -> JoinHandle<()> {
        let lease = Arc::clone(self);
        runtime.spawn(async move {
            loop {
                sleep(lease.every).await;
                // A network failure may pass; a lost lock does not come back.
                if matches!(lease.renew().await, Err(Error::Locked(_))) {
                    return;
                }
            }
        })
    }

    /// Gives the lock back at once. Should that fail, it runs out.
    pub async fn give_back(&self) {
        let held = self.held.lock().await;
        let note = Note { owner: None, turn: held.note.turn.wrapping_add(1), ..held.note.clone() };
        if !held.lost {
            let _ = write(&self.objects, self.path, &note, over(held.tag.clone())).await;
        }
    }
}

/// The new tag; `None` where another publisher was faster.
async fn write(objects: &Objects, path: &str, note: &Note, mode: PutMode) -> Result<Option<Option<String>>> {
    match objects.put(path, &bytes(note)?, mode).await {
        Ok(tag) => Ok(Some(tag)),
        Err(Failure::Precondition { .. } | Failure::AlreadyExists { .. }) => {
            // An attempt may have succeeded although its response was lost; the retry is then refused.
            let there = objects.read(path).await?;
            Ok(there.filter(|c| serde_json::from_slice(&c.bytes).is_ok_and(|n: Note| n == *note)).map(|c| c.tag))
        }
        Err(e) => Err(objects.failure(path, &e)),
    }
}

fn bytes(note: &Note) -> Result<Vec<u8>> {
    crate::json::pretty(note)
}
