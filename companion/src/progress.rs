//! What a long command reports while it works: bars on a terminal, JSON lines with `--json`, otherwise plain lines.
//!
//! Bars and text for people go to stderr. JSON lines are data and go to stdout.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::text::printable;

/// The shortest time between two JSON lines of one stage.
const JSON_INTERVAL: Duration = Duration::from_millis(200);

/// Writes a line of data to stdout. When the reader has closed the pipe (`| head`), the line is dropped and the command
/// goes on.
pub fn emit(line: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// To people: text and, if stderr is a terminal, bars.
    Human,
    /// To programs: one JSON object per line.
    Json,
    /// Nowhere.
    Silent,
}

/// A stage of work that is under way.
pub struct Stage {
    bar: ProgressBar,
    json: Option<Mutex<JsonStage>>,
}

struct JsonStage {
    name: &'static str,
    done: usize,
    total: usize,
    last: Instant,
}

impl Progress {
    /// For commands that report while they work: JSON lines, or text for people.
    pub fn lines(json: bool) -> Progress {
        if json { Progress::Json } else { Progress::Human }
    }

    /// For commands that print one JSON object as their result: stdout must hold nothing else.
    pub fn silent_if(json: bool) -> Progress {
        if json { Progress::Silent } else { Progress::Human }
    }

    /// Starts a stage of `total` steps; 0 when their number is not known yet.
    pub fn stage(self, name: &'static str, total: usize) -> Stage {
        let bar = ProgressBar::new(total as u64).with_message(name);
        if self != Progress::Human || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{msg:>10} [{bar:40}] {pos}/{len} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let json =
            (self == Progress::Json).then(|| Mutex::new(JsonStage { name, done: 0, total, last: Instant::now() }));
        Stage { bar, json }
    }

    /// Tells programs that a stage begins whose steps are not counted.
    pub fn enter(self, stage: &'static str) {
        self.event(&json!({ "event": "progress", "stage": stage, "done": 0, "total": null }));
    }

    /// Prints a line for people.
    pub fn note(self, text: &str) {
        if self == Progress::Human {
            eprintln!("{}", printable(text));
        }
    }

    /// Warns of something that does not stop the command.
    pub fn warn(self, text: &str) {
        match self {
            Progress::Human => eprintln!("warning: {}", printable(text)),
            Progress::Json => self.event(&json!({ "event": "warning", "message": text })),
            Progress::Silent => {}
        }
    }

    /// Prints a JSON line for programs.
    pub fn event(self, event: &Value) {
        if self == Progress::Json {
            emit(event);
        }
    }
}

impl Stage {
    /// Counts one step as done.
    pub fn advance(&self) {
        self.bar.inc(1);
        let Some(json) = &self.json else { return };
        let Ok(mut stage) = json.lock() else { return };
        stage.done += 1;
        if stage.done == stage.total || stage.last.elapsed() >= JSON_INTERVAL {
            stage.last = Instant::now();
            let line = json!({ "event": "progress", "stage": stage.name, "done": stage.done, "total": stage.total });
            emit(line);
        }
    }

    /// Sets how many of how many steps are done; for downloads, whose size becomes known while they run.
    pub fn set(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
        let Some(json) = &self.json else { return };
        let Ok(mut stage) = json.lock() else { return };
        if Some(done) == total || stage.last.elapsed() >= JSON_INTERVAL {
            stage.last = Instant::now();
            let line = json!({ "event": "progress", "stage": stage.name, "done": done, "total": total });
            emit(line);
        }
    }

    /// Ends the stage and removes its bar.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
