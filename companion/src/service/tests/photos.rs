//! Photos: taken in, looked through, stored once, moved and deleted.

use super::*;

#[tokio::test]
async fn a_photo_is_stored_once_with_a_thumbnail() {
    let service = Service::new().await;
    service.shop(&["apple", "pear"]).await;
    let uploader = service.key(Role::Uploader, &["T_1"]).await;
    let added = service.upload(&uploader, "apple", &[("a.jpg", &jpeg(1)), ("b.txt", b"hello")]).await.expect(201);
    assert_eq!(added[0]["outcome"], "stored");
    assert_eq!((&added[1]["outcome"], &added[1]["refusal"]["code"]), (&json!("refused"), &json!("not-a-photo")));
    let id = added[0]["photo"]["id"].as_str().unwrap();
    let again = service.upload(&service.admin, "pear", &[("c.jpg", &jpeg(1))]).await.expect(200);
    assert_eq!((&again[0]["outcome"], &again[0]["photo"]["product"]), (&json!("duplicate"), &json!("apple")));

    let one = format!("/channels/T_1/photos/{id}");
    let thumbnail = service.get(&format!("{one}/thumbnail")).await;
    let small = image::load_from_memory(&thumbnail.body).unwrap();
    assert_eq!((small.width(), small.height()), (160, 120));
    assert_eq!(service.get(&format!("{one}/file")).await.headers[CONTENT_TYPE], "image/jpeg");
    assert_eq!(service.get("/channels/T_1/products/apple").await.expect(200)["picture"], id);
    let device = service.key(Role::Device, &["T_1"]).await;
    service.call(Method::GET, &format!("{one}/file"), &device, Value::Null).await.expect(403);
    let shown = service.call(Method::GET, &format!("{one}/thumbnail"), &device, Value::Null).await;
    assert_eq!(shown.status, 200, "it is the product's picture in the catalogue");

    let moved = service.patch(&one, json!({ "product": "pear" })).await.expect(200);
    assert_eq!(moved["product"], "pear");
    assert_eq!(service.get("/channels/T_1/products/apple").await.expect(200)["picture"], Value::Null);
    service.patch(&one, json!({ "product": "plum" })).await.expect(404);
    let disputed = service.patch(&one, json!({ "disputed": true, "dispute": "a plum" })).await.expect(200);
    assert_eq!(disputed["disputedAt"], START);
    service.delete(&one).await.expect(204);
    let photos = std::fs::read_dir(service.data().join("channels/T_1/photos")).unwrap().count();
    let thumbnails = std::fs::read_dir(service.data().join("channels/T_1/thumbnails")).unwrap().count();
    assert_eq!((photos, thumbnails), (0, 0));
    service.upload(&uploader, "apple", &[("a.jpg", &jpeg(1))]).await.expect(201);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_its_reason() {
    let service = Service::with(&[("JICHO_PHOTOS_MAX_MEGABYTES", "1")]).await;
    service.shop(&["apple"]).await;
    let large = vec![0xff; (1 << 20) + 1];
    let answer = service.upload(&service.admin, "apple", &[("a.jpg", &large), ("b.heic", b"\0\0\0\x18ftypheic")]).await;
    let told = answer.expect(400);
    assert!(told["errors"][0]["detail"].as_str().unwrap().contains("(too-large)"), "{told}");
    assert!(told["errors"][1]["detail"].as_str().unwrap().contains("(kind-not-supported)"), "{told}");
    service.upload(&service.admin, "plum", &[("a.jpg", &jpeg(1))]).await.expect(404);
    service.upload(&service.admin, "apple", &[]).await.expect(400);
    let mut form = Form::default();
    form.file("photo", "a.jpg", &jpeg(1));
    service.send_form("/channels/T_1/photos", &service.admin, form).await.expect(400);
    let incoming = std::fs::read_dir(service.data().join("incoming")).unwrap().count();
    assert_eq!(incoming, 0, "nothing of it is left");
}

#[tokio::test]
async fn two_who_send_the_same_photo_at_once_store_it_once() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let photo = jpeg(3);
    let send = async || service.upload(&service.admin, "apple", &[("a.jpg", &photo)]).await;
    let (a, b, c) = tokio::join!(send(), send(), send());
    let mut outcomes = [a, b, c].map(|answer| answer.json()[0]["outcome"].as_str().unwrap().to_owned());
    outcomes.sort();
    assert_eq!(outcomes, ["duplicate", "duplicate", "stored"]);
}

#[tokio::test]
async fn a_second_person_confirms_some_labels() {
    let service = Service::with(&[("JICHO_PHOTOS_CONFIRM_PERCENT", "100")]).await;
    service.shop(&["apple", "pear"]).await;
    let first = service.key(Role::Operator, &["T_1"]).await;
    let second = service.key(Role::Operator, &["T_1"]).await;
    let files = [jpeg(1), jpeg(2)];
    let added = service.upload(&first, "apple", &[("a.jpg", &files[0]), ("b.jpg", &files[1])]).await.expect(201);
    let own = service.call(Method::GET, "/channels/T_1/confirmations", &first, Value::Null).await.expect(200);
    assert_eq!(own, json!([]), "nobody confirms what they said themselves");
    let waiting = service.call(Method::GET, "/channels/T_1/confirmations", &second, Value::Null).await.expect(200);
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    let path = |at: usize| format!("/channels/T_1/photos/{}/confirmation", added[at]["photo"]["id"].as_str().unwrap());
    service.call(Method::POST, &path(0), &first, json!({ "product": "apple" })).await.expect(403);
    service.call(Method::POST, &path(0), &second, json!({ "product": "apple" })).await.expect(200);
    let disputed = service.call(Method::POST, &path(1), &second, json!({ "product": "pear" })).await.expect(200);
    assert_eq!(disputed["disputedAt"], START);
    let told = service.get("/channels/T_1/agreement").await.expect(200);
    assert_eq!((&told["confirmed"], &told["agreeing"], &told["waiting"]), (&json!(2), &json!(1), &json!(0)));
}

#[tokio::test]
async fn a_zip_of_folders_becomes_products_and_photos() {
    use std::io::Write;
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [("apple/1.jpg", jpeg(1)), ("apple/2.jpg", jpeg(2)), ("Green pear/1.jpg", jpeg(3))] {
        zip.start_file(name, options).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    let archive = zip.finish().unwrap().into_inner();
    for (stored, duplicates, products) in [(3, 0, 1), (0, 3, 0)] {
        let mut form = Form::default();
        form.file("archive", "shop.zip", &archive);
        let done = service.send_form("/channels/T_1/photos.import", &service.admin, form).await.expect(200);
        assert_eq!((&done["stored"], &done["duplicates"]), (&json!(stored), &json!(duplicates)), "{done}");
        assert_eq!(done["products"], products);
    }
    let mut form = Form::default();
    form.file("archive", "shop.zip", b"no zip at all");
    let refused = service.send_form("/channels/T_1/photos.import", &service.admin, form).await.expect(400);
    let text = refused.to_string();
    assert!(!text.contains("incoming") && !text.contains("/tmp"), "it tells of the inside: {text}");
}
