//! Keys and signed releases.

use jicho::manifest::signature::{Form, PublicKey, Role, SigningKey, TrustedKeys, sign_first_form, verify};

use crate::shop::{Outcome, Shop, latest, sha256};
use crate::versions::import;

fn trusting(keys: &[&PublicKey], threshold: usize) -> TrustedKeys {
    TrustedKeys::pinned(keys.iter().map(|key| (*key).clone()).collect(), threshold).unwrap()
}

fn keygen(shop: &Shop, file: &str) -> PublicKey {
    PublicKey::parse(shop.run(&format!("keygen {file}")).ok().stdout.trim()).unwrap()
}

#[test]
fn a_key_is_made_once_and_kept_private() {
    let shop = Shop::new();
    let key = keygen(&shop, "key");
    assert_ne!(key, keygen(&shop, "other"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(shop.path("key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let before = shop.read("key");
    shop.run("keygen key").fails("IO").says(&["exists"]);
    assert!(shop.read("key") == before);
    assert_eq!(shop.run("keygen key --public").ok().stdout.trim(), key.to_hex());
    std::fs::copy(shop.path("key"), shop.path("short")).unwrap();
    shop.write("short", "abc");
    shop.run("keygen short --public").fails("BAD_INPUT").says(&["jicho keygen"]);
}

#[test]
fn every_publishing_command_signs() {
    let shop = Shop::with_photos(2, 2);
    let key = [keygen(&shop, "key")];
    let signed = |path: &str, role: Role| {
        let form = verify(&shop.read(path), role, &trusting(&[&key[0]], 1), Form::Second);
        form.unwrap_or_else(|e| panic!("{path}: {e}"));
    };
    let in_force = || {
        signed(&latest("T_1"), Role::Latest);
        shop.manifest("T_1")
    };
    shop.run("train photos --channel T_1 --out models --sign key").ok();
    let first = in_force().version;
    signed(&format!("models/T_1/versions/{first}/metadata.json"), Role::Latest);
    import(&shop, 1, "T_1", "--sign key").ok();
    in_force();
    shop.run("rollback models/T_1 --sign key").ok();
    assert_eq!(in_force().version, first);
    import(&shop, 2, "T_1", "--sign key --canary 10%").ok();
    let candidate = in_force().candidate.unwrap();
    signed(&format!("models/{}", candidate.url("T_1")), Role::Candidate);
    shop.run("withdraw models/T_1 --sign key").ok();
    assert_eq!(in_force().version, first);
    import(&shop, 3, "T_1", "--sign key --canary 10%").ok();
    shop.run("promote models/T_1 --sign key").ok();
    in_force();
    shop.evaluate("T_1", "photos");
    let listing = shop.run("versions models/T_1 --json").ok().json();
    assert_eq!(listing["signedBy"], key[0].name());
}

#[test]
fn a_signed_channel_is_not_unsigned_by_accident() {
    let shop = Shop::with_photos(2, 2);
    keygen(&shop, "key");
    import(&shop, 1, "T_1", "--sign key").ok();
    import(&shop, 2, "T_1", "--sign key --canary 10%").ok();
    let before = shop.published();
    for command in
        ["train photos --channel T_1 --out models", "rollback models/T_1", "promote models/T_1", "withdraw models/T_1"]
    {
        shop.run(command).fails("UNSIGNED").says(&["--sign KEYFILE", "--unsigned"]);
        assert!(before == shop.published(), "{command}");
    }
    import(&shop, 3, "T_1", "").fails("UNSIGNED");
    import(&shop, 3, "T_1", "--sign nowhere").fails("IO");
    // Other channels are not affected.
    import(&shop, 3, "T_2", "").ok();
    import(&shop, 4, "T_1", "--unsigned").ok();
    assert!(!shop.metadata("T_1").as_object().unwrap().contains_key("signature"));
    import(&shop, 5, "T_1", "").ok();
    shop.run_with(&["promote", "models/T_1", "--sign", "key", "--unsigned"]).usage();
}

#[test]
fn a_change_of_key_is_warned_of() {
    let shop = Shop::new();
    let [old, new] = ["old", "new"].map(|file| keygen(&shop, file).name());
    import(&shop, 1, "T_1", "--sign old").ok();
    import(&shop, 2, "T_1", "--sign new").ok().says(&["warning: ", &old, &new]);
    assert!(!import(&shop, 3, "T_1", "--sign new").ok().stderr.contains("trust both"));
}

#[test]
fn several_keys_sign_and_a_key_list_replaces_them() {
    let shop = Shop::new();
    let [one, two, three] = ["one", "two", "three"].map(|file| keygen(&shop, file));
    import(&shop, 1, "T_1", "--sign one --sign two").ok();
    let check = |trusted: &TrustedKeys| verify(&shop.read(&latest("T_1")), Role::Latest, trusted, Form::Second);
    check(&trusting(&[&one, &two, &three], 2)).unwrap();
    assert!(check(&trusting(&[&one, &three], 2)).is_err());
    let listing = shop.run("versions models/T_1 --json").ok().json();
    assert_eq!(listing["signedBy"].as_str().unwrap().split(", ").count(), 2);

    // From now on 2 of 2 and 3, on the word of 1.
    let (two_hex, three_hex) = (two.to_hex(), three.to_hex());
    let extend = format!("key-list keys.json --trust {two_hex} --trust {three_hex} --threshold 2");
    // Nobody could sign with keys that nobody holds.
    shop.run(&format!("{extend} --sign one --sign two")).fails("BAD_INPUT").says(&["2 of the new keys", "--sign"]);
    assert_eq!(shop.run(&format!("{extend} --sign one --sign two --sign three")).ok().stdout.trim(), "1");
    import(&shop, 2, "T_1", "--sign two --sign three --key-lists keys.json").ok();
    let followed = |pinned: &PublicKey| trusting(&[pinned], 1).followed(&shop.manifest("T_1").key_lists);
    assert_eq!((followed(&one).version, followed(&one).threshold), (1, 2));
    check(&followed(&one)).unwrap();
    // They stay with the channel, whatever is published next.
    shop.run("rollback models/T_1 --sign two --sign three").ok();
    check(&followed(&one)).unwrap();
    import(&shop, 3, "T_1", "--sign two --sign three --canary 10%").ok();
    check(&followed(&one)).unwrap();
    // The next list needs the keys of the last one.
    shop.run(&format!("key-list keys.json --trust {three_hex} --sign one")).fails("BAD_INPUT").says(&["--sign"]);
    shop.run(&format!("key-list keys.json --trust {three_hex} --sign two --sign three")).ok();
    import(&shop, 4, "T_1", "--sign three --key-lists keys.json").ok();
    check(&followed(&one)).unwrap();
    assert_eq!(followed(&one).version, 2);
    shop.write("keys.json", "[{}]");
    import(&shop, 5, "T_1", "--sign three --key-lists keys.json").fails("BAD_INPUT").says(&["keys.json"]);
    shop.run(&format!("key-list more.json --trust {two_hex} --threshold 2 --sign two")).fails("INVALID_ARGUMENT");
    let last = format!("[{{\"version\":{},\"threshold\":1,\"keys\":[\"{two_hex}\"],\"signatures\":[]}}]", u64::MAX);
    shop.write("last.json", last);
    shop.run(&format!("key-list last.json --trust {two_hex} --sign two")).fails("BAD_INPUT").says(&["last.json"]);
}

#[test]
fn nothing_is_published_that_devices_refuse_after_its_key_list() {
    let shop = Shop::new();
    let [one, two] = ["one", "two"].map(|file| keygen(&shop, file).to_hex());
    import(&shop, 1, "T_1", "--sign one").ok();
    let extend =
        |file: &str| format!("key-list {file} --trust {one} --trust {two} --threshold 2 --sign one --sign two");
    shop.run(&extend("keys.json")).ok();
    let refused = |outcome: Outcome, word: &str| outcome.fails("BAD_INPUT").says(&["devices", word]);
    let before = shop.published();
    refused(import(&shop, 2, "T_1", "--sign one --key-lists keys.json"), "--sign");
    refused(shop.run("renew models/T_1 --sign one --key-lists keys.json"), "--sign");
    assert!(before == shop.published());
    import(&shop, 2, "T_1", "--sign one --sign two --key-lists keys.json").ok();
    import(&shop, 3, "T_1", "--sign one --sign two --canary 10%").ok();
    let before = shop.published();
    // Whoever has not heard of the list yet.
    refused(import(&shop, 4, "T_1", "--sign one"), "--sign");
    refused(import(&shop, 4, "T_1", "--sign one --canary 20%"), "--sign");
    for command in ["rollback", "promote", "withdraw", "renew"] {
        refused(shop.run(&format!("{command} models/T_1 --sign one")), "--sign");
    }
    // A list that was lost and made anew is another one.
    shop.run(&extend("again.json").replace("--threshold 2", "--threshold 1")).ok();
    refused(import(&shop, 4, "T_1", "--sign one --sign two --key-lists again.json"), "--key-lists");
    assert!(before == shop.published());
    shop.run("promote models/T_1 --sign one --sign two").ok();
}

#[test]
fn what_the_store_puts_in_the_place_of_latest_is_not_signed() {
    let shop = Shop::new();
    keygen(&shop, "key");
    let refused = |commands: &[&str]| {
        let before = shop.published();
        for command in commands {
            shop.run(&format!("{command} models/T_1 --sign key")).fails("BAD_SIGNATURE").says(&["--resign"]);
        }
        import(&shop, 9, "T_1", "--sign key --canary 10%").fails("BAD_SIGNATURE").says(&["--resign"]);
        assert!(before == shop.published());
    };
    import(&shop, 1, "T_1", "--sign key").ok();
    let first = shop.manifest("T_1").version;
    import(&shop, 2, "T_1", "--sign key --canary 10%").ok();
    let trial = shop.read(&latest("T_1"));
    let candidate = shop.manifest("T_1").candidate.unwrap();
    // The candidate.
    shop.write(&latest("T_1"), shop.read(&format!("models/{}", candidate.url("T_1"))));
    refused(&["renew"]);
    // Another release in the candidate's place.
    let path = format!("models/T_1/versions/{first}/metadata.json");
    let forged = String::from_utf8(trial.clone()).unwrap();
    let forged = forged.replace(&candidate.version, &first).replace(&candidate.sha256, &sha256(&shop.read(&path)));
    shop.write(&latest("T_1"), forged);
    refused(&["renew", "promote", "withdraw"]);
    // What was in force before.
    shop.write(&latest("T_1"), &trial);
    import(&shop, 3, "T_1", "--sign key").ok();
    shop.write(&latest("T_1"), &trial);
    refused(&["renew", "promote", "withdraw"]);
    // A release of before, whose signature does not tell a candidate from a release in force.
    let seed = String::from_utf8(shop.read("key")).unwrap();
    let seed: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&seed[2 * i..2 * i + 2], 16).unwrap()).collect();
    let key = SigningKey::from_seed(seed.as_slice().try_into().unwrap());
    let mut unsigned = shop.metadata("T_1");
    for member in ["signature", "signatures"] {
        unsigned.as_object_mut().unwrap().remove(member);
    }
    unsigned["releaseSeq"] = (shop.manifest("T_1").release_seq + 1000).into();
    shop.write(&latest("T_1"), sign_first_form(unsigned.to_string().as_bytes(), &key).unwrap());
    refused(&["renew", "promote", "withdraw"]);
    // A rollback asks for nothing but the release that it names.
    shop.run(&format!("rollback models/T_1 --sign key --to {first}")).ok();
    shop.run("renew models/T_1 --sign key").ok();
}

#[test]
fn what_lies_in_the_store_is_not_signed_on_its_own_word() {
    let shop = Shop::new();
    keygen(&shop, "key");
    import(&shop, 1, "T_1", "--sign key").ok();
    let first = shop.manifest("T_1").version;
    import(&shop, 2, "T_1", "--sign key").ok();
    // Whoever can write to the store changes a price in an older release, and waits for a rollback.
    let path = format!("models/T_1/versions/{first}/metadata.json");
    let text = String::from_utf8(shop.read(&path)).unwrap();
    shop.write(&path, text.replace("\"imageCount\": 0", "\"imageCount\": 7"));
    let before = shop.published();
    shop.run("rollback models/T_1 --sign key").fails("BAD_SIGNATURE").says(&["--resign", &path]);
    let forged =
        String::from_utf8(shop.read(&latest("T_1"))).unwrap().replace("\"imageCount\": 0", "\"imageCount\": 7");
    shop.write(&latest("T_1"), &forged);
    import(&shop, 3, "T_1", "--sign key --canary 10%").fails("BAD_SIGNATURE").says(&["--resign"]);
    shop.run("renew models/T_1 --sign key").fails("BAD_SIGNATURE");
    assert_eq!(shop.published()[&path["models/".len()..]], before[&path["models/".len()..]]);
    // Somebody looked at it.
    shop.run("rollback models/T_1 --sign key --resign").ok();
    assert_eq!(shop.manifest("T_1").image_count, 7);
}

#[test]
fn a_release_expires_and_is_renewed() {
    let shop = Shop::new();
    let key = keygen(&shop, "key");
    import(&shop, 1, "T_1", "--sign key --expires-days 1").ok();
    let first = shop.manifest("T_1");
    let second = shop.run("renew models/T_1 --sign key --expires-days 30").ok();
    assert!(second.stdout.contains("T_1"));
    let renewed = shop.manifest("T_1");
    assert_eq!(renewed.release_seq, first.release_seq, "devices have the release already");
    let days = |seconds: u64| (seconds as f64 / 86_400.0).round();
    assert_eq!(days(renewed.expires.unwrap() - first.expires.unwrap()), 29.0);
    verify(&shop.read(&latest("T_1")), Role::Latest, &trusting(&[&key], 1), Form::Second).unwrap();
    // A candidate's coming keeps it; a release without one is told.
    import(&shop, 2, "T_1", "--sign key --canary 10%").ok();
    assert_eq!(shop.manifest("T_1").expires, renewed.expires);
    shop.run("renew models/T_1 --sign key --expires-days 2").ok();
    assert!(shop.manifest("T_1").candidate.is_some(), "a trial goes on");
    shop.run("withdraw models/T_1 --sign key").ok().says(&["--expires-days"]);
    assert_eq!(shop.manifest("T_1").expires, None);
    shop.run("renew models/T_1 --sign key --expires-days 0").usage();
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::new();
    keygen(&shop, "key");
    for mode in [0o640, 0o604, 0o644, 0o620] {
        std::fs::set_permissions(shop.path("key"), std::fs::Permissions::from_mode(mode)).unwrap();
        import(&shop, 1, "T_1", "--sign key").fails("BAD_INPUT").says(&["chmod 600"]);
        shop.run("keygen key --public").fails("BAD_INPUT");
    }
    std::fs::set_permissions(shop.path("key"), std::fs::Permissions::from_mode(0o400)).unwrap();
    import(&shop, 1, "T_1", "--sign key").ok();
    import(&shop, 2, "T_1", "--sign /dev/zero").fails("BAD_INPUT").says(&["no regular file"]);
}
