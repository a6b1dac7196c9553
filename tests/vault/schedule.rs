//! Explores how calls that overlap can interleave, one schedule after another, instead of leaving that to chance.
//!
//! Every call of the store is one step: it is done as a whole, as a transaction is, and only between steps another call
//! goes on. A schedule says which call goes on at each step. They are enumerated depth first; a schedule in which a call is
//! interrupted more often than `bound` is left out, since faults of this kind need few interruptions (CHESS, Musuvathi and
//! Qadeer 2007).

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

use jicho::Result;
use jicho::vault::{Change, DeviceKey, KeyChange, MemoryStore, RecordId, Row, Select, Store, Usage};

pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Waits until the schedule goes on with this call.
async fn step() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Set when a call can go on.
struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A step of a schedule: the which of the calls that could go on did, the one that went on before being the first.
struct Choice {
    taken: usize,
    among: usize,
    /// Whether every other choice interrupts a call.
    interrupts: bool,
}

/// Runs what `run` makes by every schedule of at most `bound` interruptions, and tells how many there were.
pub fn explore(bound: usize, mut run: impl FnMut(&mut dyn FnMut(Vec<Task<'_>>))) -> usize {
    let mut prefix: Vec<usize> = Vec::new();
    for schedules in 1.. {
        let mut choices = Vec::new();
        run(&mut |tasks| choices = follow(&prefix, tasks));
        // The last step that can be taken otherwise.
        let mut interruptions = 0;
        let mut next = None;
        for (at, choice) in choices.iter().enumerate() {
            let costs = usize::from(choice.interrupts);
            if choice.taken + 1 < choice.among && interruptions + costs <= bound {
                next = Some(at);
            }
            interruptions += usize::from(choice.interrupts && choice.taken > 0);
        }
        let Some(at) = next else { return schedules };
        prefix = choices[..at].iter().map(|choice| choice.taken).collect();
        prefix.push(choices[at].taken + 1);
    }
    unreachable!()
}

/// Runs the tasks to their ends by the schedule that begins with `prefix` and then interrupts nothing.
fn follow(prefix: &[usize], tasks: Vec<Task<'_>>) -> Vec<Choice> {
    let mut tasks: Vec<_> =
        tasks.into_iter().map(|task| (Some(task), Arc::new(Ready(AtomicBool::new(true))))).collect();
    let (mut choices, mut current) = (Vec::new(), 0);
    loop {
        let is_ready = |at: &usize| tasks[*at].0.is_some() && tasks[*at].1.0.load(Ordering::Relaxed);
        let mut ready: Vec<usize> = (0..tasks.len()).filter(is_ready).collect();
        if ready.is_empty() {
            assert!(tasks.iter().all(|(task, _)| task.is_none()), "the calls wait for each other");
            return choices;
        }
        let interrupts = ready.contains(&current);
        ready.sort_by_key(|at| (*at != current, *at));
        let taken = prefix.get(choices.len()).copied().unwrap_or(0);
        choices.push(Choice { taken, among: ready.len(), interrupts });
        current = ready[taken];
        let (task, ready) = &mut tasks[current];
        ready.0.store(false, Ordering::Relaxed);
        let waker = Arc::clone(ready).into();
        if let Some(running) = task
            && running.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        {
            *task = None;
        }
    }
}

/// A memory store whose every call is one step.
#[derive(Default)]
pub struct SteppedStore {
    pub kept: MemoryStore,
    /// Whether the device's key is changed in a step of its own, behind the one that replaces the header: a store that
    /// breaks its contract, by which the exploration shows that it finds what it looks for.
    pub torn: Cell<bool>,
}

impl Store for &SteppedStore {
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>> {
        step().await;
        self.kept.header(vault).await
    }

    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>> {
        step().await;
        self.kept.device_key(vault).await
    }

    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        header: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool> {
        step().await;
        if !self.torn.get() {
            return self.kept.commit_lock(vault, expected, header, changes, key).await;
        }
        let before = if matches!(key, KeyChange::Put(_)) { key } else { &KeyChange::Keep };
        let done = self.kept.commit_lock(vault, expected, header, changes, before).await?;
        if done && matches!(key, KeyChange::Delete) {
            step().await;
            if let Some(now) = self.kept.header(vault).await? {
                self.kept.commit_lock(vault, Some(&now), &now, &[], key).await?;
            }
        }
        Ok(done)
    }

    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>> {
        step().await;
        self.kept.row(vault, id).await
    }

    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>> {
        step().await;
        self.kept.rows(vault, select).await
    }

    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        step().await;
        self.kept.rows_under(vault, key, after, limit).await
    }

    async fn usage(&self, vault: &str) -> Result<Usage> {
        step().await;
        self.kept.usage(vault).await
    }

    async fn delete_header(&self, vault: &str) -> Result<()> {
        step().await;
        self.kept.delete_header(vault).await
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        step().await;
        self.kept.sweep(vault).await
    }
}
