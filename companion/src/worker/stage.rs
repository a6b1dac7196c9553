//! How far a job is: its stages, and what share of the whole each is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a job is doing. The order is that in which they follow each other; a job may skip some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The process starts.
    Initializing,
    /// Photos, facts and rules are read and checked.
    Validating,
    /// A backbone is fetched.
    Downloading,
    /// Photos are turned into features.
    Embedding,
    /// Heads are fitted to them.
    Fitting,
    /// The result is measured, and compared with what is in force.
    Evaluating,
    /// It is written, checked and put into force.
    Publishing,
    /// All is done.
    Completed,
}

impl Stage {
    /// The percentages of the whole between which the stage lies. Embedding takes most of the time of a training whose
    /// photos are new.
    fn span(self) -> [u8; 2] {
        match self {
            Stage::Initializing => [0, 2],
            Stage::Validating => [2, 5],
            Stage::Downloading => [5, 15],
            Stage::Embedding => [15, 70],
            Stage::Fitting => [70, 80],
            Stage::Evaluating => [80, 90],
            Stage::Publishing => [90, 99],
            Stage::Completed => [100, 100],
        }
    }

    /// By the name that commands give a stage in their JSON lines.
    fn of_command(name: &str) -> Option<Stage> {
        match name {
            "read" => Some(Stage::Validating),
            "download" => Some(Stage::Downloading),
            "embed" => Some(Stage::Embedding),
            "fit" | "fine-tune" => Some(Stage::Fitting),
            "evaluate" => Some(Stage::Evaluating),
            "publish" => Some(Stage::Publishing),
            _ => None,
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// What it is doing.
    pub stage: Stage,
    /// How much of the whole is done, 0–100. It never falls.
    pub percent: u8,
    /// What there is to say, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Bytes of a download that are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes that it has in all, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

impl Update {
    /// Of a job that has not begun.
    pub fn queued() -> Update {
        Update { stage: Stage::Initializing, percent: 0, message: None, bytes: None, total_bytes: None }
    }

    /// Of a job that went well.
    pub fn completed(message: Option<String>) -> Update {
        Update { stage: Stage::Completed, percent: 100, message, ..Update::queued() }
    }
}

/// Makes updates of the JSON lines of a command.
#[derive(Debug)]
pub struct Tracker {
    stage: Stage,
    percent: u8,
}

impl Default for Tracker {
    fn default() -> Self {
        Tracker { stage: Stage::Initializing, percent: 0 }
    }
}

impl Tracker {
    /// The update that a line stands for; none where nothing changed, or the line means nothing to people.
    pub fn line(&mut self, line: &Value) -> Option<Update> {
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        match text("event")? {
            "progress" => {
                let stage = Stage::of_command(text("stage")?)?;
                let number = |name: &str| line.get(name).and_then(Value::as_u64);
                let (done, total) = (number("done").unwrap_or(0), number("total"));
                let [first, last] = stage.span();
                let share = total.filter(|total| *total > 0).map_or(0.0, |total| done as f64 / total as f64);
                let percent = first + (f64::from(last - first) * share.min(1.0)) as u8;
                let moved = stage > self.stage || percent > self.percent;
                let is_download = stage == Stage::Downloading;
                if !moved && !is_download {
                    return None;
                }
                // Several backbones may be tried one after another: then a stage comes again, and the percentage stays.
                self.stage = stage;
                self.percent = self.percent.max(percent);
                let bytes = is_download.then_some(done);
                Some(Update { bytes, total_bytes: total.filter(|_| is_download), ..self.now(None) })
            }
            "dataset" => {
                let count = |name: &str| line.get(name).and_then(Value::as_u64).unwrap_or(0);
                Some(self.now(Some(format!("{} products, {} photos", count("products"), count("images")))))
            }
            "warning" | "note" => Some(self.now(Some(text("message")?.to_owned()))),
            _ => None,
        }
    }

    /// Where it is, with something to say.
    pub fn now(&self, message: Option<String>) -> Update {
        Update { stage: self.stage, percent: self.percent, message, bytes: None, total_bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn progress(stage: &str, done: u64, total: Option<u64>) -> Value {
        json!({ "event": "progress", "stage": stage, "done": done, "total": total })
    }

    #[test]
    fn the_lines_of_a_training_become_rising_percentages() {
        let mut tracker = Tracker::default();
        let lines = [
            progress("read", 0, None),
            json!({ "event": "dataset", "products": 5, "images": 40, "notes": [] }),
            progress("download", 0, Some(100)),
            progress("download", 50, Some(100)),
            progress("embed", 20, Some(40)),
            json!({ "event": "warning", "message": "left out: a.jpg is no picture" }),
            progress("embed", 40, Some(40)),
            progress("fit", 0, None),
            progress("evaluate", 0, None),
            progress("publish", 0, None),
        ];
        let updates: Vec<Update> = lines.iter().filter_map(|line| tracker.line(line)).collect();
        let seen: Vec<(Stage, u8)> = updates.iter().map(|update| (update.stage, update.percent)).collect();
        use Stage::*;
        assert_eq!(
            seen,
            [
                (Validating, 2),
                (Validating, 2),
                (Downloading, 5),
                (Downloading, 10),
                (Embedding, 42),
                (Embedding, 42),
                (Embedding, 70),
                (Fitting, 70),
                (Evaluating, 80),
                (Publishing, 90),
            ]
        );
        assert_eq!(updates[1].message.as_deref(), Some("5 products, 40 photos"));
        assert_eq!((updates[3].bytes, updates[3].total_bytes), (Some(50), Some(100)));
        assert_eq!(updates[5].message.as_deref(), Some("left out: a.jpg is no picture"));
    }

    #[test]
    fn the_percentage_never_falls_and_nothing_unknown_counts() {
        let mut tracker = Tracker::default();
        tracker.line(&progress("fit", 0, None));
        // A second backbone of a trial embeds the photos again.
        assert_eq!(tracker.line(&progress("embed", 1, Some(40))), None);
        assert_eq!(tracker.now(None).percent, 70);
        for line in [json!(null), json!({}), json!({ "event": "progress" }), progress("elsewhere", 1, Some(2))] {
            assert_eq!(tracker.line(&line), None);
        }
        // More than all is all.
        assert_eq!(Tracker::default().line(&progress("embed", 9, Some(3))).unwrap().percent, 70);
    }
}
