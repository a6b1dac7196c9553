//! Models folders that older companions wrote (`tests/before`) are read, measured and published to.

use std::fs;
use std::path::Path;

use jicho::manifest::signature::{Form, Role, SigningKey, TrustedKeys, verify};

use crate::shop::{Shop, latest};
use crate::versions::import;

/// The seed of the key that signed T_1 and T_3.
const SEED: &str = "18c0b17baa640e9a49d0186af55807f18de49cbdaec056f9d679e89b4dcac938";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_models_folder_of_before_goes_on() {
    let shop = Shop::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/before/models"), &shop.path("models"));
    shop.run("keygen key").ok();
    shop.write("key", SEED);
    let seed: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&SEED[2 * i..2 * i + 2], 16).unwrap()).collect();
    let key = SigningKey::from_seed(seed.as_slice().try_into().unwrap()).public();
    let trusted = TrustedKeys::pinned(vec![key.clone()], 1).unwrap();
    let form = |channel: &str| verify(&shop.read(&latest(channel)), Role::Latest, &trusted, Form::First).unwrap();
    assert_eq!((form("T_1"), form("T_3")), (Form::First, Form::First));

    let listing = shop.run("versions models/T_3 --json").ok().json();
    assert_eq!((listing["signedBy"].as_str(), listing["versions"].as_array().unwrap().len()), (Some(&*key.name()), 2));
    shop.run("samples photos --products 3 --photos 2 --size 48").ok();
    assert_eq!(shop.evaluate("T_1", "photos").0["images"], 6);
    let before = shop.manifest("T_3").release_seq;
    shop.run("promote models/T_3").fails("UNSIGNED");
    shop.run("promote models/T_3 --sign key").ok();
    assert!(shop.manifest("T_3").release_seq > before);
    assert_eq!(form("T_3"), Form::Second);
    shop.run("rollback models/T_3 --sign key").ok();
    import(&shop, 1, "T_1", "--sign key").ok();
    shop.run("rollback models/T_1 --sign key").ok();
    assert_eq!(form("T_1"), Form::Second);
    import(&shop, 2, "T_2", "").ok();
}
