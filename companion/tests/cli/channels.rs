//! Many channels in one models folder: a publication and a device cost as much as with few. The variable `JICHO_CHANNELS`
//! sets their number; the default is 60.

use jicho::Manifest;

use crate::serve::Server;
use crate::shop::Shop;
use crate::versions::import;

fn channels() -> usize {
    std::env::var("JICHO_CHANNELS").map_or(60, |n| n.parse().expect("JICHO_CHANNELS is a number"))
}

fn name(i: usize) -> String {
    format!("shop-{i:05}")
}

#[test]
fn a_device_downloads_as_much_however_many_channels_there_are() {
    let (shop, count) = (Shop::new(), channels());
    let server = Server::start(&shop, &[]);
    // The requests and bytes of a first sync, and the bytes of a second one.
    let device = |channel: &str| {
        let url = format!("/assets/ml-models/{channel}/latest/metadata.json");
        let metadata = server.get(&url, &[]);
        let manifest = Manifest::parse(&metadata.body).unwrap();
        assert_eq!(manifest.channel_id, channel);
        let mut answers = vec![server.get(&url, &[("if-none-match", metadata.header("etag"))])];
        assert_eq!((answers[0].status, answers[0].body.len()), (304, 0));
        let again = answers[0].head.len();
        answers.extend(manifest.needed().map(|file| server.get(&format!("/assets/ml-models/{}", file.url), &[])));
        assert!(answers[1..].iter().all(|answer| answer.status == 200));
        answers.push(metadata);
        (answers.len(), answers.iter().map(|a| a.head.len() + a.body.len()).sum::<usize>(), again)
    };
    import(&shop, 0, &name(0), "").ok();
    let alone = device(&name(0));
    (1..count).for_each(|i| drop(import(&shop, 0, &name(i), "").ok()));
    println!("requests, bytes, and bytes of a 304, of a device of one channel: {alone:?}");
    for i in 0..count {
        let (requests, bytes, again) = device(&name(i));
        assert_eq!((requests, again), (alone.0, alone.2));
        // Numbers in the metadata may have another count of digits.
        assert!(bytes.abs_diff(alone.1) < 100, "{bytes} and {}", alone.1);
    }
    println!("and the same for each of {count}");
}

#[cfg(feature = "s3")]
mod in_a_bucket {
    use std::collections::BTreeMap;

    use axum::http::Method;

    use super::{channels, name};
    use crate::bucket::Bucket;
    use crate::s3::arguments;
    use crate::shop::Shop;

    /// What publishing once cost.
    #[derive(Debug, PartialEq)]
    struct Cost {
        requests: BTreeMap<String, usize>,
        /// Of all listings.
        entries: usize,
        bytes: usize,
    }

    /// Publishes to a channel and counts.
    fn publish(bucket: &Bucket, shop: &Shop, seed: u64, channel: &str) -> Cost {
        bucket.asked();
        bucket.run(shop, &arguments(shop, seed, channel)).ok();
        let mut cost = Cost { requests: BTreeMap::new(), entries: 0, bytes: 0 };
        // How often the lock is renewed depends on time.
        for asked in bucket.asked().into_iter().filter(|asked| !asked.key.ends_with(".lock")) {
            let listing = asked.method == Method::GET && asked.key.ends_with('/');
            let what = if listing { "LIST".to_owned() } else { asked.method.to_string() };
            *cost.requests.entry(what).or_default() += 1;
            cost.entries += asked.entries;
            cost.bytes += asked.bytes;
        }
        cost
    }

    #[test]
    fn a_publication_reads_as_much_whoever_else_is_there() {
        let (bucket, shop, channels) = (Bucket::new(), Shop::new(), channels());
        publish(&bucket, &shop, 0, &name(0));
        let second = publish(&bucket, &shop, 0, &name(1));
        // The channels share a network, as shops do that train on the same backbone.
        for i in 2..channels - 1 {
            bucket.run(&shop, &arguments(&shop, 0, &name(i))).ok();
        }
        let last = publish(&bucket, &shop, 0, &name(channels - 1));
        println!("channel 2 of {channels}: {second:?}\nthe last: {last:?}");
        assert_eq!((&last.requests, last.entries), (&second.requests, second.entries));
        // Numbers in the metadata may have another count of digits.
        assert!(last.bytes.abs_diff(second.bytes) < 100);

        // The same holds when one of them moves to another network, and when the shared network becomes old.
        let [left, next] = [(1, "--keep 1"), (2, "--keep 1")].map(|(seed, more)| {
            for (_, object) in
                bucket.inside.objects.lock().unwrap().iter_mut().filter(|(k, _)| k.contains("/.dropped/"))
            {
                object.bytes = b"0".to_vec();
            }
            publish(&bucket, &shop, seed, &format!("{} {more}", name(1)))
        });
        println!("and one that leaves them: {left:?}, {next:?}");
        assert!(left.entries <= 12 && next.entries <= 12);
        let dropped = |key: &String| key.contains(&format!("/.dropped/{}/", name(1)));
        assert_eq!(bucket.keys().into_iter().filter(dropped).count(), 2, "those of the release before");
        assert_eq!(bucket.keys().iter().filter(|key| key.ends_with("latest/metadata.json")).count(), channels);
    }
}
