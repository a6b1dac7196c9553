//! Who may do what, for every endpoint there is.

use std::collections::BTreeMap;

use super::super::access::Permission;
use super::*;

/// Every operation with what it needs; none for those without a key. What is sent is valid, so that nothing else refuses.
fn operations() -> BTreeMap<(&'static str, &'static str), (Option<Permission>, Value)> {
    use Permission::{Administer, Audit, Edit, Fetch, Predict, Read, Report, Trace, Train, Upload};
    let none = Value::Null;
    let rows = [
        ("get", "/health", None, none.clone()),
        ("get", "/ready", None, none.clone()),
        ("get", "/channels/{channel}/status", None, none.clone()),
        ("get", "/metrics", Some(Read), none.clone()),
        ("get", "/keys", Some(Administer), none.clone()),
        ("post", "/keys", Some(Administer), json!({ "name": "a", "role": "device" })),
        ("delete", "/keys/{key}", Some(Administer), none.clone()),
        ("get", "/session", None, none.clone()),
        ("post", "/session", None, json!({})),
        ("post", "/links", Some(Administer), json!({ "purpose": "sign-in", "role": "admin" })),
        ("post", "/pair", None, json!({ "link": "x" })),
        ("get", "/audit", Some(Audit), none.clone()),
        ("get", "/audit/verification", Some(Audit), none.clone()),
        ("get", "/channels", Some(Read), none.clone()),
        ("post", "/channels", Some(Administer), json!({ "id": "T_2" })),
        ("get", "/channels/{channel}", Some(Read), none.clone()),
        ("patch", "/channels/{channel}", Some(Administer), json!({ "name": "b" })),
        ("delete", "/channels/{channel}", Some(Administer), none.clone()),
        ("get", "/channels/{channel}/products", Some(Read), none.clone()),
        ("post", "/channels/{channel}/products", Some(Edit), json!({ "name": "b" })),
        ("get", "/channels/{channel}/products/{product}", Some(Read), none.clone()),
        ("patch", "/channels/{channel}/products/{product}", Some(Edit), json!({ "name": "b" })),
        ("delete", "/channels/{channel}/products/{product}", Some(Edit), none.clone()),
        ("get", "/channels/{channel}/products.export", Some(Read), none.clone()),
        ("post", "/channels/{channel}/products.import", Some(Edit), json!([])),
        ("get", "/channels/{channel}/catalogue", Some(Fetch), none.clone()),
        ("get", "/channels/{channel}/photos", Some(Read), none.clone()),
        ("post", "/channels/{channel}/photos", Some(Upload), none.clone()),
        ("post", "/channels/{channel}/photos.import", Some(Edit), none.clone()),
        ("get", "/channels/{channel}/photos/{photo}", Some(Read), none.clone()),
        ("patch", "/channels/{channel}/photos/{photo}", Some(Edit), json!({ "disputed": true })),
        ("delete", "/channels/{channel}/photos/{photo}", Some(Edit), none.clone()),
        ("get", "/channels/{channel}/photos/{photo}/file", Some(Read), none.clone()),
        ("get", "/channels/{channel}/photos/{photo}/thumbnail", Some(Fetch), none.clone()),
        ("post", "/channels/{channel}/photos/{photo}/confirmation", Some(Edit), json!({ "product": "apple" })),
        ("get", "/channels/{channel}/confirmations", Some(Read), none.clone()),
        ("get", "/channels/{channel}/agreement", Some(Read), none.clone()),
        ("get", "/channels/{channel}/sales", Some(Read), none.clone()),
        ("post", "/channels/{channel}/sales", Some(Report), super::devices::sale(1.0)),
        ("get", "/channels/{channel}/sales.export", Some(Read), none.clone()),
        ("post", "/channels/{channel}/lessons", Some(Report), none.clone()),
        ("post", "/channels/{channel}/feedback", Some(Report), json!({ "version": "v1" })),
        ("get", "/channels/{channel}/series", Some(Read), none.clone()),
        ("post", "/channels/{channel}/predict", Some(Predict), none.clone()),
        ("post", "/channels/{channel}/predict/batch", Some(Predict), none.clone()),
        ("post", "/predict", Some(Predict), none.clone()),
        ("get", "/jobs", Some(Read), none.clone()),
        ("get", "/jobs/{job}", Some(Read), none.clone()),
        ("get", "/jobs/{job}/events", Some(Read), none.clone()),
        ("get", "/jobs/{job}/ws", Some(Read), none.clone()),
        ("post", "/jobs/{job}/cancel", Some(Train), none.clone()),
        ("get", "/channels/{channel}/jobs", Some(Read), none.clone()),
        ("post", "/channels/{channel}/train", Some(Train), none.clone()),
        ("post", "/channels/{channel}/backbone-trials", Some(Train), json!({ "backbones": ["embedded"] })),
        ("post", "/channels/{channel}/import-model", Some(Train), none.clone()),
        ("get", "/backbones", Some(Read), none.clone()),
        ("post", "/backbones/{name}/fetch", Some(Train), none.clone()),
        ("get", "/channels/{channel}/models", Some(Read), none.clone()),
        ("get", "/channels/{channel}/models/compare", Some(Read), none.clone()),
        ("get", "/channels/{channel}/models/{version}", Some(Read), none.clone()),
        ("get", "/channels/{channel}/models/{version}/report.json", Some(Trace), none.clone()),
        ("get", "/channels/{channel}/models/{version}/report.html", Some(Trace), none.clone()),
        ("post", "/channels/{channel}/models/{version}/rollback", Some(Train), none.clone()),
        ("post", "/channels/{channel}/candidate/promote", Some(Train), none.clone()),
        ("post", "/channels/{channel}/candidate/withdraw", Some(Train), none.clone()),
        ("put", "/channels/{channel}/candidate/share", Some(Train), json!({ "share": 0.5 })),
    ];
    rows.into_iter().map(|(method, path, needs, body)| ((method, path), (needs, body))).collect()
}

/// Sessions end themselves; everybody who has one may.
const OWN: [(&str, &str); 1] = [("delete", "/session")];

#[tokio::test]
async fn every_endpoint_refuses_those_who_may_not_and_nobody_else() {
    let service = Service::with(&[("JICHO_ACCESS_REFUSALS_PER_MINUTE", "0")]).await;
    let document = serde_json::to_value(http::document()).unwrap();
    let rows = operations();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.strip_prefix(http::API).unwrap();
            let known = rows.contains_key(&(method.as_str(), path)) || OWN.contains(&(method.as_str(), path));
            assert!(known, "say here who may {method} {path}");
        }
    }
    for ((method, path), (needs, body)) in rows {
        let verb: Method = method.to_uppercase().parse().unwrap();
        let Some(needs) = needs else {
            let answer = service.call(verb, path, "", body).await;
            assert_ne!(answer.status, 403, "{method} {path}");
            continue;
        };
        let query = match path {
            "/predict" => "?channel=T_1",
            "/channels/{channel}/models/compare" => "?a=1&b=2",
            _ => "",
        };
        let nobody = service.call(verb.clone(), path, "", body.clone()).await;
        assert_eq!(nobody.status, 401, "{method} {path} without a key");
        for role in Role::ALL {
            fresh(&service).await;
            let key = service.key(role, &[]).await;
            let path = path.replace("{channel}", "T_1").replace("{product}", "apple") + query;
            let answer = service.call(verb.clone(), &path, &key, body.clone()).await;
            let refused = answer.status == 403;
            assert_eq!(refused, !role.may(needs), "{method} {path} as {role:?}: {}", answer.status);
            assert!(!answer.status.is_server_error(), "{method} {path} as {role:?}");
        }
    }
}

/// The channel and the product that the operations are about.
async fn fresh(service: &Service) {
    service.post("/channels", json!({ "id": "T_1" })).await;
    service.post("/channels/T_1/products", json!({ "id": "apple", "name": "apple" })).await;
}
