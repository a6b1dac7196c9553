//! Candidates: only some devices take them, until they are promoted or withdrawn.

use serde_json::json;

use crate::shop::{Shop, latest, sha256};
use crate::versions::{import, versions};

fn candidate(shop: &Shop) -> (String, u64) {
    let candidate = shop.manifest("T_1").candidate.unwrap();
    let bytes = shop.read(&format!("models/{}", candidate.url("T_1")));
    assert_eq!(sha256(&bytes), candidate.sha256);
    let manifest = jicho::Manifest::parse(&bytes).unwrap();
    assert_eq!(manifest.version, candidate.version);
    (candidate.version, manifest.release_seq)
}

#[test]
fn a_candidate_leaves_the_release_in_force_unchanged() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "--canary 10%").fails("BAD_INPUT").says(&["without --canary"]);
    import(&shop, 1, "T_1", "").ok();
    let before = shop.metadata("T_1");
    let outcome = import(&shop, 2, "T_1", "--canary 10%").ok().says(&["10 %", "jicho promote"]);
    let mut after = shop.metadata("T_1");
    let (version, sequence) = candidate(&shop);
    assert!(outcome.stdout.trim().ends_with(&format!("T_1/versions/{version}/metadata.json")));
    assert!(sequence > before["releaseSeq"].as_u64().unwrap());
    assert_eq!(after["candidate"]["share"], json!(0.1));
    after.as_object_mut().unwrap().remove("candidate");
    assert_eq!(after, before);
    let listing = shop.run("versions models/T_1 --json").ok().json();
    assert_eq!((&listing["versions"][1]["version"], &listing["versions"][1]["share"]), (&json!(version), &json!(0.1)));
    assert_eq!(listing["versions"][0]["latest"], true);
}

#[test]
fn a_promoted_candidate_is_the_release_of_all_devices() {
    let shop = Shop::new();
    shop.run("promote models/T_1").fails("NOT_FOUND");
    import(&shop, 1, "T_1", "").ok();
    shop.run("promote models/T_1").fails("NOT_FOUND").says(&["--canary"]);
    import(&shop, 2, "T_1", "--canary 0.5").ok();
    let (version, sequence) = candidate(&shop);
    shop.run("promote models/T_1").ok();
    let manifest = shop.manifest("T_1");
    assert!(manifest.release_seq > sequence, "so that a replayed candidate is older");
    assert_eq!((manifest.version, manifest.candidate), (version, None));
    shop.run("withdraw models/T_1").fails("NOT_FOUND");
}

#[test]
fn devices_return_from_a_withdrawn_candidate() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    let before = shop.manifest("T_1");
    import(&shop, 2, "T_1", "--canary 100%").ok();
    let (tried, sequence) = candidate(&shop);
    shop.run("withdraw models/T_1").ok();
    let after = shop.manifest("T_1");
    assert!(after.release_seq > sequence, "{} must be above {sequence}", after.release_seq);
    assert_eq!((after.version, after.candidate), (before.version.clone(), None));
    // It is kept to be inspected, but a rollback does not choose it ...
    assert!(versions(&shop, "T_1").contains(&tried));
    import(&shop, 3, "T_1", "").ok();
    shop.run("rollback models/T_1").ok();
    assert_eq!(shop.manifest("T_1").version, before.version);
    // ... unless it is named.
    shop.run(&format!("rollback models/T_1 --to {tried}")).ok();
    import(&shop, 4, "T_1", "").ok();
    import(&shop, 5, "T_1", "").ok();
    shop.run("rollback models/T_1").ok();
    shop.run("rollback models/T_1").ok();
    shop.run("rollback models/T_1").ok();
    assert_eq!(shop.manifest("T_1").version, tried);
}

#[test]
fn promotion_withdrawal_and_rollback_have_higher_sequence_numbers_than_the_candidate() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 2, "T_1", "--canary 10%").ok();
    let (first, sequence) = candidate(&shop);
    // A second candidate replaces the first one.
    import(&shop, 3, "T_1", "--canary 20%").ok();
    let (second, higher) = candidate(&shop);
    assert!(higher > sequence && first != second);
    // The candidate's sequence number is far ahead of the clock.
    let path = format!("models/T_1/versions/{second}/metadata.json");
    let ahead = higher + 10_000;
    let bytes = String::from_utf8(shop.read(&path)).unwrap().replace(&higher.to_string(), &ahead.to_string());
    shop.write(&path, &bytes);
    import(&shop, 4, "T_1", "").ok();
    assert_eq!(shop.manifest("T_1").release_seq, ahead + 1);
    assert_eq!(shop.manifest("T_1").candidate, None);
}

#[test]
fn a_candidate_is_never_dropped_while_it_is_on_trial() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 2, "T_1", "--canary 10% --keep 1").ok();
    assert_eq!(versions(&shop, "T_1").len(), 2);
    let (version, _) = candidate(&shop);
    import(&shop, 3, "T_1", "--keep 1").ok();
    assert!(!versions(&shop, "T_1").contains(&version));
}

#[test]
fn a_changed_candidate_is_not_promoted() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 2, "T_1", "--canary 10%").ok();
    let (version, _) = candidate(&shop);
    let path = format!("models/T_1/versions/{version}/metadata.json");
    let mut bytes = shop.read(&path);
    bytes.push(b'\n');
    shop.write(&path, bytes);
    let before = shop.read(&latest("T_1"));
    shop.run("promote models/T_1").fails("HASH_MISMATCH");
    assert!(before == shop.read(&latest("T_1")));
    // It can still be withdrawn.
    std::fs::remove_dir_all(shop.path(format!("models/T_1/versions/{version}"))).unwrap();
    shop.run("withdraw models/T_1").ok();
}
