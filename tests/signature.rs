//! Signatures of metadata.json: what is trusted, for which role, and that nothing else is.

mod fixture;

use jicho::manifest::signature::{
    self, Form, KeyList, PublicKey, Role, SigningKey, TrustedKeys, sign, sign_first_form, signed_by,
};
use jicho::{ErrorKind, Manifest, Result};
use proptest::prelude::*;

/// RFC 8032, 7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/// `openssl pkeyutl -sign -rawin` with that key, of `jicho metadata v1`, a line feed, and what is before the signature.
const BY_OPENSSL: &str = "{\n  \"schema\": 1,\n  \"channelId\": \"T_1\",\"signature\":{\"key\":\"21fe31dfa154a261\",\
    \"value\":\"36233dd987217411feb8383a77eb0d014b7c65bd7d9d750d4155319b21c75a22d8ae417383c5bcae6e850ae53aee5eefa647\
    d9d6419f71b8b5af898c123fea0b\"}}\n";

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

/// As a device verifies the release in force that has seen no file with a role yet.
fn verify(file: &[u8], keys: &[PublicKey]) -> Result<Form> {
    signature::verify(file, Role::Latest, &of(keys, 1), Form::First)
}

fn of(keys: &[PublicKey], threshold: usize) -> TrustedKeys {
    TrustedKeys { keys: keys.to_vec(), threshold, version: 0 }
}

/// What a device trusts that pins the keys of these bytes.
fn trusted(bytes: &[u8], threshold: usize) -> TrustedKeys {
    of(&bytes.iter().map(|byte| key(*byte).public()).collect::<Vec<_>>(), threshold)
}

/// Signed with a role, without what older apps need.
fn second_form_only(file: &[u8]) -> Vec<u8> {
    let text = str::from_utf8(file).unwrap();
    let end = text.rfind(",\"signature\":").unwrap();
    format!("{}}}\n", &text[..end]).into_bytes()
}

fn metadata() -> Vec<u8> {
    serde_json::to_vec_pretty(&fixture::publish("T_1", 7, &["a", "b"]).manifest).unwrap()
}

fn refused(file: &[u8], keys: &[PublicKey], says: &str) {
    let error = verify(file, keys).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadSignature);
    assert!(error.message().contains(says), "{says} is not in {error}");
}

#[test]
fn another_program_signs_the_same() {
    let seed: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&SEED[2 * i..2 * i + 2], 16).unwrap()).collect();
    let key = SigningKey::from_seed(seed.as_slice().try_into().unwrap());
    assert_eq!(key.public().to_hex(), PUBLIC);
    let signed = sign_first_form(b"{\n  \"schema\": 1,\n  \"channelId\": \"T_1\"\n}", &key).unwrap();
    assert_eq!(str::from_utf8(&signed).unwrap(), BY_OPENSSL);
    verify(BY_OPENSSL.as_bytes(), &[PublicKey::parse(PUBLIC).unwrap()]).unwrap();
}

#[test]
fn a_signed_release_is_read_like_any_other() {
    let signed = sign_first_form(&metadata(), &key(1)).unwrap();
    assert_eq!(Manifest::parse(&signed).unwrap(), Manifest::parse(&metadata()).unwrap());
    assert_eq!(signed_by(&signed), [key(1).public().name()]);
    verify(&signed, &[key(2).public(), key(1).public()]).unwrap();
    verify(signed.strip_suffix(b"\n").unwrap(), &[key(1).public()]).unwrap();
}

#[test]
fn whom_the_app_does_not_trust() {
    let signed = sign_first_form(&metadata(), &key(1)).unwrap();
    refused(&metadata(), &[key(1).public()], "not signed");
    refused(&signed, &[key(2).public()], "does not trust");
    refused(&signed, &[], "does not trust");
    // Somebody else's signature under the trusted key's name.
    let forged = sign_first_form(&metadata(), &key(2)).unwrap();
    let forged = String::from_utf8(forged).unwrap().replace(&key(2).public().name(), &key(1).public().name());
    refused(forged.as_bytes(), &[key(1).public()], "changed after");
}

#[test]
fn what_is_around_a_signature_is_fixed() {
    let signed = String::from_utf8(sign_first_form(&metadata(), &key(1)).unwrap()).unwrap();
    let keys = [key(1).public()];
    for (from, to) in [
        ("\"signature\":{", "\"signature\": {"),
        ("}}\n", "}}\n\n"),
        ("}}\n", "},\"more\":1}\n"),
        ("}}\n", "}} "),
        ("\"signature\"", "\"signaturE\""),
    ] {
        assert_eq!(signed.matches(from).count(), 1, "{from}");
        refused(signed.replace(from, to).as_bytes(), &keys, "");
    }
    let upper = signed.rsplit_once("\"value\":").unwrap();
    refused(format!("{}\"value\":{}", upper.0, upper.1.to_uppercase()).as_bytes(), &keys, "not signed");
    assert_eq!(sign_first_form(signed.as_bytes(), &key(1)).unwrap_err().kind(), ErrorKind::InvalidManifest);
    for json in ["", "{}", "[1]", "1", "{\"a\": 1", "{\"a\": 1}}", "{\"signature\": 1}"] {
        assert!(sign_first_form(json.as_bytes(), &key(1)).is_err(), "{json}");
    }
}

#[test]
fn two_signatures_are_refused_even_where_one_is_right() {
    // Made by the key's owner, or else the second would not be right.
    let twice = b"{\"a\":1,\"signature\":{},\"b\":2}";
    let inner: Vec<u8> = [b"jicho metadata v1\n", &twice[..twice.len() - 1]].concat();
    let value = {
        use ed25519_dalek::{Signer, SigningKey};
        SigningKey::from_bytes(&[1; 32]).sign(&inner).to_string().to_lowercase()
    };
    let name = key(1).public().name();
    let text = str::from_utf8(&twice[..twice.len() - 1]).unwrap();
    let file = format!("{text},\"signature\":{{\"key\":\"{name}\",\"value\":\"{value}\"}}}}");
    refused(file.as_bytes(), &[key(1).public()], "one signature");
    // The same without the first is trusted, so it is that which is refused.
    let signed = sign_first_form(b"{\"a\":1,\"b\":2}", &key(1)).unwrap();
    verify(&signed, &[key(1).public()]).unwrap();
}

#[test]
fn what_is_no_public_key() {
    let low_order = "01".to_owned() + &"00".repeat(31);
    for text in ["", "00", &PUBLIC[1..], &PUBLIC.replace('d', "x"), &format!("{PUBLIC} "), &low_order] {
        assert_eq!(PublicKey::parse(text).unwrap_err().kind(), ErrorKind::InvalidArgument, "{text}");
    }
    assert_eq!(PublicKey::parse(&PUBLIC.to_uppercase()).unwrap().to_hex(), PUBLIC);
    assert!(!format!("{:?}", key(7)).contains("0707"), "a secret is not to be printed");
}

#[test]
fn a_role_is_part_of_what_is_signed() {
    let trusted = trusted(&[1], 1);
    for (role, other) in [(Role::Latest, Role::Candidate), (Role::Candidate, Role::Latest)] {
        let signed = sign(&metadata(), role, &[key(1)]).unwrap();
        for file in [signed.clone(), second_form_only(&signed)] {
            assert_eq!(signature::verify(&file, role, &trusted, Form::First), Ok(Form::Second));
            assert_eq!(signature::verify(&file, role, &trusted, Form::Second), Ok(Form::Second));
            let error = signature::verify(&file, other, &trusted, Form::First).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadSignature);
            assert!(error.message().contains("was not signed as"), "{error}");
            assert_eq!(signed_by(&file), [key(1).public().name()]);
            assert_eq!(Manifest::parse(&file).unwrap(), Manifest::parse(&metadata()).unwrap());
        }
    }
}

#[test]
fn an_older_app_reads_what_is_signed_with_a_role() {
    // It looks at the end of the file alone: everything before `signature` is signed by one key.
    let signed = sign(&metadata(), Role::Candidate, &[key(1), key(2)]).unwrap();
    let text = str::from_utf8(&signed).unwrap();
    let (before, rest) = text.rsplit_once(",\"signature\":{\"key\":\"").unwrap();
    let (name, rest) = rest.split_once("\",\"value\":\"").unwrap();
    assert_eq!((name, &rest[128..]), (key(1).public().name().as_str(), "\"}}\n"));
    use ed25519_dalek::{Signer, SigningKey};
    let expected = SigningKey::from_bytes(&[1; 32]).sign(format!("jicho metadata v1\n{before}").as_bytes());
    assert_eq!(rest[..128], expected.to_string().to_lowercase());
}

#[test]
fn the_old_form_is_accepted_until_the_new_one_was_seen() {
    let old = sign_first_form(&metadata(), &key(1)).unwrap();
    let trusted = trusted(&[1], 1);
    for role in [Role::Latest, Role::Candidate] {
        assert_eq!(signature::verify(&old, role, &trusted, Form::First), Ok(Form::First));
        let error = signature::verify(&old, role, &trusted, Form::Second).unwrap_err();
        assert!(error.message().contains("old form"), "{error}");
    }
    // Nor does it help to break the new one: then the old one no longer fits.
    let signed = String::from_utf8(sign(&metadata(), Role::Candidate, &[key(1)]).unwrap()).unwrap();
    for (from, to) in [("\"signatures\":[", "\"signaturez\":["), (",\"signatures\":[", ", \"signatures\":[")] {
        assert_eq!(signed.matches(from).count(), 1);
        refused(signed.replace(from, to).as_bytes(), &[key(1).public()], "changed after");
    }
}

#[test]
fn a_threshold_counts_different_keys() {
    let signed =
        |keys: &[u8]| sign(&metadata(), Role::Latest, &keys.iter().map(|byte| key(*byte)).collect::<Vec<_>>()).unwrap();
    let verify = |file: &[u8], trusted: &TrustedKeys| {
        signature::verify(file, Role::Latest, trusted, Form::First).map_err(|e| e.message().to_owned())
    };
    let two = trusted(&[1, 2, 3], 2);
    assert_eq!(verify(&signed(&[1, 2]), &two), Ok(Form::Second));
    assert_eq!(verify(&signed(&[9, 3, 2]), &two), Ok(Form::Second));
    for alone in [&[1][..], &[1, 1], &[1, 9]] {
        let error = verify(&signed(alone), &two).unwrap_err();
        assert!(error.contains("signed by 1 trusted keys, but 2"), "{error}");
    }
    // The old form has one signature.
    assert!(verify(&sign_first_form(&metadata(), &key(1)).unwrap(), &two).is_err());
    // The same key pinned twice is one key.
    assert_eq!(TrustedKeys::pinned(two.keys.clone(), 4).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(TrustedKeys::pinned(vec![key(1).public(), key(1).public()], 2).is_err());
    assert!(TrustedKeys::pinned(vec![key(1).public()], 0).is_err());
}

fn list(version: u64, keys: &[u8], threshold: usize, signers: &[u8]) -> KeyList {
    let public: Vec<PublicKey> = keys.iter().map(|byte| key(*byte).public()).collect();
    let signers: Vec<SigningKey> = signers.iter().map(|byte| key(*byte)).collect();
    KeyList::sign(version, threshold, &public, &signers).unwrap()
}

#[test]
fn key_lists_lead_from_old_keys_to_new_ones() {
    let pinned = trusted(&[1], 1);
    let chain = [list(1, &[2, 3], 2, &[1]), list(2, &[3, 4], 2, &[2, 3]), list(3, &[5], 1, &[3, 4])];
    let followed = pinned.followed(&chain);
    assert_eq!((followed.version, followed.threshold), (3, 1));
    assert_eq!(followed.keys, [key(5).public()]);
    // From the middle of the chain, and for an app that pins the newest key.
    assert_eq!(trusted(&[2, 3], 2).followed(&chain).keys, [key(5).public()]);
    assert_eq!(trusted(&[5], 1).followed(&chain).keys, [key(5).public()]);
    // A list is not followed back, nor where too few signed it.
    assert_eq!(followed.followed(&chain[..1]), followed);
    for wrong in [list(1, &[9], 1, &[8]), list(1, &[9], 1, &[])] {
        assert_eq!(pinned.followed(&[wrong]), pinned);
    }
    let too_few = list(2, &[9], 1, &[2]);
    assert_eq!(pinned.followed(&[chain[0].clone(), too_few]).version, 1);
    // What is signed is all of it.
    for change in [
        |list: &mut KeyList| list.version += 1,
        |list: &mut KeyList| list.threshold = 1,
        |list: &mut KeyList| {
            list.keys.pop();
        },
    ] {
        let mut changed = chain[0].clone();
        change(&mut changed);
        assert_eq!(pinned.followed(&[changed]), pinned);
    }
    // Who asks for no signature follows nothing.
    assert_eq!(TrustedKeys::default().followed(&chain), TrustedKeys::default());
    assert!(KeyList::sign(1, 2, &[key(1).public(), key(1).public()], &[key(1)]).is_err());
    assert!(KeyList::sign(0, 1, &[key(1).public()], &[key(1)]).is_err());
}

proptest! {
    #[test]
    fn one_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1u8..) {
        let mut signed = sign_first_form(&metadata(), &key(1)).unwrap();
        // The last is a line feed that may be missing.
        let at = at.index(signed.len() - 1);
        signed[at] ^= change;
        prop_assert_eq!(verify(&signed, &[key(1).public()]).unwrap_err().kind(), ErrorKind::BadSignature);
    }

    #[test]
    fn one_changed_byte_is_noticed_in_the_new_form(at in any::<prop::sample::Index>(), change in 1u8..) {
        let mut signed = second_form_only(&sign(&metadata(), Role::Latest, &[key(1), key(2)]).unwrap());
        let at = at.index(signed.len() - 1);
        signed[at] ^= change;
        let verified = signature::verify(&signed, Role::Latest, &trusted(&[1, 2], 2), Form::First);
        prop_assert_eq!(verified.unwrap_err().kind(), ErrorKind::BadSignature);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..400) {
        let signed = sign_first_form(&metadata(), &key(1)).unwrap();
        let start = signed.len().saturating_sub(cut);
        prop_assert!(verify(&[&bytes[..], &signed[start..]].concat(), &[key(1).public()]).is_err());
        let _ = sign(&bytes, Role::Latest, &[key(1)]);
    }
}
