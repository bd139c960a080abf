//! Bodies that are no JSON, not UTF-8, of another shape, or not said to be JSON.

use reqwest::Method;
use tests::answer::Answer;
use tests::api::JSON;

use crate::Quiet;

/// To both routes that take a body.
async fn to_both(quiet: &Quiet, media_type: Option<&str>, body: &[u8]) -> [Answer; 2] {
    let send = async |method: Method, path: &str| {
        let mut request = quiet.api.request(method, path).body(body.to_vec());
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        quiet.api.send(request).await
    };
    [send(Method::POST, "/user/v1/users").await, send(Method::PUT, &quiet.user_path()).await]
}

#[tokio::test]
async fn malformed_json_is_400() {
    let quiet = Quiet::begin().await;
    let deep = "[".repeat(60_000);
    let bodies: [&[u8]; 15] = [
        b"\"id\" 1",
        b"",
        b" ",
        b"{",
        b"{]",
        b"}",
        b"nul",
        b"{\"firstName\":\"A\",\"lastName\":\"B\"",
        b"{\"firstName\":\"A\",\"lastName\":\"B\",}",
        b"{\"firstName\":\"A\",\"lastName\":\"B\"} trailing",
        b"{'firstName':'A','lastName':'B'}",
        b"{\"firstName\":\"A\x00\",\"lastName\":\"B\"}",
        b"{\"firstName\":\"\\uD800\",\"lastName\":\"B\"}",
        b"firstName=A&lastName=B",
        deep.as_bytes(),
    ];
    for body in bodies {
        for answer in to_both(&quiet, Some(JSON), body).await {
            assert_eq!(answer.is(400).json()["type"], "/problems/malformed-request");
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn what_is_not_utf_8_is_400() {
    let quiet = Quiet::begin().await;
    let bodies: [&[u8]; 5] = [
        b"{\"firstName\":\"\xff\",\"lastName\":\"B\"}",
        b"{\"firstName\":\"\xc3\",\"lastName\":\"B\"}",
        b"{\"firstName\":\"\xed\xa0\x80\",\"lastName\":\"B\"}",
        b"\xff\xfe{\x00}\x00",
        b"\x80",
    ];
    for body in bodies {
        for answer in to_both(&quiet, Some(JSON), body).await {
            assert!(answer.is(400).json()["detail"].as_str().unwrap().contains("UTF-8"));
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn json_of_another_shape_is_422() {
    let quiet = Quiet::begin().await;
    for body in ["null", "1", "\"text\"", "[1,2,3]", "true", "[\"A\"]"] {
        for answer in to_both(&quiet, Some(JSON), body.as_bytes()).await {
            let problem = answer.refuses(422, &["body"]).json();
            assert_eq!(problem["type"], "/problems/invalid-fields");
            assert_eq!(problem["errors"][0]["detail"], "must be a JSON object");
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn an_array_is_not_a_person() {
    let quiet = Quiet::begin().await;
    for body in ["[]", "[null,\"A\",\"B\"]", "[1,\"A\",\"B\"]"] {
        for answer in to_both(&quiet, Some(JSON), body.as_bytes()).await {
            assert!([400, 422].contains(&answer.status), "{answer}");
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    let quiet = Quiet::begin().await;
    let body = br#"{"firstName":"A","firstName":"C","lastName":"B"}"#;
    for answer in to_both(&quiet, Some(JSON), body).await {
        assert!([400, 422].contains(&answer.status), "{answer}");
    }
    quiet.end().await;
}

#[tokio::test]
async fn another_media_type_or_none_is_415() {
    let quiet = Quiet::begin().await;
    let body = br#"{"firstName":"A","lastName":"B"}"#;
    let others = ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json", "", ";", "*/*"];
    for media_type in others.map(Some).into_iter().chain([None]) {
        for answer in to_both(&quiet, media_type, body).await {
            assert_eq!(answer.is(415).json()["type"], "/problems/unsupported-media-type");
        }
    }
    quiet.end().await;
}
