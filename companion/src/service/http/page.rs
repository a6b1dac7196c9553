//! Lists that come in pages.

use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, Result};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T: ToSchema> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Send it as `after` to get the next page; null on the last.
    pub next: Option<String>,
}

/// A page before its items are made into what is answered.
pub struct Rows<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<R> Rows<R> {
    /// A page of `rows`, of which one more than `limit` was asked for to see whether there is another page.
    pub fn of(mut rows: Vec<R>, limit: i64, key: impl Fn(&R) -> String) -> Rows<R> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(key);
        Rows { items: rows, next }
    }

    /// The page of what `make` makes of each row.
    pub fn map<T: ToSchema>(self, make: impl FnMut(R) -> T) -> Page<T> {
        Page { items: self.items.into_iter().map(make).collect(), next: self.next }
    }

    /// As [`Rows::map`], where making may fail.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn try_map<T: ToSchema>(self, make: impl FnMut(R) -> Result<T>) -> Result<Page<T>> {
        Ok(Page { items: self.items.into_iter().map(make).collect::<Result<_>>()?, next: self.next })
    }
}

/// The size of a page.
///
/// # Errors
/// 400 for one that is too small or too large.
pub fn limit(given: Option<u32>) -> Result<i64> {
    match given {
        None => Ok(50),
        Some(limit @ 1..=500) => Ok(limit.into()),
        Some(_) => Err(Problem::field("limit", "give a number from 1 to 500")),
    }
}
