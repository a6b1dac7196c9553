//! Answers of the service are those of the library on the same bytes.

use super::*;

#[tokio::test]
async fn a_channel_without_a_model_says_so() {
    let service = Service::new().await;
    service.shop(&[]).await;
    let answer = service.post("/channels/T_1/predict", json!({ "image": "" })).await;
    assert_eq!(answer.status, 404, "{}", String::from_utf8_lossy(&answer.body));
}
