//! Names that are none.

use serde_json::{Value, json};

use crate::Quiet;

#[tokio::test]
async fn names_that_are_none_are_422_and_named() {
    let quiet = Quiet::begin().await;
    let long = "x".repeat(101);
    let wide = "é".repeat(101);
    let bad: Vec<Value> =
        ["", " ", "\t\n", "\u{3000}", &long, &wide, "a\u{0}b", "a\nb", "a\u{7f}b", "a\u{85}b", "\u{1b}[31m"]
            .iter()
            .map(|name| json!(name))
            .chain([json!(null), json!(1), json!(true), json!(["A"]), json!({"a": 1})])
            .collect();
    for name in bad {
        for (body, fields) in [
            (json!({"firstName": name, "lastName": "B"}), &["firstName"][..]),
            (json!({"firstName": "A", "lastName": name}), &["lastName"][..]),
            (json!({"firstName": name, "lastName": name}), &["firstName", "lastName"][..]),
        ] {
            quiet.api.post_json("/user/v1/users", &body).await.refuses(422, fields);
            let mut body = body;
            body["id"] = json!(quiet.person);
            quiet.api.put_json(&quiet.user_path(), &body).await.refuses(422, fields);
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn names_that_are_missing_are_422_and_named() {
    let quiet = Quiet::begin().await;
    for (body, fields) in [
        (json!({}), &["firstName", "lastName"][..]),
        (json!({"firstName": "A"}), &["lastName"][..]),
        (json!({"lastName": "B"}), &["firstName"][..]),
        (json!({"firstname": "A", "last_name": "B"}), &["firstName", "lastName"][..]),
    ] {
        quiet.api.post_json("/user/v1/users", &body).await.refuses(422, fields);
        quiet.api.put_json(&quiet.user_path(), &body).await.refuses(422, fields);
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_bad_name_is_refused_for_people_who_do_not_exist_as_well() {
    let quiet = Quiet::begin().await;
    let path = format!("/user/v1/users/{}", (1_u64 << 53) - 1);
    quiet.api.put_json(&path, &json!({"firstName": "", "lastName": "B"})).await.refuses(422, &["firstName"]);
    quiet.end().await;
}
