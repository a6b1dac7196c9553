//! Publishing: sequence numbers, what is kept, leftovers of crashes, and concurrent publishers.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::onnx::Colors;
use crate::shop::{Shop, latest};

fn import(shop: &Shop) {
    shop.run(&format!("import colors.onnx --labels labels.txt --channel T_1 --out models {}", Colors::FLAGS)).ok();
}

#[test]
fn every_release_has_a_higher_sequence_number_and_is_kept() {
    let shop = Shop::new();
    Colors::default().write(&shop);
    let mut manifests = Vec::new();
    // Each takes a fraction of a second, so several are published within the same second.
    for _ in 0..5 {
        import(&shop);
        manifests.push(shop.manifest("T_1"));
    }
    assert!(manifests.windows(2).all(|two| two[1].release_seq > two[0].release_seq));
    let versions = fs::read_dir(shop.path("models/T_1/versions")).unwrap();
    let mut versions: Vec<_> = versions.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    versions.sort();
    assert_eq!(versions, manifests.iter().map(|m| m.version.clone()).collect::<Vec<_>>());
    for manifest in &manifests {
        let kept = shop.read(&format!("models/T_1/versions/{}/metadata.json", manifest.version));
        assert_eq!(&jicho::Manifest::parse(&kept).unwrap(), manifest);
    }
}

#[test]
fn a_sequence_ahead_of_the_clock_still_rises() {
    let shop = Shop::trained(2, 2);
    let mut metadata = shop.metadata("T_1");
    let ahead = metadata["releaseSeq"].as_u64().unwrap() + 10_000;
    metadata["releaseSeq"] = ahead.into();
    shop.write(&latest("T_1"), metadata.to_string());
    shop.run("train photos --channel T_1 --out models").ok();
    assert_eq!(shop.manifest("T_1").release_seq, ahead + 1);
}

#[test]
fn a_rebuilt_folder_continues_the_sequence() {
    let shop = Shop::trained(2, 2);
    let before = shop.manifest("T_1").release_seq;
    fs::remove_dir_all(shop.path("models")).unwrap();
    shop.run("train photos --channel T_1 --out models").ok();
    assert!(shop.manifest("T_1").release_seq >= before);
}

#[test]
fn leftovers_of_a_crash_do_no_harm() {
    let shop = Shop::trained(2, 3);
    for folder in ["blobs", "T_1/latest", "T_1/versions/half"] {
        shop.write(&format!("models/{folder}/.new-aBcDeF"), "half a file");
    }
    let before = shop.manifest("T_1");
    shop.evaluate("T_1", "photos");
    shop.run("train photos --channel T_1 --out models --seed 2").ok();
    assert!(shop.manifest("T_1").release_seq > before.release_seq);
    shop.evaluate("T_1", "photos");
}

#[test]
fn channels_share_their_network() {
    let shop = Shop::trained(3, 3);
    fs::remove_dir_all(shop.path("photos/oat-biscuits-box")).unwrap();
    shop.run("train photos --channel T_2 --out models").ok();
    assert_eq!(shop.manifest("T_1").files[..3], shop.manifest("T_2").files[..3], "and the space, which is given on");
    assert_ne!(shop.manifest("T_1").files[3], shop.manifest("T_2").files[3]);
    assert_eq!(fs::read_dir(shop.path("models/blobs")).unwrap().count(), 5);
    // After a retrain, a device downloads the head alone: at most 900 bytes per product.
    shop.run("train photos --channel T_1 --out models --seed 2").ok();
    assert_eq!(shop.manifest("T_1").files[..3], shop.manifest("T_2").files[..3]);
    assert!(shop.manifest("T_1").files[3].bytes < 3 * 900);
}

#[test]
fn publishers_at_the_same_time_take_turns() {
    let shop = Shop::new();
    Colors::default().write(&shop);
    let flags = Colors::FLAGS.split(' ');
    let arguments = ["import", "colors.onnx", "--labels", "labels.txt", "--channel", "T_1", "--out", "models"];
    let arguments: Vec<&str> = arguments.into_iter().chain(flags).chain(["--keep", "6"]).collect();
    let running: Vec<_> = (0..6)
        .map(|_| shop.command().args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(fs::read_dir(shop.path("models/T_1/versions")).unwrap().count(), 6);
    let last = fs::read_dir(shop.path("models/T_1/versions")).unwrap().map(|e| e.unwrap().file_name()).max().unwrap();
    assert_eq!(shop.manifest("T_1").version, last.to_str().unwrap());
}

#[test]
fn a_publisher_waits_for_the_lock_and_says_so() {
    let shop = Shop::new();
    Colors::default().write(&shop);
    import(&shop);
    let before = shop.manifest("T_1").release_seq;
    let lock = fs::File::create(shop.path("models/.lock")).unwrap();
    lock.lock().unwrap();
    let arguments = format!("import colors.onnx --labels labels.txt --channel T_1 --out models {}", Colors::FLAGS);
    let mut child = shop.command().args(arguments.split(' ')).stderr(Stdio::piped()).spawn().unwrap();
    let (mut said, mut stderr) = (String::new(), BufReader::new(child.stderr.take().unwrap()));
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("another publisher holds models/.lock"), "{said}");
    assert_eq!(shop.manifest("T_1").release_seq, before);
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert!(shop.manifest("T_1").release_seq > before);
}

#[cfg(unix)]
#[test]
fn a_web_server_may_read_what_is_published() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::trained(2, 2);
    for name in shop.published().keys() {
        let mode = fs::metadata(shop.path("models").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
    }
}
