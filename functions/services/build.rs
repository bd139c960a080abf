//! Takes from spin.toml what the service map says of each component, so that it is what the manifest says.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path};

use toml::{Table, Value};

const MANIFEST: &str = "../../spin.toml";

/// What a component may reach, and how src/parts.rs calls it.
const PARTS: [(&str, &str); 5] = [
    ("redis://{{ user_redis_host }}", "UserRedis"),
    ("redis://{{ friend_redis_host }}", "FriendRedis"),
    ("redis://{{ view_redis_host }}", "ViewRedis"),
    ("{{ user_service_url }}", "UserService"),
    ("{{ worker_url }}", "Worker"),
];

fn main() {
    println!("cargo::rerun-if-changed={MANIFEST}");
    println!("cargo::rerun-if-changed=build.rs");
    let text = fs::read_to_string(MANIFEST).unwrap_or_else(|e| panic!("{MANIFEST}: {e}"));
    let manifest: Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{MANIFEST}: {e}"));
    let routes = triggers(&manifest, "http", "route");
    let channels = triggers(&manifest, "redis", "channel");
    let application = |key: &str| manifest["application"][key].as_str().unwrap_or_default().to_owned();
    let mut code = format!(
        "pub const APPLICATION: &str = {:?};\npub const VERSION: &str = {:?};\npub const COMPONENTS: &[Component] = &[\n",
        application("name"),
        application("version")
    );
    for (id, component) in manifest["component"].as_table().expect("spin.toml has components") {
        let of = |triggers: &BTreeMap<String, Vec<String>>| triggers.get(id).cloned().unwrap_or_default();
        let reaches: Vec<String> = texts(&component["allowed_outbound_hosts"]).map(|host| part(id, host)).collect();
        let (routes, channels, reaches) = (of(&routes), of(&channels), reaches.join(", "));
        writeln!(
            code,
            "    Component {{ id: {id:?}, routes: &{routes:?}, channels: &{channels:?}, reaches: &[{reaches}] }},"
        )
        .expect("a String takes everything");
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("manifest.rs"), code).expect("OUT_DIR is writable");
}

/// By component, the values of `key` of its triggers, in their order.
fn triggers(manifest: &Table, kind: &str, key: &str) -> BTreeMap<String, Vec<String>> {
    let mut by_component: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for trigger in manifest["trigger"][kind].as_array().into_iter().flatten() {
        let text = |key: &str| trigger[key].as_str().unwrap_or_else(|| panic!("trigger.{kind}: {key}")).to_owned();
        by_component.entry(text("component")).or_default().push(text(key));
    }
    by_component
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn part(component: &str, host: &str) -> String {
    let known = PARTS.iter().find(|(template, _)| *template == host);
    let (_, part) = known.unwrap_or_else(|| {
        panic!(
            "[component.{component}] may reach {host:?}, which the service map cannot ask: add it to functions/services"
        )
    });
    format!("Part::{part}")
}
