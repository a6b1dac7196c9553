//! `jicho clean`: removes what nobody needs, and only with --apply.

use std::fs;

use crate::shop::{Shop, latest};
use crate::versions::{blobs, import, named};

fn shop() -> Shop {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 1, "T_2", "").ok();
    import(&shop, 2, "T_2", "").ok();
    import(&shop, 3, "T_3", "").ok();
    shop.write("models/blobs/0123.onnx", "what a killed publisher left");
    shop.write("active.txt", "# shops\nT_1\r\n\nT_3\n");
    shop
}

#[test]
fn it_only_tells_until_apply_is_given() {
    let shop = shop();
    let before = shop.published();
    let (two, one) = (named(&shop.read(&latest("T_2"))), named(&shop.read(&latest("T_1"))));
    let told = shop.run("clean models --active-channels active.txt --json").ok().json();
    assert!(before == shop.published(), "a dry run");
    assert_eq!(told["channels"], serde_json::json!(["T_2"]));
    assert_eq!((told["blobs"].as_array().unwrap().len(), &told["applied"]), (3, &false.into()));
    let text = shop.run("clean models --active-channels active.txt").ok().says(&["to be removed, by --apply", "MB"]);
    assert!(text.stdout.lines().any(|l| l == "channel T_2") && text.stdout.lines().count() == 4, "{text:?}");

    let done = shop.run("clean models --active-channels active.txt --apply --json").ok().json();
    assert_eq!(
        (&done["channels"], &done["blobs"], &done["bytes"]),
        (&told["channels"], &told["blobs"], &told["bytes"])
    );
    let after = shop.published();
    let visible = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
        files.iter().filter(|(name, _)| !name.starts_with('.')).map(|(_, bytes)| bytes.len() as u64).sum::<u64>()
    };
    assert_eq!(visible(&before) - visible(&after), done["bytes"].as_u64().unwrap());
    assert!(!shop.path("models/T_2").exists());
    assert!(blobs(&shop).is_disjoint(&two) && blobs(&shop).is_superset(&one));
    for channel in ["T_1", "T_3"] {
        for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with(channel)) {
            assert!(after[name] == *bytes, "{name}");
        }
        shop.run(&format!("export models/{channel} --whole {channel}.onnx")).ok();
    }
    let again = shop.run("clean models --active-channels active.txt --apply --json").ok().json();
    assert_eq!((&again["bytes"], &again["files"]), (&0.into(), &0.into()));
    // The references of T_2 are gone too, so the blobs that it shared are removed with the last channel that names them.
    let first = one.first().unwrap();
    let left: Vec<_> = fs::read_dir(shop.path(format!("models/.refs/{first}"))).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn an_unlikely_list_of_channels_is_refused() {
    let shop = shop();
    let before = shop.published();
    shop.write("empty.txt", "# none\n\n");
    shop.run("clean models --active-channels empty.txt --apply").fails("BAD_INPUT").says(&["--force"]);
    shop.write("page.txt", "<!doctype html>\n");
    shop.run("clean models --active-channels page.txt --apply --force").fails("INVALID_CHANNEL");
    shop.run("clean models --active-channels nowhere --apply --force").fails("IO");
    shop.run("clean nowhere --active-channels active.txt --apply").fails("NOT_FOUND");
    assert!(!shop.path("nowhere").exists());
    shop.write("typo.txt", "T_1\nT_2\nT_3\nT_33\n");
    shop.run("clean models --active-channels typo.txt").ok().says(&["warning: ", "T_33"]);
    // Nothing is removed unless it is known which files the remaining channels name.
    shop.write(&latest("T_3"), "damaged");
    shop.run("clean models --active-channels active.txt --apply").fails("INVALID_MANIFEST");
    shop.write(&latest("T_3"), before.get("T_3/latest/metadata.json").unwrap());
    assert!(before == shop.published());
    shop.run("clean models --active-channels empty.txt --apply --force").ok();
    assert!(blobs(&shop).is_empty() && !shop.path("models/T_1").exists());
}

#[test]
fn folders_that_are_not_channels_are_kept() {
    let shop = shop();
    shop.write("models/photos/mine.jpg", "not of Jicho");
    shop.run("clean models --active-channels active.txt --apply").ok();
    assert!(shop.path("models/photos/mine.jpg").exists());
}

#[test]
fn files_that_a_device_may_be_downloading_are_kept() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    let first = named(&shop.read(&latest("T_1")));
    import(&shop, 2, "T_1", "--keep 1").ok();
    shop.write("active.txt", "T_1");
    shop.run("clean models --active-channels active.txt --apply").ok();
    assert!(blobs(&shop).is_superset(&first));
    crate::versions::age(&shop, "T_1", 25);
    shop.run("clean models --active-channels active.txt --apply").ok();
    assert!(blobs(&shop).is_disjoint(&first));
}
