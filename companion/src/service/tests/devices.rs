//! What tills send: sales, lessons and feedback.

use super::*;

pub(super) fn sale(total: f64) -> Value {
    json!({
        "number": "261130-AAAA", "channel": "T_1", "version": "v1", "at": "2026-11-30T08:00:00.000Z", "currency": "KES",
        "lines": [{ "label": "apple", "name": "=Apple", "quantity": 2, "price": 10, "total": total }],
        "total": total, "payment": { "method": "cash", "given": 50, "change": 30 }
    })
}

#[tokio::test]
async fn a_sale_is_stored_once_however_often_it_is_sent() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let device = service.key(Role::Device, &["T_1"]).await;
    let send = async |key: &str, body: Value| {
        let request = Service::request(Method::POST, "/channels/T_1/sales", &device);
        let request = request.header("idempotency-key", key).header(CONTENT_TYPE, "application/json");
        service.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let first = send("s-1", sale(20.0)).await.expect(201);
    let again = send("s-1", sale(20.0)).await.expect(200);
    assert_eq!(first, again);
    assert_eq!(send("s-1", sale(21.0)).await.code(), "idempotency-key-reused");
    let (one, other) = tokio::join!(send("s-2", sale(5.0)), send("s-2", sale(5.0)));
    assert_eq!(one.status.as_u16() + other.status.as_u16(), 401, "one is stored, and the other is told so");
    send("", sale(1.0)).await.expect(400);
    let mut wrong = sale(1.0);
    wrong["at"] = json!("yesterday");
    send("s-3", wrong).await.expect(400);
    let mut elsewhere = sale(1.0);
    elsewhere["channel"] = json!("T_2");
    send("s-3", elsewhere).await.expect(400);
    let listed = service.get("/channels/T_1/sales").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let csv = String::from_utf8(service.get("/channels/T_1/sales.export").await.body).unwrap();
    assert_eq!(csv.lines().count(), 3);
    assert!(csv.contains("'=Apple"), "a spreadsheet would run it: {csv}");
    service.call(Method::GET, "/channels/T_1/sales", &device, Value::Null).await.expect(403);
}

#[tokio::test]
async fn lessons_become_photos_and_products() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let device = service.key(Role::Device, &["T_1"]).await;
    let row = |seed: u32, product: &str| {
        use base64::Engine as _;
        let image = base64::engine::general_purpose::STANDARD.encode(jpeg(seed));
        let lesson = json!({ "id": format!("l{seed}"), "time": 1, "correction": false });
        let row = json!({ "image": format!("data:image/jpeg;base64,{image}"), "product": product, "facts": {}, "lesson": lesson });
        format!("{row}\n")
    };
    let send = async |body: String| {
        let request = Service::request(Method::POST, "/channels/T_1/lessons", &device);
        service.send(request.header(CONTENT_TYPE, "application/jsonl").body(Body::from(body)).unwrap()).await
    };
    let lessons = row(1, "apple") + &row(2, "kiwi");
    let taken = send(lessons.clone()).await.expect(200);
    assert_eq!((&taken["stored"], &taken["products"]), (&json!(2), &json!(1)), "{taken}");
    assert_eq!(send(lessons).await.expect(200)["duplicates"], 2);
    let photos = service.get("/channels/T_1/photos?product=kiwi").await.expect(200);
    assert_eq!(photos["items"][0]["source"], "lesson");
    let refused = send("{\"image\":\"/etc/passwd\",\"product\":\"a\"}\n".into()).await;
    assert_eq!(refused.status, 400);
    assert!(!String::from_utf8_lossy(&refused.body).contains("incoming"));
}

#[tokio::test]
async fn feedback_is_summed_by_day_and_release() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let device = service.key(Role::Device, &["T_1"]).await;
    let send = |body: Value| service.call(Method::POST, "/channels/T_1/feedback", &device, body);
    let pair = json!([{ "from": "apple", "to": "pear", "count": 1 }]);
    send(json!({ "version": "v1", "matched": 8, "unsure": 2, "confirmed": 9, "corrected": 1, "corrections": pair }))
        .await
        .expect(204);
    send(json!({ "version": "v1", "matched": 1, "day": "2026-11-30" })).await.expect(204);
    send(json!({ "version": "v1", "day": "2026-12-01" })).await.expect(400);
    send(json!({ "version": "../x" })).await.expect(400);
    let series = service.get("/channels/T_1/series?days=7").await.expect(200);
    let day = &series["days"][0];
    assert_eq!((&day["day"], &day["matched"], &day["corrected"]), (&json!("2026-11-30"), &json!(9), &json!(1)));
    service.get("/channels/T_1/series?days=0").await.expect(400);
}
