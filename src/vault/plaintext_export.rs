//! Records as plain JSON or CSV, for apps that ask for that.

use serde_json::{Value, json};

use super::record::{Entry, Record};
use crate::recognize::Decision;

/// An array of objects: id, time in milliseconds since 1970, kind, and the record's fields. Without blobs.
#[must_use]
pub fn to_json(entries: &[Entry]) -> Value {
    let object = |entry: &Entry| {
        // A record was read from JSON, so it can be written.
        let mut object = serde_json::to_value(&entry.record).unwrap_or_default();
        object["id"] = json!(entry.id.to_string());
        object["time"] = json!(entry.time);
        object
    };
    entries.iter().map(object).collect()
}

/// One line a scan: id, time, decision, the likeliest label and its confidence, score, geohash, version. Other records are
/// left out. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
#[must_use]
pub fn to_csv(entries: &[Entry]) -> String {
    let mut csv = String::from("id,time,decision,label,confidence,score,geohash,version\r\n");
    for entry in entries {
        let Record::Scan(scan) = &entry.record else { continue };
        let first = scan.predictions.first();
        let cells = [
            entry.id.to_string(),
            iso8601(entry.time),
            scan.decision.map_or("", decision_name).to_owned(),
            first.map_or_else(String::new, |p| text(&p.label)),
            first.map_or_else(String::new, |p| p.confidence.to_string()),
            scan.score.map_or_else(String::new, |score| score.to_string()),
            text(scan.geohash.as_deref().unwrap_or_default()),
            text(scan.version.as_deref().unwrap_or_default()),
        ];
        csv += &cells.join(",");
        csv += "\r\n";
    }
    csv
}

fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Match => "match",
        Decision::Unsure => "unsure",
        Decision::Unknown => "unknown",
    }
}

fn text(cell: &str) -> String {
    let formula = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if formula.is_empty() && !cell.contains([',', '"', '\n', '\r']) {
        return cell.to_owned();
    }
    format!("\"{formula}{}\"", cell.replace('"', "\"\""))
}

/// UTC, by the civil calendar's 400 years of 146,097 days.
fn iso8601(time: u64) -> String {
    let (seconds, millis) = (time / 1000, time % 1000);
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}
