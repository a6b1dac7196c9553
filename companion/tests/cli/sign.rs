//! Keys and signed releases.

use jicho::manifest::signature::{PublicKey, verify};

use crate::shop::{Shop, latest};
use crate::versions::import;

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
    shop.write("short", "abc");
    shop.run("keygen short --public").fails("BAD_INPUT").says(&["jicho keygen"]);
}

#[test]
fn every_publishing_command_signs() {
    let shop = Shop::with_photos(2, 2);
    let key = [keygen(&shop, "key")];
    let signed = |path: &str| verify(&shop.read(path), &key).unwrap_or_else(|e| panic!("{path}: {e}"));
    let in_force = || {
        signed(&latest("T_1"));
        shop.manifest("T_1")
    };
    shop.run("train photos --channel T_1 --out models --sign key").ok();
    let first = in_force().version;
    signed(&format!("models/T_1/versions/{first}/metadata.json"));
    import(&shop, 1, "T_1", "--sign key").ok();
    in_force();
    shop.run("rollback models/T_1 --sign key").ok();
    assert_eq!(in_force().version, first);
    import(&shop, 2, "T_1", "--sign key --canary 10%").ok();
    let candidate = in_force().candidate.unwrap();
    signed(&format!("models/{}", candidate.url("T_1")));
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
