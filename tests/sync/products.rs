//! Products that the app knows, and others.

use std::collections::BTreeSet;

use fixture::publish;
use jicho::manifest::AttributeHead;
use jicho::recognize::{AttributeValue, Decision, Reason};

use super::*;

const ALL: &[&str] = &["apple", "bread", "cheese", "dates"];

fn products(ids: &[&str]) -> Option<BTreeSet<String>> {
    Some(ids.iter().map(|id| (*id).to_owned()).collect())
}

/// Labels with whether they are known, in their order.
fn order(recognition: &Recognition) -> Vec<(&str, bool)> {
    recognition.predictions.iter().map(|p| (p.label.as_str(), p.known)).collect()
}

#[test]
fn who_is_not_known_never_wins() {
    let mut published = publish("T_1", 1, ALL);
    published.manifest.attributes.insert("product".into(), AttributeHead::Label);
    published.manifest.golden.outputs = published.load().golden_outputs().unwrap();
    let store = device(&published);
    let session = open(&store);
    let free = recognize(&session).unwrap();
    let labels: Vec<&str> = order(&free).iter().map(|o| o.0).collect();
    assert!(free.predictions.iter().all(|p| p.known));
    let [first, second, third, last] = labels[..] else { panic!("{labels:?}") };

    session.set_products(products(&[second, last, "of another channel"]));
    let seen = recognize(&session).unwrap();
    assert_eq!(order(&seen), [(second, true), (last, true), (first, false), (third, false)]);
    assert_eq!(seen.decision, Decision::Match, "by the channel's own thresholds");
    assert_eq!(seen.attributes["product"].value, AttributeValue::Text(second.into()));
    let confidence = |recognition: &Recognition, label: &str| {
        recognition.predictions.iter().find(|p| p.label == label).unwrap().confidence
    };
    for label in ALL {
        assert_eq!(confidence(&seen, label), confidence(&free, label), "what is left out gives nothing to the others");
    }
    assert_eq!(seen.margin, confidence(&seen, second) - confidence(&seen, last));
    assert!(seen.rejection_score < free.rejection_score);

    session.set_products(products(&[last]));
    let seen = recognize(&session).unwrap();
    assert_eq!(seen.margin, confidence(&seen, last));

    session.set_products(None);
    assert_eq!(recognize(&session).unwrap(), free);
    // From the beginning, too.
    let session = open_with(&store, Options { products: products(&[second]), ..Options::default() });
    assert_eq!(order(&recognize(&session).unwrap())[0], (second, true));
    assert_eq!(diagnose(&session).products, Some(1));
}

#[test]
fn thresholds_hold_for_the_best_that_is_known() {
    let free = recognize(&open(&device(&publish("T_1", 1, ALL)))).unwrap();
    let (first, second) = (&free.predictions[0], &free.predictions[1]);
    let between = f32::midpoint(first.confidence, second.confidence);
    let mut unsure = publish("T_1", 1, ALL);
    unsure.manifest.decision.match_confidence = between;
    let mut unknown = publish("T_1", 1, ALL);
    let store = device(&publish("T_1", 1, ALL));
    let session = open(&store);
    session.set_products(products(&[&second.label]));
    let scores = (free.rejection_score, recognize(&session).unwrap().rejection_score);
    unknown.manifest.decision.rejection_threshold = f32::midpoint(scores.0, scores.1);
    for (published, expected) in
        [(unsure, (Decision::Unsure, Reason::LowConfidence)), (unknown, (Decision::Unknown, Reason::FarFromProducts))]
    {
        let store = device(&published);
        let session = open(&store);
        let seen = recognize(&session).unwrap();
        assert_eq!((seen.decision, seen.reason), (Decision::Match, Reason::Confident));
        session.set_products(products(&[&second.label]));
        let seen = recognize(&session).unwrap();
        assert_eq!((seen.decision, seen.reason), expected);
        assert_eq!(seen.predictions[0].label, second.label);
    }
}

#[test]
fn where_the_app_knows_none_it_is_told() {
    let mut published = publish("T_1", 1, A);
    published.manifest.attributes.insert("product".into(), AttributeHead::Label);
    let store = device(&published);
    let session = open(&store);
    let free = recognize(&session).unwrap();
    for ids in [&[][..], &["of another channel"]] {
        session.set_products(products(ids));
        let seen = recognize(&session).unwrap();
        assert_eq!((seen.decision, seen.reason), (Decision::Unknown, Reason::NotKnown));
        assert_eq!(seen.predictions.len(), 2);
        assert!(seen.predictions.iter().all(|p| !p.known));
        assert_eq!((seen.predictions[0].label.as_str(), seen.margin), (free.predictions[0].label.as_str(), 0.0));
        assert_eq!(seen.rejection_score, 0.0);
        assert!(!seen.attributes.contains_key("product"), "no attribute tells a product that the app does not know");
        assert_eq!(seen.score, None);
    }
}
