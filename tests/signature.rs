//! Signatures of metadata.json: what is trusted, and that nothing else is.

mod fixture;

use jicho::manifest::signature::{PublicKey, SigningKey, sign, signed_by, verify};
use jicho::{ErrorKind, Manifest};
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
    let signed = sign(b"{\n  \"schema\": 1,\n  \"channelId\": \"T_1\"\n}", &key).unwrap();
    assert_eq!(str::from_utf8(&signed).unwrap(), BY_OPENSSL);
    verify(BY_OPENSSL.as_bytes(), &[PublicKey::parse(PUBLIC).unwrap()]).unwrap();
}

#[test]
fn a_signed_release_is_read_like_any_other() {
    let signed = sign(&metadata(), &key(1)).unwrap();
    assert_eq!(Manifest::parse(&signed).unwrap(), Manifest::parse(&metadata()).unwrap());
    assert_eq!(signed_by(&signed), Some(key(1).public().name()));
    verify(&signed, &[key(2).public(), key(1).public()]).unwrap();
    verify(signed.strip_suffix(b"\n").unwrap(), &[key(1).public()]).unwrap();
}

#[test]
fn whom_the_app_does_not_trust() {
    let signed = sign(&metadata(), &key(1)).unwrap();
    refused(&metadata(), &[key(1).public()], "not signed");
    refused(&signed, &[key(2).public()], "does not trust");
    refused(&signed, &[], "does not trust");
    // Somebody else's signature under the trusted key's name.
    let forged = sign(&metadata(), &key(2)).unwrap();
    let forged = String::from_utf8(forged).unwrap().replace(&key(2).public().name(), &key(1).public().name());
    refused(forged.as_bytes(), &[key(1).public()], "changed after");
}

#[test]
fn what_is_around_a_signature_is_fixed() {
    let signed = String::from_utf8(sign(&metadata(), &key(1)).unwrap()).unwrap();
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
    assert_eq!(sign(signed.as_bytes(), &key(1)).unwrap_err().kind(), ErrorKind::InvalidManifest);
    for json in ["", "{}", "[1]", "1", "{\"a\": 1", "{\"a\": 1}}", "{\"signature\": 1}"] {
        assert!(sign(json.as_bytes(), &key(1)).is_err(), "{json}");
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
    let signed = sign(b"{\"a\":1,\"b\":2}", &key(1)).unwrap();
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

proptest! {
    #[test]
    fn one_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1u8..) {
        let mut signed = sign(&metadata(), &key(1)).unwrap();
        // The last is a line feed that may be missing.
        let at = at.index(signed.len() - 1);
        signed[at] ^= change;
        prop_assert_eq!(verify(&signed, &[key(1).public()]).unwrap_err().kind(), ErrorKind::BadSignature);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..400) {
        let signed = sign(&metadata(), &key(1)).unwrap();
        let start = signed.len().saturating_sub(cut);
        prop_assert!(verify(&[&bytes[..], &signed[start..]].concat(), &[key(1).public()]).is_err());
        let _ = sign(&bytes, &key(1));
    }
}
