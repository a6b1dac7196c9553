//! Adding, reading and deleting records.

use super::device::{Device, random};
use super::export_file::MAX_TIME;
use super::ids::RecordId;
use super::kind::Kind;
use super::record::{Entry, Limits, Record, check_prefix};
use super::session::Vault;
use super::store::{Position, Row, Select, Store};
use crate::error::{Error, ErrorKind, Result};

/// Rows that are read at once.
const CHUNK: usize = 256;

/// Which records to list.
#[derive(Debug, Clone)]
pub struct Query {
    /// Of this kind.
    pub kind: Kind,
    /// Added at this time or later (milliseconds since 1970).
    pub from: u64,
    /// Added before this time.
    pub until: u64,
    /// Only scans in this geohash cell. Every scan of the time range is opened to find them: an index would tell the disk who
    /// was where.
    pub geohash: Option<String>,
    /// The latest first.
    pub descending: bool,
    /// Continues behind this position, the [`Page::next`] of the page before.
    pub after: Option<Position>,
    /// At most so many records.
    pub limit: usize,
    /// Whether to read blobs too.
    pub blobs: bool,
}

impl Query {
    /// All of a kind, the latest first, 100 a page, without blobs.
    #[must_use]
    pub fn all(kind: Kind) -> Self {
        Query { kind, from: 0, until: u64::MAX, geohash: None, descending: true, after: None, limit: 100, blobs: false }
    }
}

/// Some records.
#[derive(Debug, Default)]
pub struct Page {
    /// The records that could be opened.
    pub entries: Vec<Entry>,
    /// The records that could not be opened.
    pub damaged: Vec<Damaged>,
    /// Where the next page begins; `None` after the last page.
    pub next: Option<Position>,
}

/// A record that cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its kind, as the store says.
    pub kind: Kind,
    /// Its id.
    pub id: RecordId,
    /// When it was added, as the store says.
    pub time: u64,
    /// Why.
    pub error: Error,
}

impl Damaged {
    pub(super) fn new(row: &Row, error: Error) -> Self {
        Damaged { kind: row.kind, id: row.id, time: row.time, error }
    }
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Adds a record with its blob, and answers with its id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]; [`ErrorKind::QueueFull`] for a sale; [`ErrorKind::Storage`] (it may have been added
    /// all the same), [`ErrorKind::VaultClosed`].
    pub async fn add(&self, record: &Record, blob: Option<&[u8]>) -> Result<RecordId> {
        let id = RecordId::random(random(&self.device)?);
        self.add_as(id, record, blob).await?;
        Ok(id)
    }

    /// As [`Vault::add`], under an id of the app's, such as a UUID. Whether it was added: a record of that id that is there
    /// stays as it is.
    ///
    /// # Errors
    /// As [`Vault::add`].
    pub async fn add_as(&self, id: RecordId, record: &Record, blob: Option<&[u8]>) -> Result<bool> {
        let limits = Limits { geohash_length: self.settings.geohash_length };
        // Whatever the clock says, the time must be one that JavaScript can hold.
        let (plain, kind, now) = (record.write(blob, limits)?, record.kind(), self.device.now().min(MAX_TIME));
        let added = self.write(async |draft| {
            if let Some(row) = self.store.row(&self.name, id).await? {
                let other = || Error::new(ErrorKind::InvalidArgument, format!("{id} is the id of another record"));
                return if row.kind == kind { Ok(false) } else { Err(other()) };
            }
            let mut time = now;
            if kind == Kind::Sale {
                self.check_room(draft.ring.header.count(kind), 1)?;
                // Sales are delivered in the order of their times.
                let latest = Select { descending: true, limit: 1, blobs: false, ..Select::all(kind) };
                let latest = self.store.rows(&self.name, &latest).await?;
                time = latest.first().map_or(now, |row| now.max(row.time.saturating_add(1)).min(MAX_TIME));
            }
            self.renew_key(draft)?;
            let row = draft.ring.seal_row(kind, time, id, &plain, &self.device).await?;
            draft.add(row);
            Ok(true)
        });
        let added = added.await?;
        // If upkeep fails it is tried again with the next record.
        let _ = self.tend_daily().await;
        Ok(added)
    }

    /// The record of that id with its blob; `None` where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::RecordDamaged`], [`ErrorKind::KeyMissing`], [`ErrorKind::Storage`], [`ErrorKind::VaultClosed`].
    pub async fn get(&self, id: RecordId) -> Result<Option<Entry>> {
        self.check_open()?;
        let Some(row) = self.store.row(&self.name, id).await? else {
            // A destroyed vault would otherwise look like an empty one.
            return self.refresh().await.map(|()| None);
        };
        let opened = self.read(row, async |ring, row| ring.open_row(row, true, &self.device).await).await;
        opened.map_err(|e| e.context(format!("the record {id}")))
    }

    /// Some records in the order of their times. Damaged ones are told, and do not keep the others out.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`], [`ErrorKind::Storage`], [`ErrorKind::VaultClosed`].
    pub async fn list(&self, query: &Query) -> Result<Page> {
        self.check_open()?;
        if query.limit == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, "a page of no records"));
        }
        if let Some(prefix) = &query.geohash {
            check_prefix(prefix)?;
            if query.kind != Kind::Scan {
                return Err(Error::new(ErrorKind::InvalidArgument, "only scans have a geohash"));
            }
        }
        let Query { kind, from, until, descending, .. } = *query;
        // A search reads the blobs of what it finds alone.
        let blobs = query.blobs && query.geohash.is_none();
        let mut select = Select { kind, from, until, descending, after: query.after, limit: CHUNK, blobs };
        let mut page = Page::default();
        loop {
            if query.geohash.is_none() {
                select.limit = CHUNK.min(query.limit - page.entries.len());
            }
            let rows = self.store.rows(&self.name, &select).await?;
            let ended = rows.len() < select.limit;
            for row in rows {
                let (position, about) = (row.position(), row.clone());
                match self.listed(row, query, blobs).await {
                    Ok(entry) => page.entries.extend(entry),
                    Err(error) if is_of_the_record(&error) => page.damaged.push(Damaged::new(&about, error)),
                    Err(error) => return Err(error),
                }
                select.after = Some(position);
                if page.entries.len() == query.limit {
                    page.next = select.after;
                    return Ok(page);
                }
            }
            if ended {
                // A destroyed vault would otherwise look like an empty one.
                self.refresh().await?;
                return Ok(page);
            }
        }
    }

    /// The entry of a row, unless the query leaves it out. `blobs`: whether the row has its blob with it.
    async fn listed(&self, row: Row, query: &Query, blobs: bool) -> Result<Option<Entry>> {
        let id = row.id;
        let entry = self.read(row, async |ring, row| ring.open_row(row, blobs, &self.device).await).await?;
        let Some(entry) = entry.filter(|entry| is_in(entry, query.geohash.as_deref())) else { return Ok(None) };
        if query.blobs && !blobs && entry.blob_bytes > 0 { self.get(id).await } else { Ok(Some(entry)) }
    }

    /// Deletes the record of that id, damaged or not. Whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`], [`ErrorKind::VaultClosed`].
    pub async fn delete(&self, id: RecordId) -> Result<bool> {
        self.write(async |draft| {
            let Some(row) = self.store.row(&self.name, id).await? else {
                self.refresh().await?;
                return Ok(false);
            };
            draft.delete(row.kind, id);
            Ok(true)
        })
        .await
    }
}

/// Whether the error concerns one record alone, so that the others can still be read.
pub(super) fn is_of_the_record(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::RecordDamaged | ErrorKind::KeyMissing | ErrorKind::SchemaTooNew)
}

fn is_in(entry: &Entry, prefix: Option<&str>) -> bool {
    prefix.is_none_or(|prefix| match &entry.record {
        Record::Scan(scan) => scan.geohash.as_deref().is_some_and(|geohash| geohash.starts_with(prefix)),
        _ => false,
    })
}
