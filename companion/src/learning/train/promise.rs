//! What a match takes so that a promised share of all matches is right.

use jicho::manifest::Promise;

use crate::learning::measure::wilson;

/// The share of matches that are right, unless the user says otherwise.
pub const MATCH_PRECISION: f32 = 0.97;
/// The precisions that an app may ask for, besides the channel's own.
const PRECISIONS: [f32; 7] = [0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995];
/// How many standard errors below the counted share of right answers the true one is taken to lie.
const CAUTION: f64 = 1.0;

/// An answer of the trial.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The first label's probability.
    pub confidence: f32,
    /// The rejection score.
    pub score: f32,
    /// Whether the first label is right.
    pub right: bool,
}

/// A promise for each precision, ascending, with `own` among them.
///
/// The least confidence of a match is the smallest from which on both hold: of the answers so confident, the share of
/// right ones is at least the precision even at the lower end of its uncertainty, and their mean confidence is too. The
/// second keeps promises from photos that were too easy. `photos` different photos were asked, some several times, which
/// says no more. Where no confidence suffices, a match must claim the precision itself, and nothing is told as measured.
pub fn promises(claims: &[Claim], photos: usize, match_score: Option<f32>, own: f32) -> Vec<Promise> {
    let mut precisions: Vec<f32> = PRECISIONS.iter().copied().filter(|p| (p - own).abs() > 1e-4).chain([own]).collect();
    precisions.sort_by(f32::total_cmp);
    let mut sorted = claims.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let each = photos as f64 / claims.len().max(1) as f64;
    let mut least = 0.0;
    precisions
        .into_iter()
        .map(|precision| {
            let measured = least_confidence(&sorted, each, f64::from(precision));
            least = measured.unwrap_or(precision).max(least);
            let told = measured.map(|_| tell(claims, each, least, match_score));
            Promise {
                precision,
                confidence: least,
                coverage: told.map(|(coverage, _)| coverage),
                interval: told.and_then(|(_, interval)| interval),
            }
        })
        .collect()
}

/// `sorted` begins with the most confident. Each claim counts as `each` photos.
fn least_confidence(sorted: &[Claim], each: f64, precision: f64) -> Option<f32> {
    let (mut right, mut confidence, mut found) = (0usize, 0f64, None);
    for (i, claim) in sorted.iter().enumerate() {
        right += usize::from(claim.right);
        confidence += f64::from(claim.confidence);
        let count = (i + 1) as f64;
        let is_last_of_equals = sorted.get(i + 1).is_none_or(|next| next.confidence < claim.confidence);
        let share = lower_bound(right as f64 / count, count * each);
        if is_last_of_equals && share.min(confidence / count) >= precision {
            // Slightly below, so that the photo itself is a match when another build rounds its confidence differently.
            found = Some((claim.confidence - 1e-5).max(0.0));
        }
    }
    found
}

/// The lower end of Wilson's score interval (1927) at [`CAUTION`] standard errors.
fn lower_bound(share: f64, count: f64) -> f64 {
    let z = CAUTION;
    let half = z * (share * (1.0 - share) / count + z * z / (4.0 * count * count)).sqrt();
    (share + z * z / (2.0 * count) - half) / (1.0 + z * z / count)
}

/// The share of claims that are a match, and the interval of the share of right ones among them.
fn tell(claims: &[Claim], each: f64, confidence: f32, match_score: Option<f32>) -> (f64, Option<[f64; 2]>) {
    let is_match =
        |claim: &&Claim| claim.confidence >= confidence && match_score.is_none_or(|least| claim.score >= least);
    let matches: Vec<&Claim> = claims.iter().filter(is_match).collect();
    let right = matches.iter().filter(|claim| claim.right).count();
    let photos = |count: usize| (count as f64 * each).round() as usize;
    let interval = wilson(photos(right), photos(matches.len()));
    (matches.len() as f64 / claims.len().max(1) as f64, interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Confidences of 0.5 to 1, right as often as they claim.
    fn honest(count: usize) -> Vec<Claim> {
        let claim = |i: usize| {
            let confidence = 0.5 + 0.5 * (i as f32 + 0.5) / count as f32;
            // A low-discrepancy sequence (the golden ratio's) decides.
            let right = (i as f32 * 0.618_034).fract() < confidence;
            Claim { confidence, score: 0.0, right }
        };
        (0..count).map(claim).collect()
    }

    fn of(promises: &[Promise], precision: f32) -> Promise {
        *promises.iter().find(|promise| (promise.precision - precision).abs() < 1e-6).unwrap()
    }

    #[test]
    fn honest_confidences_keep_every_promise() {
        let claims = honest(4000);
        let promises = promises(&claims, 4000, None, 0.97);
        for Promise { precision, confidence, coverage, interval } in &promises {
            let matches: Vec<&Claim> = claims.iter().filter(|claim| claim.confidence >= *confidence).collect();
            let right = matches.iter().filter(|claim| claim.right).count() as f32 / matches.len() as f32;
            if coverage.is_some() {
                assert!(right >= *precision, "{precision}: {right}");
                let [low, high] = interval.unwrap();
                assert!(low <= f64::from(right) && f64::from(right) <= high);
            }
        }
        let ninety = of(&promises, 0.9);
        assert!((0.8..0.83).contains(&ninety.confidence) && ninety.coverage.unwrap() > 0.3, "{ninety:?}");
        let rising = promises
            .windows(2)
            .all(|pair| pair[0].precision < pair[1].precision && pair[0].confidence <= pair[1].confidence);
        assert!(rising, "{promises:?}");
    }

    #[test]
    fn photos_that_were_too_easy_do_not_lower_the_claim() {
        // All right, but of confidences of 0.7 to 0.8.
        let easy: Vec<Claim> =
            (0..400).map(|i| Claim { confidence: 0.7 + i as f32 / 4000.0, score: 0.0, right: true }).collect();
        assert_eq!(of(&promises(&easy, 400, None, 0.97), 0.97).confidence, 0.97);
    }

    #[test]
    fn few_photos_promise_little() {
        let flawless = |count: usize| {
            let claims = vec![Claim { confidence: 0.999, score: 0.0, right: true }; count];
            of(&promises(&claims, count, None, 0.97), 0.97).coverage
        };
        assert_eq!(flawless(20), None);
        assert_eq!(flawless(200), Some(1.0));
        let four_times = vec![Claim { confidence: 0.999, score: 0.0, right: true }; 80];
        assert_eq!(
            of(&promises(&four_times, 20, None, 0.97), 0.97).coverage,
            None,
            "asked four times, still 20 photos"
        );
        assert!(promises(&[], 0, None, 0.97).iter().all(|promise| promise.confidence == promise.precision));
    }

    #[test]
    fn the_channels_own_precision_is_one_of_them() {
        let promises = promises(&honest(500), 500, None, 0.93);
        assert_eq!(promises.len(), 8);
        assert!(of(&promises, 0.93).confidence >= of(&promises, 0.9).confidence);
    }
}
