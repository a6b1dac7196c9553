//! Trainings that nobody asks for: of channels whose photos or products have changed, once they have not changed for a
//! while, and once a day. What was trained on the very same data before is not trained again.
//!
//! When a channel last changed is kept in memory alone. A service that starts therefore looks at every channel as if it had
//! changed just now.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::queue::{self, Request, enqueue};
use super::{JobState, Work, input};
use crate::service::access::Caller;
use crate::service::events::Event;
use crate::service::http::problem::Result;
use crate::service::{App, channels, models};

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_millis(500);

/// Trains by itself, until the service ends.
pub async fn forever(app: App) {
    let mut changes = app.events.subscribe();
    let debounce = Duration::from_secs(app.settings.training.debounce_seconds);
    let mut due = HashMap::new();
    all(&app, &mut due, Instant::now() + debounce).await;
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut daily = daily_after(&app, app.now());
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(Event::Photos { channel } | Event::Products { channel }) => {
                    due.insert(channel, Instant::now() + debounce);
                }
                Ok(Event::Job { .. } | Event::Model { .. }) => {}
                Err(RecvError::Lagged(_)) => all(&app, &mut due, Instant::now() + debounce).await,
                Err(RecvError::Closed) => return,
            },
            _ = looks.tick() => {
                if daily.is_some_and(|at| app.now() >= at) {
                    all(&app, &mut due, Instant::now()).await;
                    daily = daily_after(&app, app.now());
                }
                let now = Instant::now();
                let ready: Vec<String> = due.iter().filter(|(_, at)| **at <= now).map(|(channel, _)| channel.clone()).collect();
                for channel in ready {
                    due.remove(&channel);
                    if let Err(problem) = train_if_changed(&app, &channel).await {
                        tracing::error!(channel, cause = problem.detail, "the channel could not be trained by itself");
                    }
                }
            }
        }
    }
}

/// Makes every channel due.
async fn all(app: &App, due: &mut HashMap<String, Instant>, at: Instant) {
    let sql = "SELECT id FROM channels WHERE deleted_at IS NULL AND archived_at IS NULL";
    match sqlx::query_scalar::<_, String>(sql).fetch_all(app.database.read()).await {
        Ok(channels) => due.extend(channels.into_iter().map(|channel| (channel, at))),
        Err(error) => tracing::error!(cause = %error, "the channels could not be read"),
    }
}

/// When the daily trainings are due next, by the local time of this machine.
fn daily_after(app: &App, now: i64) -> Option<i64> {
    next_at(app.settings.training.daily_hour.0?, now, TimeZone::system())
}

fn next_at(hour: u8, now: i64, zone: TimeZone) -> Option<i64> {
    let cron: croner::Cron = format!("0 {hour} * * *").parse().ok()?;
    let now = Timestamp::from_millisecond(now).ok()?.to_zoned(zone);
    cron.find_next_occurrence(&now, false).ok().map(|at| at.timestamp().as_millisecond())
}

/// Queues a training of the channel if it trains by itself and what it would learn has changed. Tells whether it did.
///
/// # Errors
/// Where the database cannot be used.
pub async fn train_if_changed(app: &App, channel: &str) -> Result<bool> {
    let mut reader = app.database.read().acquire().await?;
    let Ok(found) = channels::find(&mut reader, channel).await else { return Ok(false) };
    drop(reader);
    let is_automatic = found.settings.automatic_training.unwrap_or(app.settings.training.automatic);
    if !is_automatic || found.archived_at.is_some() {
        return Ok(false);
    }
    let input = input::read(app, channel, false).await?;
    if input.photos == 0 || models::trained_on(app, channel, &input.hash).await?.is_some() {
        return Ok(false);
    }
    // What could not be trained once cannot be trained until somebody changes it.
    let sql = "SELECT state FROM jobs WHERE channel_id = ? AND kind = 'train' AND data_hash = ? \
               ORDER BY created_at DESC, rowid DESC LIMIT 1";
    let last: Option<String> =
        sqlx::query_scalar(sql).bind(channel).bind(&input.hash).fetch_optional(app.database.read()).await?;
    if last.is_some_and(|state| state != JobState::Done.word()) {
        return Ok(false);
    }
    let mut write = app.database.write().await?;
    let work = Work::Train { force: false, fine_tune: false };
    let (job, _) = enqueue(&mut write, app, &Caller::service(), Request::new(Some(channel), work)).await?;
    write.commit().await?;
    queue::tell(app, &job.id);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_hour_is_that_of_the_clock_on_the_wall() {
        let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
        let at =
            |text: &str| text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
        let next = |now: &str| next_at(2, at(now).as_millisecond(), zone.clone()).unwrap();
        assert_eq!(next("2026-06-01T01:59:00"), at("2026-06-01T02:00:00").as_millisecond());
        assert_eq!(next("2026-06-01T02:00:00"), at("2026-06-02T02:00:00").as_millisecond());
        assert_eq!(next("2026-12-31T23:00:00"), at("2027-01-01T02:00:00").as_millisecond());
    }
}
