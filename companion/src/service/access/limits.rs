//! How often callers may ask. One process serves a data folder at a time, so its counts hold for all callers.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::service::config::settings::Access;
use crate::service::http::problem::{Problem, Result};

/// All limits.
pub struct Limits {
    /// Predictions by key.
    pub predictions: Both<String>,
    /// Attempts to sign in, by address.
    pub log_ins: Limit<IpAddr>,
    /// Keys that were refused, by address.
    pub refusals: Limit<IpAddr>,
}

impl Limits {
    /// As the settings say.
    pub fn new(settings: &Access) -> Limits {
        Limits {
            predictions: Both(
                Limit::per_minute(settings.predict_per_minute),
                Limit::per_hour(settings.predict_per_hour),
            ),
            log_ins: Limit::per_minute(settings.log_ins_per_minute),
            refusals: Limit::per_minute(settings.refusals_per_minute),
        }
    }

    /// Forgets whoever has not asked for a while, so that memory stays bounded.
    pub fn forget_idle(&self) {
        for limit in [&self.predictions.0, &self.predictions.1] {
            limit.forget_idle();
        }
        self.log_ins.forget_idle();
        self.refusals.forget_idle();
    }
}

/// A number of events in a time, for each of many.
pub struct Limit<K: Hash + Eq + Clone>(Option<DefaultKeyedRateLimiter<K>>);

impl<K: Hash + Eq + Clone> Limit<K> {
    fn per_minute(count: u32) -> Self {
        Limit(NonZeroU32::new(count).map(|count| RateLimiter::keyed(Quota::per_minute(count))))
    }

    fn per_hour(count: u32) -> Self {
        Limit(NonZeroU32::new(count).map(|count| RateLimiter::keyed(Quota::per_hour(count))))
    }

    /// Takes one event, or refuses.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn take(&self, key: &K) -> Result<()> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Problem::too_many(wait.as_secs() + 1)
        })
    }

    fn forget_idle(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
        }
    }
}

/// Two limits that both must hold.
pub struct Both<K: Hash + Eq + Clone>(Limit<K>, Limit<K>);

impl<K: Hash + Eq + Clone> Both<K> {
    /// Takes one event, or refuses.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn take(&self, key: &K) -> Result<()> {
        self.0.take(key)?;
        self.1.take(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_for_each_key_and_tells_how_long_to_wait() {
        let limit = Limit::per_minute(2);
        assert!(limit.take(&"a").is_ok() && limit.take(&"a").is_ok());
        let refused = limit.take(&"a").unwrap_err();
        assert!(refused.retry_after.is_some_and(|seconds| (1..=31).contains(&seconds)));
        assert!(limit.take(&"b").is_ok());
    }

    #[test]
    fn none_is_no_limit() {
        let limit = Limit::per_hour(0);
        assert!((0..10_000).all(|_| limit.take(&1).is_ok()));
    }
}
