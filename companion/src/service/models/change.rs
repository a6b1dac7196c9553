//! Puts another model into force: rollback, promotion, withdrawal, another share of a canary.

use serde_json::Value;

use super::{find, listing, reconcile};
use crate::output::publish::versions::{self, Change};
use crate::progress::Progress;
use crate::service::access::Caller;
use crate::service::events::Event;
use crate::service::http::problem::{Problem, Result};
use crate::service::{App, audit, jobs};

/// Changes what is in force, and tells all who listen. The audit log has it before it happens, so that no change goes
/// unrecorded; one that fails is recorded as such.
///
/// # Errors
/// 409 for a release that cannot come into force; the one that is stays.
pub async fn change(
    app: &App,
    caller: &Caller,
    channel: &str,
    action: &'static str,
    change: Change,
    details: Value,
) -> Result<super::Model> {
    let mut write = app.database.write().await?;
    audit::record(&mut write, app, caller, action, channel, details.clone()).await?;
    write.commit().await?;

    let (folder, terms) = (app.settings.server.models.join(channel), jobs::terms(app));
    let changed = tokio::task::spawn_blocking(move || versions::change(&folder, &change, &terms, Progress::Silent));
    let changed = changed.await?;
    if let Err(error) = changed {
        let mut write = app.database.write().await?;
        audit::record(&mut write, app, caller, &format!("{action}.failed"), channel, details).await?;
        write.commit().await?;
        return Err(match error.code() {
            "LOCKED" => Problem::unavailable("The models folder is in use. Try again."),
            "UNSIGNED" => {
                Problem::conflict("The channel is signed, and the setting training.signing_key names no key.")
            }
            code => {
                tracing::error!(channel, action, code, cause = %error, "the release in force was not changed");
                let detail =
                    "The release cannot come into force: its files are missing or damaged. The log tells more.";
                Problem::conflict(detail)
            }
        });
    }
    let listing = listing(app, channel).await?.ok_or_else(|| Problem::internal("the channel has no release"))?;
    let mut write = app.database.write().await?;
    reconcile(&mut write, channel, &listing).await?;
    let active = listing.versions.iter().find(|version| version.latest).map(|version| version.version.clone());
    let model = find(&mut write, channel, &active.unwrap_or_default()).await?;
    write.commit().await?;
    app.events.send(Event::Model { channel: channel.to_owned() });
    Ok(model)
}
