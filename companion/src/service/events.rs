//! Tells other parts of the service what has changed.

use tokio::sync::broadcast;

/// So many events may wait for a slow listener before it misses some. Whoever misses events reads the database.
const WAITING: usize = 1024;

/// What has changed. It is sent after the change was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Photos of a channel, or their labels.
    Photos {
        /// The channel.
        channel: String,
    },
    /// Products of a channel.
    Products {
        /// The channel.
        channel: String,
    },
    /// A job's state or progress.
    Job {
        /// The job.
        id: String,
    },
    /// The release in force of a channel.
    Model {
        /// The channel.
        channel: String,
    },
}

/// Sends and subscribes.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Events(broadcast::channel(WAITING).0)
    }
}

impl Events {
    /// Tells all who listen.
    pub fn send(&self, event: Event) {
        // Nobody needs to listen.
        let _ = self.0.send(event);
    }

    /// Hears every event from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
