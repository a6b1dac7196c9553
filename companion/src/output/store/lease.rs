//! The lock of a bucket: an object that says who publishes. Its owner writes it anew every few seconds, always over its
//! own last writing; whoever waits takes it over once it has seen it unchanged for as long as the owner promised to be
//! heard of. So nobody compares clocks, and a publisher that was killed blocks others for [`SECONDS`] at most.

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

/// How long a publisher may be silent, where `JICHO_LOCK_SECONDS` says nothing else.
const SECONDS: f64 = 30.0;

/// What the object holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Who has it; nobody, where it was given back.
    owner: Option<String>,
    /// How long the owner may be silent.
    seconds: f64,
    /// Counts writings, so that no two have the same tag.
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

    /// Waits for it and takes it.
    ///
    /// # Errors
    /// `STORE`: no bucket, no rights, or a service that writes whatever the condition.
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
            // A note that cannot be read is nobody's.
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

    /// A service that does not know conditions would let two publishers in.
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

    /// Says that the owner lives, which proves that it still is the owner.
    ///
    /// # Errors
    /// `LOCKED` when another has it; `STORE` when that cannot be told.
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

    /// Renews it until it is lost or the task is ended.
    pub fn renewing(self: &Arc<Self>, runtime: &Handle) -> JoinHandle<()> {
        let lease = Arc::clone(self);
        runtime.spawn(async move {
            loop {
                sleep(lease.every).await;
                // A network that fails may come back; a lock that is lost does not.
                if matches!(lease.renew().await, Err(Error::Locked(_))) {
                    return;
                }
            }
        })
    }

    /// Lets the next have it at once. That it may fail is what the silence is for.
    pub async fn give_back(&self) {
        let held = self.held.lock().await;
        let note = Note { owner: None, turn: held.note.turn.wrapping_add(1), ..held.note.clone() };
        if !held.lost {
            let _ = write(&self.objects, self.path, &note, over(held.tag.clone())).await;
        }
    }
}

/// The new tag; none where somebody else was faster.
async fn write(objects: &Objects, path: &str, note: &Note, mode: PutMode) -> Result<Option<Option<String>>> {
    match objects.put(path, &bytes(note)?, mode).await {
        Ok(tag) => Ok(Some(tag)),
        Err(Failure::Precondition { .. } | Failure::AlreadyExists { .. }) => {
            // The answer to an attempt that had arrived may have been lost, and the next was refused for it.
            let there = objects.read(path).await?;
            Ok(there.filter(|c| serde_json::from_slice(&c.bytes).is_ok_and(|n: Note| n == *note)).map(|c| c.tag))
        }
        Err(e) => Err(objects.failure(path, &e)),
    }
}

fn bytes(note: &Note) -> Result<Vec<u8>> {
    crate::json::pretty(note)
}
