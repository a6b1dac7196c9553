//! Rejection: how well a score tells known products, whose scores are larger, from unknown ones.

use serde::Serialize;

/// What a threshold of the score does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Scores of at least this are accepted.
    pub threshold: f32,
    /// Share of known photos that are accepted.
    pub true_accepts: f64,
    /// Share of unknown photos that are accepted.
    pub false_accepts: f64,
}

/// Area under the ROC curve: the probability that a known photo has a larger score than an unknown one, where ties count
/// half. None without photos of both.
pub fn auroc(known: &[f32], unknown: &[f32]) -> Option<f64> {
    let mut last = (0.0, 0.0);
    let mut area = 0.0;
    for point in roc(known, unknown)? {
        area += (point.false_accepts - last.0) * f64::midpoint(point.true_accepts, last.1);
        last = (point.false_accepts, point.true_accepts);
    }
    Some(area)
}

/// The share of unknown photos accepted by the largest threshold that accepts `true_accept_rate` of the known ones; for 0.95
/// this is called FPR95. None without photos of both.
pub fn false_accepts_at(true_accept_rate: f64, known: &[f32], unknown: &[f32]) -> Option<f64> {
    // The last point accepts all, so one is always found.
    let enough = |point: &Point| point.true_accepts >= true_accept_rate - 1e-9;
    roc(known, unknown)?.iter().find(|point| enough(point)).map(|point| point.false_accepts)
}

/// What each threshold that makes a difference does, from the largest down. None without photos of both.
pub fn roc(known: &[f32], unknown: &[f32]) -> Option<Vec<Point>> {
    if known.is_empty() || unknown.is_empty() {
        return None;
    }
    let scores = known.iter().map(|s| (*s, true)).chain(unknown.iter().map(|s| (*s, false)));
    let mut scores: Vec<(f32, bool)> = scores.collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut accepted, mut points) = ([0usize; 2], Vec::new());
    for equal in scores.chunk_by(|a, b| a.0 == b.0) {
        equal.iter().for_each(|(_, known)| accepted[usize::from(*known)] += 1);
        points.push(Point {
            threshold: equal[0].0,
            true_accepts: accepted[1] as f64 / known.len() as f64,
            false_accepts: accepted[0] as f64 / unknown.len() as f64,
        });
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn measures_agree_with_a_calculation_by_hand() {
        let (known, unknown) = ([0.9, 0.8, 0.6, 0.5], [0.7, 0.5, 0.1]);
        // Pairs that are in order, of 12: 0.9 and 0.8 three each, 0.6 two, 0.5 one and a half.
        assert!((auroc(&known, &unknown).unwrap() - 9.5 / 12.0).abs() < 1e-12);
        assert_eq!(false_accepts_at(0.5, &known, &unknown), Some(0.0));
        assert_eq!(false_accepts_at(0.75, &known, &unknown), Some(1.0 / 3.0));
        assert_eq!(false_accepts_at(0.95, &known, &unknown), Some(2.0 / 3.0));
        assert_eq!((auroc(&known, &[]), false_accepts_at(0.95, &[], &unknown)), (None, None));
        let points = roc(&known, &unknown).unwrap();
        assert_eq!(points.len(), 6, "the two 0.5 are one");
        assert_eq!(points[5], Point { threshold: 0.1, true_accepts: 1.0, false_accepts: 1.0 });
    }

    #[test]
    fn nineteen_of_twenty_are_95_percent() {
        let known: Vec<f32> = (0..20).map(|i| i as f32).collect();
        assert_eq!(false_accepts_at(0.95, &known, &[0.5, 1.5]), Some(0.5));
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(
            known in prop::collection::vec(0u8..9, 1..20), unknown in prop::collection::vec(0u8..9, 1..20),
        ) {
            let scores = |list: &[u8]| list.iter().map(|s| f32::from(*s)).collect::<Vec<_>>();
            let pairs = known.iter().flat_map(|k| unknown.iter().map(move |u| k.cmp(u)));
            let in_order: f64 = pairs.map(|order| 0.5 + 0.5 * f64::from(order as i8)).sum();
            let expected = in_order / (known.len() * unknown.len()) as f64;
            prop_assert!((auroc(&scores(&known), &scores(&unknown)).unwrap() - expected).abs() < 1e-9);
        }
    }
}
