//! What unlocks a vault, and what does not.

use jicho::vault::{Cost, KeyChange, Lock, Passphrase};

use super::*;

const CHEAP: Settings = Settings {
    retention: jicho::vault::Retention { scans: None, corrections: None, lessons: None },
    named_retention: Vec::new(),
    geohash_length: 6,
    queue_limit: 100,
    rotate_after: 1 << 30,
    cost: Some(Cost::MINIMUM),
};

fn unlock<'a>(store: &'a FakeStore, device: &'a FakeDevice, unlock: Unlock<'_>) -> Result<TestVault<'a>> {
    block_on(Vault::open(store, device, "shop", unlock, CHEAP))
}

#[test]
fn each_lock_opens_to_its_key_alone() {
    let (right, wrong) = (Passphrase::new("korrekt horse").unwrap(), Passphrase::new("korrekt house").unwrap());
    let other: &[u8; 32] = &[8; 32];
    let ways = [Unlock::Passphrase(&right), Unlock::Key(KEY), Unlock::Device];
    let wrongs = [Unlock::Passphrase(&wrong), Unlock::Key(other)];
    for (i, way) in ways.iter().enumerate() {
        let (store, device) = (FakeStore::default(), FakeDevice::new(i as u64));
        let id = add(&unlock(&store, &device, *way).unwrap(), &scan("a", None));
        for (j, other) in ways.iter().chain(&wrongs).enumerate() {
            match unlock(&store, &device, *other) {
                Ok(vault) => {
                    assert_eq!(i, j);
                    assert!(block_on(vault.get(id)).unwrap().is_some());
                }
                Err(error) => assert!(i != j && error.kind() == ErrorKind::WrongKey, "{error}"),
            }
        }
    }
}

#[test]
fn a_devices_key_that_is_gone_or_impossible_is_told() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    unlock(&store, &device, Unlock::Device).unwrap();
    let header = block_on(store.kept.header("shop")).unwrap().unwrap();
    let deleted = store.kept.commit_lock("shop", Some(&header), &header, &[], &KeyChange::Delete);
    assert_eq!(block_on(deleted), Ok(true));
    refused(unlock(&store, &device, Unlock::Device), ErrorKind::KeyMissing);
    device.keeps_keys.set(false);
    refused(unlock(&FakeStore::default(), &device, Unlock::Device), ErrorKind::Unsupported);
}

#[test]
fn another_lock_leaves_the_records_alone() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(2));
    let vault = unlock(&store, &device, Unlock::Key(KEY)).unwrap();
    let id = add(&vault, &scan("a", None));
    let before = block_on(store.kept.row("shop", id)).unwrap();
    let passphrase = Passphrase::new("korrekt horse").unwrap();
    block_on(vault.relock(Unlock::Passphrase(&passphrase))).unwrap();
    assert_eq!(block_on(store.kept.row("shop", id)).unwrap(), before);
    add(&vault, &scan("b", None));
    refused(unlock(&store, &device, Unlock::Key(KEY)), ErrorKind::WrongKey);
    let vault = unlock(&store, &device, Unlock::Passphrase(&passphrase)).unwrap();
    assert_eq!(all(&vault, Kind::Scan).len(), 2);
    block_on(vault.rotate()).unwrap();
    assert_eq!(all(&unlock(&store, &device, Unlock::Passphrase(&passphrase)).unwrap(), Kind::Scan).len(), 2);
}

#[test]
fn weak_passphrases_are_refused_unless_the_app_insists() {
    for weak in [
        "",
        "1234",
        "123456789012345678",
        "20061987",
        "password",
        "Password1!",
        "aaaaaaaaaaaaaaaa",
        "qwertyuiop1",
        "98765 PASSWORT",
    ] {
        refused(lock(Passphrase::new(weak)), ErrorKind::WeakPassphrase);
    }
    for strong in ["korrekt horse", "x7!Kp2vQ", "8301946275538", "nyumba mbili", "пароль для лавки"] {
        assert_eq!(lock(Passphrase::new(strong)), Ok(()), "{strong}");
    }
    assert_eq!(lock(Passphrase::insisted("1234")), Ok(()));
    refused(lock(Passphrase::insisted("")), ErrorKind::WeakPassphrase);
}

/// Whether a vault can be made with it.
fn lock(passphrase: Result<Passphrase>) -> Result<()> {
    let (store, device) = (FakeStore::default(), FakeDevice::new(9));
    unlock(&store, &device, Unlock::Passphrase(&passphrase?)).map(drop)
}

#[test]
fn a_passphrase_that_is_too_weak_to_lock_still_opens() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(9));
    let pin = Passphrase::insisted("1234").unwrap();
    add(&unlock(&store, &device, Unlock::Passphrase(&pin)).unwrap(), &scan("one", None));
    let opened = |text| unlock(&store, &device, Unlock::Passphrase(&Passphrase::new(text).unwrap()));
    assert_eq!(all(&opened("1234").unwrap(), Kind::Scan).len(), 1);
    // A slip is not told to be weak.
    refused(opened("123"), ErrorKind::WrongKey);
    refused(
        block_on(opened("1234").unwrap().relock(Unlock::Passphrase(&Passphrase::new("4321").unwrap()))),
        ErrorKind::WeakPassphrase,
    );
}

#[test]
fn argon2id_is_never_cheaper_than_owasp_says() {
    assert_eq!((Cost::MINIMUM.memory, Cost::MINIMUM.passes), (19 * 1024, 2));
    for measured in [0, 1, 5, 20, 100, 400, 700, 1000, 3000, u64::MAX] {
        let cost = Cost::for_a_second(measured);
        assert!(cost.is_sound() && cost.memory <= 64 * 1024, "{measured}: {cost:?}");
        let work = |cost: Cost| u64::from(cost.memory) * u64::from(cost.passes);
        let takes = measured.max(1).saturating_mul(work(cost)) / work(Cost::MINIMUM);
        assert!(takes <= 1000 || cost == Cost::MINIMUM, "{measured}: {takes} ms");
        assert!(takes > 400 || cost.passes == Cost::MAXIMUM.passes, "{measured}: {takes} ms");
    }
    // A clock that is set back while it is measured is not believed.
    let clock = std::cell::RefCell::new([1000, 0, 0, 500].into_iter());
    let calibrated = Cost::calibrate(|| clock.borrow_mut().next().unwrap());
    assert_eq!(calibrated, Ok(Cost::for_a_second(500)));

    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let passphrase = Passphrase::new("korrekt horse").unwrap();
    let settings = Settings { cost: Some(Cost { memory: 8, passes: 1 }), ..CHEAP };
    let opened = block_on(Vault::open(&store, &device, "shop", Unlock::Passphrase(&passphrase), settings));
    refused(opened, ErrorKind::InvalidArgument);
    // Nor is a header believed that says so.
    unlock(&store, &device, Unlock::Passphrase(&passphrase)).unwrap();
    let bytes = block_on(store.kept.header("shop")).unwrap().unwrap();
    let header = Header::parse(&bytes).unwrap();
    let Cost { memory, passes } = Cost::MAXIMUM;
    let absurd = [Cost { memory: memory + 1, passes }, Cost { memory, passes: passes + 1 }];
    for unsound in [Cost { memory: 8, passes: 1 }, absurd[0], absurd[1]] {
        let mut header = header.clone();
        let Lock::Passphrase { cost, .. } = &mut header.lock else { panic!("{header:?}") };
        *cost = unsound;
        refused(Header::parse(&header.to_bytes()), ErrorKind::VaultDamaged);
    }
}
