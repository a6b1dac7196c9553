//! Channels, products and the catalogue.

use super::*;

#[tokio::test]
async fn channels_are_made_changed_archived_and_deleted() {
    let service = Service::new().await;
    let made =
        service.post("/channels", json!({ "id": "T_1", "name": "Duka", "settings": { "currency": "KES" } })).await;
    assert_eq!(made.expect(201)["settings"]["currency"], "KES");
    service.post("/channels", json!({ "id": "T_1" })).await.expect(409);
    service.post("/channels", json!({ "id": "t_1" })).await.expect(409);
    for wrong in [
        json!({ "id": "" }),
        json!({ "id": "../a" }),
        json!({ "id": "con" }),
        json!({ "id": "blobs" }),
        json!({ "id": "a", "name": "\u{202e}" }),
        json!({ "id": "a", "settings": { "currency": "kes" } }),
        json!({ "id": "a", "settings": { "backbone": "none-such" } }),
        json!({ "id": "a", "settings": { "matchPrecision": 1.0 } }),
        json!({ "id": "a", "settings": { "score": { "terms": 3 } } }),
        json!({ "id": "a", "extra": 1 }),
    ] {
        let answer = service.post("/channels", wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let changed = service.patch("/channels/T_1", json!({ "archived": true })).await.expect(200);
    assert_eq!(changed["archivedAt"], START);
    service.post("/channels/T_1/products", json!({ "name": "Apple" })).await.expect(409);
    service.patch("/channels/T_1", json!({ "archived": false, "name": "Shop" })).await.expect(200);
    service.delete("/channels/T_1").await.expect(204);
    service.get("/channels/T_1").await.expect(404);
    service.pass(8 * 24 * 60 * MINUTE);
    super::super::upkeep::retention(&service.app).await.unwrap();
    service.post("/channels", json!({ "id": "T_1" })).await.expect(201);
}

#[tokio::test]
async fn products_are_found_changed_and_archived() {
    let service = Service::new().await;
    service.shop(&[]).await;
    let path = "/channels/T_1/products";
    let made = service.post(path, json!({ "name": "Red Apple", "price": "1.20", "barcode": "4006381333931" })).await;
    assert_eq!(made.expect(201)["id"], "red-apple");
    service.post(path, json!({ "id": "Red-Apple", "name": "x" })).await.expect(409);
    let second = service.post(path, json!({ "name": "Red, apple!" })).await.expect(201);
    assert!(second["id"].as_str().unwrap().starts_with("product_"));
    for wrong in ["-1", "1.", "1,20", "1.23456", "1e3", ""] {
        assert_eq!(service.post(path, json!({ "name": "a", "price": wrong })).await.status, 400, "{wrong}");
    }
    service.post(path, json!({ "name": "a", "facts": { "deep": { "er": 1 } } })).await.expect(400);
    service.post(path, json!({ "name": "a", "id": "a\u{0}b" })).await.expect(400);

    for (search, count) in [("APPLE", 2), ("400638", 1), ("pear", 0), ("%", 0)] {
        let found = service.get(&format!("{path}?search={}", search.replace('%', "%25"))).await.expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{search}");
    }
    let one = format!("{path}/red-apple");
    let changed = service.patch(&one, json!({ "price": null, "facts": { "risk": 0.2 } })).await.expect(200);
    assert_eq!((&changed["price"], &changed["barcode"]), (&Value::Null, &json!("4006381333931")));
    service.patch(&one, json!({ "archived": true })).await.expect(200);
    assert_eq!(service.get(path).await.expect(200)["items"].as_array().unwrap().len(), 1);
    service.delete(&one).await.expect(204);
    service.get(&one).await.expect(404);
}

#[tokio::test]
async fn pages_follow_each_other_and_miss_nothing() {
    let service = Service::new().await;
    service.shop(&[]).await;
    let products: Vec<Value> = (0..23).map(|at| json!({ "id": format!("p{at:02}"), "name": "x" })).collect();
    service.post("/channels/T_1/products.import", products.into()).await.expect(200);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/channels/T_1/products?limit=10&after={after}")).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, (0..23).map(|at| format!("p{at:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_import_is_taken_whole_or_not_at_all() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let send = async |kind: &str, body: &str| {
        let request = Service::request(Method::POST, "/channels/T_1/products.import", &service.admin);
        service.send(request.header(CONTENT_TYPE, kind).body(Body::from(body.to_owned())).unwrap()).await
    };
    let wrong = send("text/csv", "id,name,price\npear,Pear,2\nplum,Plum,x\n").await;
    assert_eq!(wrong.expect(400)["errors"][0]["field"], "[1]");
    service.get("/channels/T_1/products/pear").await.expect(404);
    let done = send("text/csv; charset=utf-8", "id,name,price,organic\napple,Apple,1.5,true\npear,Pear,2,\n").await;
    assert_eq!(done.expect(200), json!({ "created": 1, "changed": 1 }));
    let apple = service.get("/channels/T_1/products/apple").await.expect(200);
    assert_eq!((&apple["name"], &apple["facts"]["organic"]), (&json!("Apple"), &json!(true)));
    let exported = service.get("/channels/T_1/products.export?format=csv").await;
    let again = send("text/csv", &String::from_utf8(exported.body).unwrap()).await.expect(200);
    assert_eq!(again, json!({ "created": 0, "changed": 2 }));
    send("text/plain", "a").await.expect(415);
}

#[tokio::test]
async fn the_catalogue_is_sent_once_and_to_those_who_may_have_it() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let device = service.key(Role::Device, &["T_1"]).await;
    let path = "/channels/T_1/catalogue";
    let first = service.call(Method::GET, path, &device, Value::Null).await;
    assert_eq!(first.expect(200)["products"][0]["id"], "apple");
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    let ask = async || {
        let request = Service::request(Method::GET, path, &device).header("if-none-match", &etag);
        service.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask().await.status, 304);
    service.patch("/channels/T_1/products/apple", json!({ "price": "2" })).await.expect(200);
    assert_eq!(ask().await.expect(200)["products"][0]["price"], "2");
    service.call(Method::GET, path, "", Value::Null).await.expect(401);
    let public = Service::with(&[("JICHO_CATALOGUE_PUBLIC", "true")]).await;
    public.shop(&[]).await;
    public.call(Method::GET, path, "", Value::Null).await.expect(200);
}
