//! What the browser gives a vault: time, randomness, and a key that WebCrypto hands out to nobody.

use std::rc::Rc;

use js_sys::{Array, Date, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

use super::storage::Storage;
use crate::error::{Error, ErrorKind, Result};
use crate::vault::{AesGcm, Device, DeviceKey};
use crate::web::failure::describe;
use crate::web::random;

const NONCE: usize = 12;
const AES_GCM: &str = "AES-GCM";

#[wasm_bindgen]
extern "C" {
    // Pages without https have no `subtle`, and asking it throws.
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = generateKey)]
    fn generate_key(algorithm: &JsValue, extractable: bool, usages: &Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        format: &str,
        key: &[u8],
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn encrypt(algorithm: &JsValue, key: &JsValue, bytes: &[u8]) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn decrypt(algorithm: &JsValue, key: &JsValue, bytes: &[u8]) -> Result<Promise, JsValue>;
}

/// The browser. The device's keys lie beside the vaults.
pub(super) struct Browser(pub(super) Rc<Storage>);

impl Device for Browser {
    fn now(&self) -> u64 {
        Date::now() as u64
    }

    fn random(&self, bytes: &mut [u8]) -> Result<()> {
        random::fill(bytes);
        Ok(())
    }

    async fn make_key(&self) -> Result<DeviceKey> {
        let Storage::IndexedDb(database) = &*self.0 else {
            return Err(unsupported("it keeps nothing"));
        };
        let algorithm = object(&[("name", AES_GCM.into()), ("length", 256.into())]);
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let made = settled(generate_key(&algorithm, false, &usages)).await.map_err(|e| unsupported(&e))?;
        let cannot = |error: Error| {
            let is_of_the_key = error.message().contains("DataCloneError");
            if is_of_the_key { unsupported(error.message()) } else { error }
        };
        // Some browsers store such a key and cannot read it, or cannot open with what they read.
        let read = database.read_back(&made).await.map_err(cannot)?;
        let key: DeviceKey = Rc::new(made);
        let read: DeviceKey = Rc::new(read.ok_or_else(|| unsupported("the key that it kept is gone"))?);
        let mut sample = [0; 32];
        random::fill(&mut sample);
        let sealed = self.seal(&key, "", &sample).await?;
        match self.open(&read, "", &sealed).await {
            Ok(opened) if *opened == sample => Ok(key),
            _ => Err(unsupported("it cannot open what it sealed")),
        }
    }

    async fn seal(&self, key: &DeviceKey, vault: &str, secret: &[u8; 32]) -> Result<Vec<u8>> {
        let mut sealed = vec![0; NONCE];
        random::fill(&mut sealed);
        let encrypted = settled(encrypt(&algorithm(vault, &sealed), of_browser(key)?, secret)).await;
        sealed.extend(Uint8Array::new(&encrypted.map_err(|e| unsupported(&e))?).to_vec());
        Ok(sealed)
    }

    async fn open(&self, key: &DeviceKey, vault: &str, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        let wrong =
            || Error::new(ErrorKind::WrongKey, "this device has another key than the one that locked the vault");
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
        let opened = settled(decrypt(&algorithm(vault, nonce), of_browser(key)?, sealed)).await.map_err(|_| wrong())?;
        let opened = Uint8Array::new(&opened);
        let mut secret = Zeroizing::new([0; 32]);
        if opened.length() as usize != secret.len() {
            return Err(wrong());
        }
        opened.copy_to(&mut *secret);
        opened.fill(0, 0, opened.length());
        Ok(secret)
    }

    async fn encrypt(&self, with: &AesGcm<'_>, plain: &[u8]) -> Option<Vec<u8>> {
        let key = imported(with.key, "encrypt").await.ok()?;
        let encrypted = settled(encrypt(&gcm(with.nonce, with.aad), &key, plain)).await.ok()?;
        Some(Uint8Array::new(&encrypted).to_vec())
    }

    async fn decrypt(&self, with: &AesGcm<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = imported(with.key, "decrypt").await.ok()?;
        let opened = settled(decrypt(&gcm(with.nonce, with.aad), &key, sealed)).await.ok()?;
        let opened = Uint8Array::new(&opened);
        let plain = Zeroizing::new(opened.to_vec());
        opened.fill(0, 0, opened.length());
        Some(plain)
    }
}

/// A key as WebCrypto takes it.
fn of_browser(key: &DeviceKey) -> Result<&JsValue> {
    key.downcast_ref::<JsValue>().ok_or_else(|| Error::new(ErrorKind::Internal, "a device key of another platform"))
}

/// Of what the device's key seals.
fn algorithm(vault: &str, nonce: &[u8]) -> JsValue {
    gcm(nonce, ["jicho vault 1 device key", vault].join("\0").as_bytes())
}

fn gcm(nonce: &[u8], aad: &[u8]) -> JsValue {
    object(&[
        ("name", AES_GCM.into()),
        ("iv", Uint8Array::from(nonce).into()),
        ("additionalData", Uint8Array::from(aad).into()),
    ])
}

/// A data key for one use.
async fn imported(key: &[u8; 32], usage: &str) -> Result<JsValue, String> {
    settled(import_key("raw", key, AES_GCM, false, &Array::of1(&usage.into()))).await
}

async fn settled(promise: Result<Promise, JsValue>) -> Result<JsValue, String> {
    let settled = async { JsFuture::from(promise?).await };
    settled.await.map_err(|thrown: JsValue| describe(&thrown))
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a field of a fresh object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

fn unsupported(why: &str) -> Error {
    let message = format!(
        "this browser cannot keep a key of its own here ({why}): it takes https, and no private mode; unlock by a \
         passphrase instead"
    );
    Error::new(ErrorKind::Unsupported, message)
}
