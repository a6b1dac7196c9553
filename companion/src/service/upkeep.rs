//! What is done from time to time: retention, the audit log's heads, the removal of deleted channels.

use std::time::Duration;

use super::http::problem::Result;
use super::{App, Millis, audit};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Millis = 86_400_000;
const YEAR: Millis = 365 * DAY;
/// Deleted channels are removed for good after so long.
const CLEAN_UP_AFTER: Millis = 7 * DAY;

/// Does each as often as it is due, until the service ends.
pub async fn forever(app: App) {
    let mut minutes = tokio::time::interval(MINUTE);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut day = None;
    loop {
        minutes.tick().await;
        app.limits.forget_idle();
        tell("the heads of the audit log", audit::export_heads(&app).await);
        tell("the counts of predictions", app.predictor.store_counts(&app).await);
        let today = app.now() / DAY;
        if day != Some(today) {
            tell("the retention", retention(&app).await);
            day = Some(today);
        }
    }
}

/// What fails now is done the next time.
fn tell(what: &str, result: Result<()>) {
    if let Err(problem) = result {
        tracing::error!(cause = problem.detail, "{what} could not be done");
    }
}

/// Removes what has been kept long enough.
///
/// # Errors
/// Where database or folder cannot be used.
pub async fn retention(app: &App) -> Result<()> {
    let (now, keep) = (app.now(), &app.settings.retention);
    let days = |days: u64| now - i64::try_from(days).unwrap_or(0) * DAY;
    let mut write = app.database.write().await?;
    for (sql, oldest) in [
        ("DELETE FROM sessions WHERE expires_at < ?", now),
        ("DELETE FROM links WHERE expires_at < ?", now - 30 * DAY),
        ("DELETE FROM feedback WHERE received_at < ?", days(keep.feedback_days)),
        ("DELETE FROM job_events WHERE job_id IN (SELECT id FROM jobs WHERE ended_at < ?)", now - 90 * DAY),
    ] {
        sqlx::query(sql).bind(oldest).execute(&mut *write).await?;
    }
    let five_years = now - 5 * YEAR;
    let oldest_day = jiff::Timestamp::from_millisecond(five_years).map(|at| at.strftime("%Y-%m-%d").to_string());
    if let Ok(day) = oldest_day {
        for sql in ["DELETE FROM predictions_by_day WHERE day < ?", "DELETE FROM feedback_by_day WHERE day < ?"] {
            sqlx::query(sql).bind(&day).execute(&mut *write).await?;
        }
    }
    write.commit().await?;
    audit::drop_older(app, now - i64::try_from(keep.audit_years).unwrap_or(100) * YEAR).await?;
    remove_photos(app, "source = 'device' AND disputed_at IS NULL", days(keep.device_frame_days)).await?;
    if keep.photo_days > 0 {
        remove_photos(app, "source != 'device' AND disputed_at IS NULL", days(keep.photo_days)).await?;
    }
    remove_deleted_channels(app).await
}

/// Removes old photos: first what the database knows of them, then the files, so that no row is without its file.
async fn remove_photos(app: &App, which: &str, oldest: Millis) -> Result<()> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT id, channel_id, file FROM photos WHERE created_at < ? AND {which}"));
    let old: Vec<(String, String, String)> = sqlx::query_as(sql).bind(oldest).fetch_all(app.database.read()).await?;
    for (id, channel, file) in old {
        let mut write = app.database.write().await?;
        super::photos::forget(&mut write, &channel, &id).await?;
        write.commit().await?;
        super::photos::remove_files(app, &channel, &file).await;
    }
    Ok(())
}

/// Removes what is left of channels that were deleted a week ago. Their audit records stay.
async fn remove_deleted_channels(app: &App) -> Result<()> {
    let sql = "SELECT id FROM channels WHERE deleted_at < ?";
    let oldest = app.now() - CLEAN_UP_AFTER;
    let ids: Vec<String> = sqlx::query_scalar(sql).bind(oldest).fetch_all(app.database.read()).await?;
    for id in ids {
        let mut write = app.database.write().await?;
        for table in ["photos", "products", "ml_models", "sales", "lessons", "feedback", "feedback_by_day", "jobs"] {
            let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE channel_id = ?"));
            sqlx::query(sql).bind(&id).execute(&mut *write).await?;
        }
        sqlx::query("DELETE FROM predictions_by_day WHERE channel_id = ?").bind(&id).execute(&mut *write).await?;
        sqlx::query("DELETE FROM channels WHERE id = ?").bind(&id).execute(&mut *write).await?;
        let service = super::access::Caller::service();
        audit::record(&mut write, app, &service, "channel.remove", &id, serde_json::json!({})).await?;
        write.commit().await?;
        let reports = app.storage.reports().join(&id);
        for folder in [app.storage.channel(&id), reports, app.settings.server.models.join(&id)] {
            match tokio::fs::remove_dir_all(&folder).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(cause = %error, "{} could not be removed", folder.display());
                }
                _ => {}
            }
        }
    }
    Ok(())
}
