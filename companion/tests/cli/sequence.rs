//! Sequence numbers that devices accept, and names that every machine can hold.

use std::fs;

use crate::onnx::Colors;
use crate::shop::{Shop, latest};
use crate::versions::import;

#[test]
fn a_number_from_the_future_ends_no_channel() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    let first = shop.manifest("T_1").release_seq;
    for ahead in [first + 1_000_000, (1 << 53) - 2] {
        let mut metadata = shop.metadata("T_1");
        metadata["releaseSeq"] = ahead.into();
        shop.write(&latest("T_1"), metadata.to_string());
        let refused = import(&shop, 2, "T_1", "");
        let code = if ahead < 4_102_444_800 { "CLOCK" } else { "INVALID_MANIFEST" };
        refused.fails(code).says(&["from the future", "--disregard-future"]);
        shop.run("rollback models/T_1").fails(code);
        import(&shop, 2, "T_1", "--disregard-future").ok();
        let after = shop.manifest("T_1").release_seq;
        assert!(after > first && after < first + 10_000, "{after}");
    }
}

#[test]
fn the_highest_number_survives_a_damaged_release() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    // Rolled back: only latest/ has the number.
    import(&shop, 2, "T_1", "").ok();
    let mut metadata = shop.metadata("T_1");
    metadata["releaseSeq"] = (metadata["releaseSeq"].as_u64().unwrap() + 5_000).into();
    shop.write(&latest("T_1"), metadata.to_string());
    shop.run("rollback models/T_1").ok();
    let highest = shop.manifest("T_1").release_seq;
    shop.write(&latest("T_1"), "damaged");
    import(&shop, 3, "T_1", "").fails("INVALID_MANIFEST").says(&["move it away", "--above-sequence"]);
    fs::remove_file(shop.path(latest("T_1"))).unwrap();
    import(&shop, 3, "T_1", "").ok();
    assert_eq!(shop.manifest("T_1").release_seq, highest + 1);
    // Where even the note is lost, it can be told.
    fs::remove_file(shop.path(latest("T_1"))).unwrap();
    fs::remove_dir_all(shop.path("models/.sequence")).unwrap();
    fs::remove_dir_all(shop.path("models/T_1/versions")).unwrap();
    import(&shop, 4, "T_1", &format!("--above-sequence {}", highest + 10)).ok();
    assert_eq!(shop.manifest("T_1").release_seq, highest + 11);
    import(&shop, 5, "T_1", "--above-sequence 9007199254740990").fails("INVALID_MANIFEST");
}

#[test]
fn names_that_not_every_machine_can_hold_are_refused() {
    let shop = Shop::with_photos(2, 2);
    for channel in ["NUL", "com1", "aux"] {
        shop.run(&format!("train photos --channel {channel} --out models")).fails("INVALID_CHANNEL").says(&["Windows"]);
    }
    assert!(!shop.path("models").exists());
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 2, "t_1", "").fails("INVALID_CHANNEL").says(&["T_1", "case"]);
    // A channel that is there keeps its name.
    fs::rename(shop.path("models/T_1"), shop.path("models/aux")).unwrap();
    shop.write("model.txt", "");
    let labels = "first\n\u{202e}second\nthird\n";
    shop.write("model-3.onnx", Colors::default().onnx());
    shop.write("bad.txt", labels);
    let flags = Colors::FLAGS;
    let refused = shop.run(&format!("import model-3.onnx --labels bad.txt --channel T_3 --out models {flags}"));
    refused.fails("BAD_INPUT").says(&["number 2", "\\u{202e}second", "U+202E"]);
    shop.write("composed.txt", "Cafe\u{301}\ncafé\nthird\n");
    shop.run(&format!("import model-3.onnx --labels composed.txt --channel T_3 --out models {flags}")).ok();
    assert_eq!(shop.manifest("T_3").labels, ["Caf\u{e9}", "café (2)", "third"]);
}
