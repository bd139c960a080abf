//! The embedded runtime's metrics: each figure is caused, and then it is there.

use dev::{Options, Part};
use reqwest::Method;
use serde_json::json;
use tests::exposition::Scrape;
use tests::manifest::{self, Copy};
use tests::patience::{eventually, holds};
use tests::running::{Own, options, shared, shared_api};

async fn scrape(system: &dev::System) -> Scrape {
    Scrape::of(&system.metrics_url().expect("the embedded runtime serves them")).await
}

const REQUESTS: &str = "runtime_http_requests_total";
const PROBLEMS: &str = "runtime_http_problems_total";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_by_component_route_method_and_status() {
    let own = Own::start().await;
    let api = own.api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    api.add_friend(b, a).await.is(409);
    api.user(a).await.is(200);
    api.head(&format!("/user/v1/users/{a}")).await.is(200);
    api.user(999).await.is(404);
    api.post_json("/user/v1/users", &json!({})).await.is(422);
    api.send(api.request(Method::PATCH, "/nowhere")).await.is(404);
    let seen = scrape(&own).await;
    let requests = |component, route, method, status| {
        let labels = [("component", component), ("route", route), ("method", method), ("status", status)];
        seen.sum(REQUESTS, &labels)
    };
    const FRIEND: &str = "/friend/v1/users/:id/commands/addFriend";
    assert_eq!(requests("create-user", "/user/v1/users", "POST", "201"), 2.0);
    assert_eq!(requests("create-user", "/user/v1/users", "POST", "422"), 1.0);
    assert_eq!(requests("add-friend", FRIEND, "POST", "201"), 1.0);
    assert_eq!(requests("add-friend", FRIEND, "POST", "409"), 1.0);
    // The friend service asks there, too, for whom it has not heard of.
    assert!(requests("user", "/user/v1/users/:id", "GET", "200") >= 1.0);
    assert_eq!(requests("user", "/user/v1/users/:id", "HEAD", "200"), 1.0);
    assert_eq!(requests("not-found", "/...", "other", "404"), 1.0);
    let reason = |component, reason| seen.sum(PROBLEMS, &[("component", component), ("reason", reason)]);
    assert_eq!(reason("add-friend", "already-friends"), 1.0);
    assert_eq!(reason("user", "not-found"), 1.0);
    assert_eq!(reason("create-user", "invalid-fields"), 1.0);
    let took = seen.sum("runtime_http_request_duration_seconds_count", &[("component", "create-user")]);
    let within = [("component", "create-user"), ("le", "+Inf")];
    assert_eq!((took, seen.sum("runtime_http_request_duration_seconds_bucket", &within)), (3.0, 3.0));
    assert!(seen.sum("runtime_http_request_duration_seconds_sum", &[("component", "create-user")]) > 0.0);
    assert_eq!(seen.sum("runtime_http_requests_in_flight", &[]), 0.0);
    assert!(seen.sum("runtime_http_connections", &[]) >= 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_and_what_they_call_are_counted() {
    let own = Own::start().await;
    let api = own.api();
    // The connection is kept, so one thread answers all.
    for _ in 0..5 {
        api.person().await;
    }
    let of = [("component", "create-user")];
    let seen = scrape(&own).await;
    let (created, reused) =
        (seen.sum("runtime_instances_created_total", &of), seen.sum("runtime_instance_reuses_total", &of));
    assert_eq!(created + reused, 5.0, "each request takes a new instance or one that was there");
    assert!(created >= 1.0 && reused >= 1.0, "{created} new, {reused} times again");
    // An append is one command, and the script is sent once.
    assert!(seen.sum("runtime_redis_commands_total", &of) >= 5.0);
    assert!(seen.sum("runtime_redis_command_duration_seconds_count", &of) >= 5.0);
    assert_eq!(seen.sum("runtime_instance_traps_total", &[]) + seen.sum("runtime_timeouts_total", &[]), 0.0);
    assert!(seen.sum("process_resident_memory_bytes", &[]) > 10e6);
    assert!(seen.sum("process_cpu_seconds_total", &[]) > 0.0);
    api.recommendations(1, "").await.is(200);
    assert_eq!(scrape(&own).await.sum("runtime_outbound_http_requests_total", &[("component", "recommendation")]), 1.0);

    // A live tail keeps its instance alive; when nothing is asked any more, none is left.
    let tail = api.open(api.request(Method::GET, "/events/v1/user/live")).await;
    let alive = scrape(&own).await;
    assert_eq!(alive.sum("runtime_http_streams", &[]), 1.0);
    assert_eq!(alive.sum("runtime_instances", &[("component", "events")]), 1.0);
    assert!(alive.sum("runtime_instance_memory_bytes", &[("component", "events")]) >= 65_536.0);
    drop(tail);
    eventually("the end of all instances", async || {
        let seen = scrape(&own).await;
        let left = ["runtime_instances", "runtime_instance_memory_bytes", "runtime_http_streams"];
        let left = left.map(|name| seen.sum(name, &[]));
        holds(left == [0.0; 3], || format!("{left:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rings_are_counted_by_channel_and_component() {
    let own = Own::start().await;
    let api = own.api();
    let before = scrape(&own).await;
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    for (channel, components) in [
        ("events:user", &["project-people", "project-directory", "project-activity", "project-stats"][..]),
        ("events:friend", &["project-activity", "project-stats"]),
    ] {
        eventually(channel, async || {
            let now = scrape(&own).await;
            let more = |name, labels: &[(&str, &str)]| now.sum(name, labels) - before.sum(name, labels);
            let rung = more("runtime_rings_received_total", &[("channel", channel)]);
            let handled = components.iter().map(|component| {
                more("runtime_rings_handled_total", &[("channel", channel), ("component", component)])
            });
            let handled: Vec<f64> = handled.collect();
            let all = rung >= 1.0 && handled.iter().all(|handled| *handled >= 1.0);
            holds(all, || format!("{rung} rings, {handled:?} handled"))
        })
        .await;
    }
    let now = scrape(&own).await;
    assert_eq!(now.sum("runtime_rings_failed_total", &[]), 0.0);
    let took = now.sum("runtime_ring_duration_seconds_count", &[]);
    assert!(took >= now.sum("runtime_rings_handled_total", &[]) - 6.0, "{took}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_a_scrape_says_so() {
    let own = Own::start().await;
    let api = own.api();
    let a = api.person().await.id;
    let ups = async || {
        let seen = scrape(&own).await;
        let subscriptions = seen.matching("runtime_subscription_up", &[]);
        let up = subscriptions.iter().filter(|sample| sample.value == 1.0).count();
        (subscriptions.len(), up, seen.sum("runtime_redis_connections", &[]))
    };
    let (subscriptions, up, connections) = ups().await;
    assert!(subscriptions == 2 && up == 2 && connections >= 1.0, "{subscriptions} {up} {connections}");
    own.kill(Part::Redis).await;
    eventually("that it is away", async || {
        let seen = ups().await;
        holds(seen == (2, 0, 0.0), || format!("{seen:?}"))
    })
    .await;
    api.user(a).await.is(503);
    let seen = scrape(&own).await;
    let errors = seen.sum("runtime_redis_command_errors_total", &[("component", "user"), ("kind", "connection")]);
    assert!(errors >= 1.0, "{errors}");
    assert_eq!(seen.sum(PROBLEMS, &[("component", "user"), ("reason", "unavailable"), ("status", "503")]), 1.0);
    own.bring_back(Part::Redis).await;
    api.user(a).await.is(200);
    eventually("that it is back", async || {
        let seen = ups().await;
        holds(seen.0 == 2 && seen.1 == 2 && seen.2 >= 1.0, || format!("{seen:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_component_may_not_reach_is_counted_as_denied() {
    let text = manifest::with_allowed_hosts(&manifest::text(), "user", "[]");
    let copy = Copy::of(&text);
    let own = Own::start_unhealthy(Options { manifest: copy.path.clone(), ..options() }).await;
    let api = own.api();
    eventually("an answer", async || api.try_send(api.request(Method::GET, "/user/v1/users/1")).await.map(drop)).await;
    let denied = [("component", "user"), ("kind", "denied")];
    assert!(scrape(&own).await.sum("runtime_redis_command_errors_total", &denied) >= 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_of_metrics_has_nothing_else() {
    let url = shared().metrics_url().expect("the embedded runtime serves them");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let root = url.trim_end_matches("/metrics");
    for path in ["/", "/metrics/", "/user/v1/users/1", "/.well-known/spin/health"] {
        assert_eq!(client.get(format!("{root}{path}")).send().await.expect("an answer").status(), 404, "{path}");
    }
    let answer = client.post(&url).body("x").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"GET, HEAD".parse().expect("a value")));
    let head = client.head(&url).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.text().await.expect("nothing")), (200, String::new()));
    shared_api().get("/metrics").await.is(404);
    // What Spin answers itself is no component's.
    let health = client.get(format!("{}/.well-known/spin/health", shared().url())).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    let own = [("component", "(runtime)"), ("route", "(none)"), ("status", "200")];
    assert!(scrape(shared()).await.sum(REQUESTS, &own) >= 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_metrics_everything_is_answered_as_with_them() {
    let own = Own::start_with(Options { metrics_port: None, ..options() }).await;
    assert!(own.metrics_url().is_none());
    let api = own.api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    api.add_friend(b, a).await.is(409);
    api.user(999).await.is(404);
    api.send(api.request(Method::PATCH, "/nowhere")).await.is(404);
    // The doorbells ring as well.
    eventually("they are counted", async || {
        let stats = api.get("/stats/v1").await.is(200).json();
        holds(stats["users"] == 2 && stats["friendships"] == 1, || stats.to_string())
    })
    .await;
}
