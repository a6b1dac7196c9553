//! The audit log tells every change, and shows when somebody changed it.

use super::*;

async fn tamper(service: &Service, sql: &'static str) {
    let mut write = service.app.database.write().await.unwrap();
    sqlx::query(sql).execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
}

async fn broken(service: &Service) -> Value {
    service.get("/audit/verification").await.expect(200)["broken"].clone()
}

#[tokio::test]
async fn changes_are_told_with_who_and_what() {
    let service = Service::new().await;
    service.shop(&["apple"]).await;
    let page = service.get("/audit?limit=2").await.expect(200);
    let items = page["items"].as_array().unwrap();
    assert_eq!((&items[0]["action"], &items[0]["resource"]), (&json!("product.create"), &json!("T_1/apple")));
    assert_eq!(items[1]["action"], "channel.create");
    assert!(service.admin.starts_with(items[0]["actor"].as_str().unwrap()));
    assert_eq!(items[0]["address"].as_str().unwrap().len(), 16);
    let next = service.get(&format!("/audit?after={}", page["next"].as_str().unwrap())).await.expect(200);
    assert_eq!(next["items"][0]["action"], "key.create");
    service.get("/audit?limit=0").await.expect(400);
}

#[tokio::test]
async fn a_changed_missing_or_cut_off_record_is_found() {
    let sealing = [("JICHO_RETENTION_AUDIT_SEGMENT", "10")];
    for (sql, at) in [
        ("UPDATE audit SET actor = 'x' WHERE seq = 7", 7),
        ("UPDATE audit SET details = '{}' WHERE seq = 13", 13),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq > 18", 19),
        ("DELETE FROM audit WHERE segment = 1", 1),
        ("UPDATE audit_segments SET head = 'x' WHERE segment = 1", 11),
    ] {
        let service = Service::with(&sealing).await;
        service.shop(&[]).await;
        for index in 0..23 {
            let product = json!({ "name": format!("product {index}") });
            service.post("/channels/T_1/products", product).await.expect(201);
        }
        assert_eq!(broken(&service).await, Value::Null);
        tamper(&service, sql).await;
        assert_eq!(broken(&service).await, at, "{sql}");
    }
}

#[tokio::test]
async fn sealed_heads_outlast_a_rewritten_database() {
    let service = Service::with(&[("JICHO_RETENTION_AUDIT_SEGMENT", "10")]).await;
    service.shop(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]).await;
    super::super::audit::export_heads(&service.app).await.unwrap();
    let file = service.data().join("audit/00000001.json");
    assert!(file.is_file());
    assert_eq!(broken(&service).await, Value::Null);
    let text = std::fs::read_to_string(&file).unwrap().replace("\"lastSeq\":10", "\"lastSeq\":9");
    std::fs::write(&file, text).unwrap();
    assert_eq!(broken(&service).await, 1);
}

#[tokio::test]
async fn retention_drops_whole_sealed_segments_and_the_chain_still_holds() {
    let service = Service::with(&[("JICHO_RETENTION_AUDIT_SEGMENT", "10")]).await;
    service.shop(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]).await;
    service.pass(8 * 365 * 24 * 60 * MINUTE);
    super::super::upkeep::retention(&service.app).await.unwrap();
    let verified = service.get("/audit/verification").await.expect(200);
    assert_eq!(verified["whole"], true, "{verified}");
    let left = service.get("/audit?limit=500").await.expect(200);
    let oldest = left["items"].as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap();
    assert_eq!(oldest, 11, "the open segment stays, and the sealed one is gone");
}
