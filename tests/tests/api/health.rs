//! The health routes of a healthy system.

use tests::running::shared_api;

#[tokio::test]
async fn all_three_services_say_up() {
    let api = shared_api();
    for service in ["user", "friend", "recommendation"] {
        let answer = api.get(&format!("/{service}/actuator/health")).await.is(200);
        assert_eq!(answer.json()["status"], "UP");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}
