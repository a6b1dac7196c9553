//! Publishing to S3-style storage, and what goes wrong there.

use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use axum::http::Method;
use jicho::Manifest;
use serde_json::Value;

use crate::bucket::{Bucket, Fate};
use crate::onnx::Colors;
use crate::shop::{Outcome, Shop};

const LATEST: &str = "models/T_1/latest/metadata.json";

/// The arguments that publish a release of its own network.
pub fn arguments(shop: &Shop, seed: u64, channel: &str) -> String {
    let network = Colors { properties: vec![("seed", seed.to_string())], ..Colors::default() };
    shop.write(&format!("model-{seed}.onnx"), network.onnx());
    shop.write("labels.txt", Colors::LABELS);
    let flags = Colors::FLAGS;
    format!("import model-{seed}.onnx --labels labels.txt --channel {channel} --out s3://shops/models {flags}")
}

fn import(bucket: &Bucket, shop: &Shop, seed: u64, channel: &str, more: &str) -> Outcome {
    bucket.run(shop, &format!("{} {more}", arguments(shop, seed, channel)))
}

fn spawn(bucket: &Bucket, shop: &Shop, seed: u64) -> Child {
    let arguments = arguments(shop, seed, "T_1");
    let mut command = bucket.command(shop);
    command.args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn manifest(bucket: &Bucket, channel: &str) -> Manifest {
    Manifest::parse(&bucket.get(&format!("models/{channel}/latest/metadata.json")).unwrap()).unwrap()
}

fn versions(bucket: &Bucket, shop: &Shop) -> Vec<Value> {
    let listing = bucket.run(shop, "versions s3://shops/models/T_1 --json").ok().json();
    listing["versions"].as_array().unwrap().clone()
}

#[test]
fn whatever_works_in_a_folder_works_in_a_bucket() {
    let (bucket, shop) = (Bucket::new(), Shop::with_photos(2, 2));
    // Whatever is listed comes in several pages.
    bucket.how(|how| how.page = 2);
    let trained = bucket.run(&shop, "train photos --channel T_1 --out s3://shops/models").ok();
    assert_eq!(trained.stdout.trim(), format!("s3://shops/{LATEST}"));
    shop.run("keygen key").ok();
    import(&bucket, &shop, 1, "T_1", "").ok();
    // Who signs a channel for the first time vouches for what lies there so far.
    import(&bucket, &shop, 2, "T_1", "--sign key --canary 10%").fails("BAD_SIGNATURE").says(&["--resign"]);
    import(&bucket, &shop, 2, "T_1", "--sign key --canary 10% --resign").ok();
    assert!(manifest(&bucket, "T_1").candidate.is_some());
    bucket.run(&shop, "withdraw s3://shops/models/T_1").fails("UNSIGNED");
    bucket.run(&shop, "promote s3://shops/models/T_1 --sign key").ok();
    let all = versions(&bucket, &shop);
    assert_eq!((all.len(), &all[2]["latest"]), (3, &true.into()));
    // The one before was never signed.
    bucket.run(&shop, "rollback s3://shops/models/T_1 --sign key").fails("BAD_SIGNATURE").says(&["--resign"]);
    bucket.run(&shop, "rollback s3://shops/models/T_1 --sign key --resign").ok();
    assert_eq!(manifest(&bucket, "T_1").version, all[1]["version"].as_str().unwrap());
    bucket.run(&shop, "export s3://shops/models/T_1 --whole whole.onnx").ok();
    bucket.run(&shop, "evaluate s3://shops/models/T_1 --photos photos --json").ok();

    import(&bucket, &shop, 3, "T_2", "").ok();
    shop.write("active.txt", "T_1");
    let before = bucket.keys();
    let told = bucket.run(&shop, "clean s3://shops/models --active-channels active.txt --json").ok().json();
    assert_eq!((before.len(), told["blobs"].as_array().unwrap().len()), (bucket.keys().len(), 2));
    bucket.run(&shop, "clean s3://shops/models --active-channels active.txt --apply").ok();
    assert!(!bucket.keys().iter().any(|key| key.starts_with("models/T_2/")));
    for file in manifest(&bucket, "T_1").files {
        assert!(bucket.get(&format!("models/{}", file.url)).is_some());
    }
    // As web servers should serve them.
    let objects = bucket.inside.objects.lock().unwrap();
    assert_eq!((objects[LATEST].cache.as_str(), objects[LATEST].kind.as_str()), ("no-cache", "application/json"));
    let immutable = objects.iter().filter(|(key, _)| key.contains("/blobs/") || key.contains("/versions/"));
    assert!(immutable.clone().count() > 6 && immutable.clone().all(|(_, o)| o.cache.contains("immutable")));
}

#[test]
fn old_versions_go() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    bucket.how(|how| how.page = 3);
    (0..4).for_each(|seed| drop(import(&bucket, &shop, seed, "T_1", "--keep 2").ok()));
    assert_eq!(versions(&bucket, &shop).len(), 2);
    let count = |part: &str| bucket.keys().iter().filter(|key| key.contains(part)).count();
    assert_eq!((count("/blobs/"), count("/.dropped/")), (8, 4));
    // A day later.
    for (key, object) in bucket.inside.objects.lock().unwrap().iter_mut().filter(|(key, _)| key.contains("/.dropped/"))
    {
        let since: u64 = str::from_utf8(&object.bytes).unwrap().parse().unwrap_or_else(|e| panic!("{key}: {e}"));
        object.bytes = (since - 25 * 3600).to_string().into_bytes();
    }
    import(&bucket, &shop, 4, "T_1", "--keep 2").ok();
    assert_eq!((count("/blobs/"), count("/.dropped/")), (6, 2));
}

#[test]
fn publishers_at_the_same_time_take_turns() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    let commands: Vec<String> = (0..4).map(|seed| arguments(&shop, seed, "T_1")).collect();
    thread::scope(|scope| {
        for command in &commands {
            scope.spawn(|| bucket.run(&shop, command).ok());
        }
    });
    let all = versions(&bucket, &shop);
    let sequences: Vec<u64> = all.iter().map(|v| v["releaseSeq"].as_u64().unwrap()).collect();
    assert_eq!(sequences.len(), 4);
    assert!(sequences.windows(2).all(|two| two[0] < two[1]), "{sequences:?}");
    assert_eq!(all.last().unwrap()["version"], manifest(&bucket, "T_1").version.as_str());
}

#[test]
fn a_killed_publisher_blocks_the_next_for_a_while() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    import(&bucket, &shop, 1, "T_1", "").ok();
    let before = manifest(&bucket, "T_1");
    // It has the lock, and dies while it writes its first blob.
    let (tell, told) = std::sync::mpsc::channel();
    bucket.judge(move |asked, _| match asked.key.contains("/blobs/") && asked.method == Method::PUT {
        true => {
            tell.send(()).unwrap();
            Fate::Stuck(false)
        }
        false => Fate::Served,
    });
    let mut child = spawn(&bucket, &shop, 2);
    told.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    bucket.spare();
    assert_eq!(manifest(&bucket, "T_1"), before);
    let lock: Value = serde_json::from_slice(&bucket.get("models/.lock").unwrap()).unwrap();
    assert!(lock["owner"].is_string());
    import(&bucket, &shop, 3, "T_1", "").ok().says(&["another publisher holds s3://shops/models/.lock"]);
    assert!(manifest(&bucket, "T_1").release_seq > before.release_seq);
    let lock: Value = serde_json::from_slice(&bucket.get("models/.lock").unwrap()).unwrap();
    assert!(lock["owner"].is_null(), "given back: {lock}");
}

#[test]
fn a_slow_publisher_keeps_the_lock() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    // Each of its requests takes a while: the whole much longer than the three seconds of silence.
    bucket.how(|how| how.delay = Duration::from_millis(200));
    let mut slow = spawn(&bucket, &shop, 1);
    while !bucket.keys().iter().any(|key| key.contains("/blobs/")) {
        assert!(slow.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(20));
    }
    let mut next = spawn(&bucket, &shop, 2);
    assert!(slow.wait().unwrap().success());
    assert!(next.wait().unwrap().success());
    assert_eq!(versions(&bucket, &shop).len(), 2);
}

#[test]
fn a_lost_lock_and_a_pointer_that_moved() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    import(&bucket, &shop, 1, "T_1", "").ok();
    let before = bucket.get(LATEST).unwrap();
    // Somebody takes the lock over, as after a long sleep of this publisher.
    bucket.judge(|asked, objects| {
        if asked.key.contains("/versions/") && asked.method == Method::PUT {
            let lock = objects.get_mut("models/.lock").unwrap();
            lock.bytes = br#"{"owner": "another", "seconds": 3, "turn": 1000}"#.to_vec();
            lock.tag = "\"another\"".into();
        }
        Fate::Served
    });
    import(&bucket, &shop, 2, "T_1", "").fails("LOCKED").says(&["publish again"]);
    assert!(bucket.get(LATEST).unwrap() == before);
    bucket.inside.objects.lock().unwrap().remove("models/.lock");
    // Somebody without the lock writes the pointer.
    bucket.judge(|asked, objects| {
        if asked.key == LATEST && asked.method == Method::PUT {
            let latest = objects.get_mut(LATEST).unwrap();
            latest.bytes.push(b'\n');
            latest.tag = "\"another\"".into();
        }
        Fate::Served
    });
    import(&bucket, &shop, 3, "T_1", "").fails("LOCKED").says(&["by somebody else"]);
    assert!(bucket.get(LATEST).unwrap() == [before, b"\n".to_vec()].concat());
}

#[test]
fn a_service_that_ignores_conditions_is_refused() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    bucket.how(|how| how.conditions = false);
    import(&bucket, &shop, 1, "T_1", "").fails("STORE").says(&["If-None-Match"]);
    assert!(bucket.get(LATEST).is_none());
}

#[test]
fn a_service_that_fails_now_and_then_is_asked_again() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    let (mut asked, mut lost) = (0, 0);
    // Every fifth request fails; of every second of these the answer alone.
    bucket.judge(move |_, _| {
        asked += 1;
        match asked % 5 {
            3 => {
                lost += 1;
                if lost % 2 == 0 { Fate::AnswerLost } else { Fate::Refused(503) }
            }
            _ => Fate::Served,
        }
    });
    import(&bucket, &shop, 1, "T_1", "").ok();
    let first = manifest(&bucket, "T_1");
    // The very pointer is written, and the answer lost.
    let mut once = true;
    bucket.judge(move |asked, _| match asked.key == LATEST && asked.method == Method::PUT && once {
        true => {
            once = false;
            Fate::AnswerLost
        }
        false => Fate::Served,
    });
    import(&bucket, &shop, 2, "T_1", "").ok();
    assert!(manifest(&bucket, "T_1").release_seq > first.release_seq);
}

#[test]
fn what_is_wrong_is_told() {
    let (bucket, shop) = (Bucket::new(), Shop::new());
    import(&bucket, &shop, 1, "T_1", "").ok();
    let before = bucket.keys();
    let to = |address: &str| arguments(&shop, 2, "T_1").replace("s3://shops/models", address);
    for command in [to("s3://nobodys/models"), "versions s3://nobodys/models/T_1".into()] {
        bucket.run(&shop, &command).fails("STORE").says(&["no bucket `nobodys`", "AWS_ENDPOINT_URL"]);
    }
    for address in ["s3://", "s3:///models", "s3://Shops/models", "s3://shops//a"] {
        bucket.run(&shop, &to(address)).fails("STORE").says(&["s3://BUCKET/FOLDER"]);
    }
    bucket.run(&shop, "versions s3://shops").fails("NOT_FOUND").says(&["no channel"]);
    bucket.run(&shop, "versions s3://shops/models/T_9").fails("NOT_FOUND");

    let with = |name: &str, value: &str| {
        let mut command = bucket.command(&shop);
        command.env(name, value).args(to("s3://shops/models").split(' '));
        Outcome::of(&mut command)
    };
    with("AWS_ACCESS_KEY_ID", "AKIDOTHER").fails("STORE").says(&["access denied", "AWS_SECRET_ACCESS_KEY"]);
    with("AWS_ENDPOINT_URL", "http://127.0.0.1:1").fails("STORE").says(&["http://127.0.0.1:1", "AWS_ENDPOINT_URL"]);
    for bad in ["not an address", "localhost:9000", "ftp://127.0.0.1"] {
        with("AWS_ENDPOINT_URL", bad).fails("STORE").says(&["AWS_ENDPOINT_URL", bad]);
    }
    with("AWS_REGION", "in the north").fails("STORE").says(&["AWS_REGION"]);

    bucket.judge(|asked, _| if asked.method == Method::PUT { Fate::Refused(403) } else { Fate::Served });
    import(&bucket, &shop, 3, "T_1", "").fails("STORE").says(&["access denied"]);
    bucket.judge(|_, _| Fate::Refused(500));
    import(&bucket, &shop, 3, "T_1", "").fails("STORE").says(&["try again", "500"]);
    bucket.spare();
    assert_eq!(bucket.keys(), before);
}
