//! Keys, sessions, links and limits.

use axum::http::header::{COOKIE, SET_COOKIE};

use super::*;

#[tokio::test]
async fn a_key_holds_until_it_is_revoked_or_expires() {
    let service = Service::new().await;
    let made =
        service.post("/keys", json!({ "name": "till", "role": "operator", "expiresInDays": 1 })).await.expect(201);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let stored = std::fs::read(service.data().join("jicho.db-wal")).unwrap_or_default();
    let random = secret.split_once('.').unwrap().1;
    assert!(!stored.windows(random.len()).any(|part| part == random.as_bytes()), "the secret is stored");
    service.call(Method::GET, "/channels", secret, Value::Null).await.expect(200);
    let listed = service.get("/keys").await.expect(200);
    assert!(listed.as_array().unwrap().iter().all(|key| key.get("secret").is_none()));

    for wrong in [format!("{id}.{}", "A".repeat(43)), format!("{id}."), "x".into(), format!("key_.{random}")] {
        let answer = service.call(Method::GET, "/channels", &wrong, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    service.pass(24 * 60 * MINUTE);
    service.call(Method::GET, "/channels", secret, Value::Null).await.expect(401);

    let made = service.post("/keys", json!({ "name": "other", "role": "operator" })).await.expect(201);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    service.delete(&format!("/keys/{id}")).await.expect(204);
    service.call(Method::GET, "/channels", secret, Value::Null).await.expect(401);
    service.delete(&format!("/keys/{id}")).await.expect(404);
}

#[tokio::test]
async fn a_key_of_one_channel_does_not_learn_of_others() {
    let service = Service::new().await;
    service.shop(&[]).await;
    service.post("/channels", json!({ "id": "T_2" })).await.expect(201);
    let key = service.key(Role::Supervisor, &["T_2"]).await;
    let there = service.call(Method::GET, "/channels/T_1/products", &key, Value::Null).await;
    let nowhere = service.call(Method::GET, "/channels/T_9/products", &key, Value::Null).await;
    assert_eq!((there.status, there.code()), (nowhere.status, nowhere.code()));
    assert_eq!(there.status, 404);
    let listed = service.call(Method::GET, "/channels", &key, Value::Null).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    service.post("/keys", json!({ "name": "a", "role": "device", "channels": ["T_9"] })).await.expect(400);
}

#[tokio::test]
async fn a_session_needs_its_token_for_changes_and_ends_with_its_key() {
    let service = Service::new().await;
    let made = service.post("/keys", json!({ "name": "me", "role": "admin" })).await.expect(201);
    let opened = service.call(Method::POST, "/session", "", json!({ "key": made["secret"] })).await;
    let session = opened.expect(201);
    let cookie = opened.headers[SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let csrf = session["csrfToken"].as_str().unwrap();
    let with = async |method: Method, path: &str, csrf: Option<&str>, body: Value| {
        let mut request = Service::request(method, path, "").header(COOKIE, &cookie);
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap();
        service.send(request).await
    };
    with(Method::GET, "/channels", None, Value::Null).await.expect(200);
    with(Method::POST, "/channels", None, json!({ "id": "T_1" })).await.expect(403);
    with(Method::POST, "/channels", Some("wrong"), json!({ "id": "T_1" })).await.expect(403);
    with(Method::POST, "/channels", Some(csrf), json!({ "id": "T_1" })).await.expect(201);
    assert_eq!(with(Method::GET, "/session", None, Value::Null).await.expect(200)["role"], "admin");
    service.delete(&format!("/keys/{}", made["id"].as_str().unwrap())).await.expect(204);
    with(Method::GET, "/channels", None, Value::Null).await.expect(401);
}

#[tokio::test]
async fn a_link_opens_once_and_not_after_its_time() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let link = async |body: Value| service.post("/links", body).await.expect(201)["secret"].clone();
    let secret = link(json!({ "purpose": "sign-in", "role": "quality" })).await;
    let opened = service.call(Method::POST, "/session", "", json!({ "link": secret })).await.expect(201);
    assert_eq!(opened["role"], "quality");
    service.call(Method::POST, "/session", "", json!({ "link": secret })).await.expect(401);

    let late = link(json!({ "purpose": "sign-in", "role": "admin", "expiresInMinutes": 5 })).await;
    service.pass(5 * MINUTE);
    service.call(Method::POST, "/session", "", json!({ "link": late })).await.expect(401);

    let pair = link(json!({ "purpose": "pair", "channels": ["T_1"] })).await;
    service.call(Method::POST, "/session", "", json!({ "link": pair })).await.expect(400);
    let key = service.call(Method::POST, "/pair", "", json!({ "link": pair, "name": "Till 1" })).await.expect(201);
    assert_eq!((&key["role"], &key["channels"]), (&json!("device"), &json!(["T_1"])));
    service.call(Method::POST, "/pair", "", json!({ "link": pair })).await.expect(401);
    service
        .call(Method::GET, "/channels/T_1/catalogue", key["secret"].as_str().unwrap(), Value::Null)
        .await
        .expect(200);
    service.post("/links", json!({ "purpose": "pair" })).await.expect(400);
    service.post("/links", json!({ "purpose": "upload", "channels": ["T_1"], "role": "admin" })).await.expect(400);
}

#[tokio::test]
async fn who_guesses_is_told_to_wait() {
    let service = Service::with(&[("JICHO_ACCESS_LOG_INS_PER_MINUTE", "3")]).await;
    for _ in 0..3 {
        service.call(Method::POST, "/session", "", json!({ "key": "key_a.b" })).await.expect(401);
    }
    let refused = service.call(Method::POST, "/session", "", json!({ "key": service.admin })).await;
    assert_eq!(refused.code(), "too-many-requests");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 21);
}

#[tokio::test]
async fn only_named_origins_may_call_from_their_pages() {
    let service = Service::with(&[("JICHO_SERVER_CORS_ORIGINS", "https://till.example")]).await;
    let ask = async |origin: &str| {
        let request = Service::request(Method::OPTIONS, "/channels", "")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization")
            .body(Body::empty());
        service.send(request.unwrap()).await
    };
    let allowed = ask("https://till.example").await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://till.example");
    assert!(allowed.headers.get("access-control-allow-credentials").is_none());
    assert!(ask("https://evil.example").await.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn private_models_need_a_key_of_the_channel_and_are_told_of() {
    let service = Service::with(&[("JICHO_SERVER_PRIVATE_MODELS", "true")]).await;
    service.shop(&[]).await;
    service.post("/channels", json!({ "id": "T_2" })).await.expect(201);
    let models = service.path("ml-models");
    for (file, text) in [("T_1/latest/metadata.json", "{}"), ("blobs/ab.plan", "plan")] {
        std::fs::create_dir_all(models.join(file).parent().unwrap()).unwrap();
        std::fs::write(models.join(file), text).unwrap();
    }
    let get = async |path: &str, key: &str| {
        service.call(Method::GET, &format!("//assets/ml-models/{path}"), key, Value::Null).await
    };
    let device = service.key(Role::Device, &["T_1"]).await;
    let other = service.key(Role::Device, &["T_2"]).await;
    let refused = get("T_1/latest/metadata.json", "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["access-control-allow-origin"], "*", "a page elsewhere must see why");
    assert_eq!(get("T_1/latest/metadata.json", &other).await.status, 404);
    assert_eq!(get("T_1/latest/metadata.json", &device).await.status, 200);
    let blob = get("blobs/ab.plan", &device).await;
    assert!(blob.headers["cache-control"].to_str().unwrap().starts_with("private"));
    let told = service.get("/audit?action=model.fetch").await.expect(200);
    assert_eq!((told["items"].as_array().unwrap().len(), &told["items"][0]["resource"]), (1, &json!("blobs/ab.plan")));
}
