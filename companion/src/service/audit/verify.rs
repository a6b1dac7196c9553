//! Verifies the chain of the audit log.

use super::{Record, START};
use crate::service::database::Connection;
use crate::service::storage::Storage;

/// What verification found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every link holds.
    Whole {
        /// Records that were read.
        records: u64,
        /// Sequence number of the first of them.
        from: i64,
    },
    /// The first link that does not hold.
    Broken {
        /// The record.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

struct Segment {
    segment: i64,
    first_seq: i64,
    last_seq: i64,
    start: String,
    head: String,
    dropped: i64,
}
crate::service::database::from_row!(Segment { segment, first_seq, last_seq, start, head, dropped });

/// Reads the log from the oldest record that is left, which the head of the segment before it vouches for.
///
/// # Errors
/// Where the database cannot be read.
pub async fn verify(on: &mut Connection, storage: &Storage) -> Result<Verdict, sqlx::Error> {
    let segments: Vec<Segment> =
        sqlx::query_as("SELECT * FROM audit_segments ORDER BY segment").fetch_all(&mut *on).await?;
    let broken = |seq, why: String| Ok(Verdict::Broken { seq, why });
    let mut before = START.to_owned();
    let mut next = 1;
    for segment in &segments {
        if segment.start != before || segment.first_seq != next {
            return broken(segment.first_seq, format!("segment {} does not follow the one before it", segment.segment));
        }
        if let Some(why) = differs_from_file(segment, storage) {
            return broken(segment.first_seq, why);
        }
        before.clone_from(&segment.head);
        next = segment.last_seq + 1;
    }
    // The records: those of segments that were not dropped, and those of the open segment.
    let kept = segments.iter().rfind(|segment| segment.dropped != 0);
    let (mut before, mut next) = kept.map_or((START.to_owned(), 1), |last| (last.head.clone(), last.last_seq + 1));
    let from = next;
    loop {
        let sql = "SELECT * FROM audit WHERE seq >= ? ORDER BY seq LIMIT 1000";
        let records: Vec<Record> = sqlx::query_as(sql).bind(next).fetch_all(&mut *on).await?;
        let Some(last) = records.last().map(|record| record.seq) else { break };
        for record in records {
            if record.seq != next {
                return broken(next, "the record is missing".into());
            }
            if record.hash != record.chained(&before) {
                return broken(record.seq, "its hash is not that of its content and of the record before".into());
            }
            if let Some(segment) = segments.iter().find(|segment| segment.last_seq == record.seq)
                && segment.head != record.hash
            {
                return broken(
                    record.seq,
                    format!("it is not the head that segment {} was sealed with", segment.segment),
                );
            }
            before = record.hash;
            next += 1;
        }
        debug_assert_eq!(last + 1, next);
    }
    // Records that were cut off at the end are noticed by the segment that was sealed over them.
    if let Some(segment) = segments.last().filter(|segment| segment.last_seq >= next) {
        return broken(
            next,
            format!("the records up to {} of segment {} are missing", segment.last_seq, segment.segment),
        );
    }
    Ok(Verdict::Whole { records: u64::try_from(next - from).unwrap_or(0), from })
}

/// What is wrong where the head in the data folder differs from that in the database.
fn differs_from_file(segment: &Segment, storage: &Storage) -> Option<String> {
    let file = storage.audit().join(format!("{:08}.json", segment.segment));
    let text = std::fs::read(&file).ok()?;
    let stored: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let same = stored["head"] == segment.head.as_str()
        && stored["start"] == segment.start.as_str()
        && stored["lastSeq"] == segment.last_seq;
    (!same).then(|| format!("the head of segment {} differs from the one in {}", segment.segment, file.display()))
}
