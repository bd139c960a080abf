//! The service map: what spin.toml says, and what is so now.

use std::collections::BTreeMap;

use domain::event::Stream;
use reqwest::Method;
use serde_json::{Value, json};
use tests::manifest;
use tests::patience::{eventually, holds};
use tests::running::{shared, shared_api, shared_store};
use tests::store::ask;

const PATH: &str = "/services";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn words(list: &toml::Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

#[tokio::test]
async fn components_are_those_of_the_manifest() {
    let manifest: toml::Table = toml::from_str(&manifest::text()).expect("spin.toml");
    let map = shared_api().get(PATH).await.is(200).json();
    assert_eq!(map["application"], manifest["application"]["name"].as_str().expect("a name"));
    assert_eq!(map["version"], manifest["application"]["version"].as_str().expect("a version"));
    let contexts = &shared().addresses().contexts;
    let addresses = BTreeMap::from([
        ("redis://{{ user_redis_host }}", format!("redis://{}", contexts.user.address())),
        ("redis://{{ friend_redis_host }}", format!("redis://{}", contexts.friend.address())),
        ("redis://{{ view_redis_host }}", format!("redis://{}", contexts.view.address())),
        ("{{ user_service_url }}", shared().url()),
        ("{{ worker_url }}", shared().worker_url()),
    ]);
    let of_triggers = |kind: &str, key: &str, id: &str| -> Vec<Value> {
        let all = manifest["trigger"][kind].as_array().expect("triggers");
        let own = all.iter().filter(|trigger| trigger["component"].as_str() == Some(id));
        own.map(|trigger| json!(trigger[key].as_str())).collect()
    };
    let components = map["components"].as_array().expect("components");
    let ids: Vec<&str> = components.iter().filter_map(|component| component["id"].as_str()).collect();
    let mut declared: Vec<&str> =
        manifest["component"].as_table().expect("components").keys().map(String::as_str).collect();
    declared.sort_unstable();
    assert_eq!(ids, declared);
    for component in components {
        let id = component["id"].as_str().expect("an id");
        assert_eq!(component["routes"], json!(of_triggers("http", "route", id)), "{id}");
        assert_eq!(component["channels"], json!(of_triggers("redis", "channel", id)), "{id}");
        let may: Vec<&str> = words(&manifest["component"][id]["allowed_outbound_hosts"]);
        let may: Vec<&String> = may.iter().map(|host| &addresses[host]).collect();
        let shown: Vec<&Value> =
            component["reaches"].as_array().expect("a list").iter().map(|part| &part["address"]).collect();
        assert_eq!(json!(shown), json!(may), "{id}");
        assert_eq!((&component["status"], &component["version"]), (&json!("UP"), &map["version"]), "{id}");
    }
}

#[tokio::test]
async fn it_is_true_at_every_moment() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let person = api.person().await;
    let created = person.answer.header("last-event").strip_prefix("user:").expect("a position").to_owned();
    let before: i64 = ask(&mut store.user, "XLEN events:user").await;
    let answer = api.get(PATH).await.is(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let map = answer.json();
    let of = |context: &str| {
        map["redis"].as_array().into_iter().flatten().find(|redis| redis["context"] == context).cloned()
    };
    let user = of("user").expect("its Redis");
    // Others of this binary's tests append at the same time.
    assert!(user["events"].as_i64() >= Some(before), "{user}");
    assert_eq!((&user["status"], &user["role"]), (&json!("UP"), &json!("primary")));
    assert_eq!(user["persistence"], json!({"appendOnly": true, "lastWrite": "ok", "lastSnapshot": "ok"}));
    let info: String = ask(&mut store.user, "INFO server").await;
    assert!(info.contains(&format!("redis_version:{}\r\n", user["version"].as_str().expect("a version"))), "{user}");
    assert!(of("view").is_some_and(|view| view.get("events").is_none()), "the read models' Redis holds no stream");
    eventually("the worker's position", async || {
        let map = api.get(PATH).await.is(200).json();
        let worker = &map["workers"][0];
        let position = worker["user"]["position"].as_str().expect("a position").to_owned();
        let reached = position.parse::<domain::StreamPosition>().expect("a position");
        assert_eq!((&worker["status"], &worker["caughtUp"]), (&json!("UP"), &json!(true)), "{worker}");
        holds(reached >= created.parse().expect("a position"), || format!("{worker} has not reached {created}"))
    })
    .await;
    assert!(Stream::ALL.iter().all(|stream| map["workers"][0][stream.name()]["status"] == "UP"), "{map}");
}

#[tokio::test]
async fn whoever_prefers_html_gets_a_page() {
    let api = shared_api();
    for (accept, html) in [
        (BROWSER, true),
        ("text/html", true),
        ("TEXT/HTML", true),
        ("text/html;q=0.5, application/json;q=0.4", true),
        ("text/*, application/json;q=0.9", true),
        ("application/json", false),
        ("application/json, text/html", false),
        ("text/html;q=0.4, application/json", false),
        ("text/html;q=0", false),
        ("*/*", false),
        ("image/png", false),
        ("", false),
        (";;;,q=,text/html;q=x;q=2", true),
        ("ä, \u{7f}", false),
    ] {
        let request = api.request(Method::GET, PATH).header("accept", accept.as_bytes());
        let Ok(request) = request.build() else { continue };
        let request =
            reqwest::RequestBuilder::from_parts(reqwest::Client::builder().no_proxy().build().unwrap(), request);
        let answer = api.send(request).await.is(200);
        let expected = if html { "text/html; charset=utf-8" } else { "application/json" };
        assert_eq!((answer.header("content-type"), answer.header("vary")), (expected, "accept"), "{accept:?}");
    }
    let page = api.send(api.request(Method::GET, PATH).header("accept", BROWSER)).await;
    let text = String::from_utf8(page.body.clone()).expect("UTF-8");
    for word in ["create-user", "/user/v1/users/:id", "channel events:user", "caughtUp: true", "role: primary"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    // Nothing from elsewhere, nothing that runs.
    for word in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn only_reading_is_allowed_and_nothing_can_be_said() {
    let api = shared_api();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = api.send(api.request(method, PATH).body("{}")).await.is(405);
        assert_eq!(answer.header("allow"), "GET");
    }
    api.head(PATH).await.is(200);
    for path in ["/services?x=1", "/services/?%00", "/services?name=a&name=b"] {
        assert_eq!(api.get(path).await.is(200).json()["status"], "UP", "{path}");
    }
    api.get("/services/create-user").await.is(404);
}
