//! AES-256-GCM as it is built into the vault: NIST's vectors, and those of Wycheproof that try to be accepted wrongly.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn open(key: &[u8], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let nonce: &[u8; 12] = nonce.try_into().unwrap();
    Aes256Gcm::new_from_slice(key).unwrap().decrypt(nonce.into(), Payload { msg: sealed, aad }).ok()
}

fn seal(key: &[u8], nonce: &[u8], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: &[u8; 12] = nonce.try_into().unwrap();
    Aes256Gcm::new_from_slice(key).unwrap().encrypt(nonce.into(), Payload { msg: plain, aad }).unwrap()
}

#[test]
fn nist() {
    let lines = include_str!("gcmEncryptExtIV256.txt").lines().skip(1);
    let mut count = 0;
    for line in lines {
        let fields: Vec<Vec<u8>> = line.split(' ').map(hex).collect();
        let [key, nonce, plain, aad, ciphertext, tag] = &fields[..] else { panic!("{line}") };
        let mut sealed = [&ciphertext[..], tag].concat();
        assert_eq!(seal(key, nonce, aad, plain), sealed);
        assert_eq!(open(key, nonce, aad, &sealed).as_ref(), Some(plain));
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(open(key, nonce, aad, &sealed), None);
        count += 1;
    }
    assert_eq!(count, 375);
}

#[test]
fn wycheproof() {
    use wycheproof::TestResult;
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups.iter().filter(|g| g.key_size == 256 && g.nonce_size == 96 && g.tag_size == 128) {
        for test in &group.tests {
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = open(&test.key, &test.nonce, &test.aad, &sealed);
            if test.result == TestResult::Invalid {
                assert_eq!(opened, None, "{}: {}", test.tc_id, test.comment);
                invalid += 1;
            } else {
                assert_eq!(opened.as_deref(), Some(&test.pt[..]), "{}: {}", test.tc_id, test.comment);
                assert_eq!(seal(&test.key, &test.nonce, &test.aad, &test.pt), sealed);
                valid += 1;
            }
        }
    }
    assert!(valid > 30 && invalid > 20, "{valid} valid, {invalid} invalid");
}
