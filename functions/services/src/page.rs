//! The map as a page: one file, nothing from elsewhere, no script. It loads itself again.

use std::fmt::Write as _;

use http_api::Response;
use serde::Serialize;
use serde_json::Value;

use crate::{
    map::ServiceMap,
    parts::{Asked, Status},
};

/// Seconds between two looks.
const REFRESH: u32 = 5;
/// The page may show itself and nothing else, and be shown nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:75rem}\
    table{border-collapse:collapse;width:100%;margin-bottom:2rem}\
    th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884}\
    .UP{color:#1a7f37}.DEGRADED{color:#9a6700}.DOWN{color:#cf222e;font-weight:bold}\
    :root{color-scheme:light dark}";

/// Whether who asks would rather have HTML than JSON: browsers say so.
pub fn preferred(accept: &str) -> bool {
    quality(accept, "text/html") > quality(accept, "application/json")
}

/// The weight of a media type in an Accept header, in thousandths: of the most specific range that has it.
fn quality(accept: &str, media_type: &str) -> u32 {
    let group = format!("{}/*", media_type.split('/').next().unwrap_or_default());
    let mut best = (0, 0);
    for range in accept.split(',') {
        let mut words = range.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let specific = match name {
            _ if name.eq_ignore_ascii_case(media_type) => 3,
            _ if name.eq_ignore_ascii_case(&group) => 2,
            "*/*" => 1,
            _ => continue,
        };
        let weight = words.find_map(|word| word.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        best = best.max((specific, (weight.clamp(0.0, 1.0) * 1_000.0) as u32));
    }
    best.1
}

pub fn response(map: &ServiceMap) -> Response {
    Response::new(200)
        .header("content-type", "text/html; charset=utf-8")
        .header("content-security-policy", POLICY)
        .body(page(map).into_bytes())
}

fn page(map: &ServiceMap) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"{REFRESH}\">\
         <title>{name}: services</title><style>{STYLE}</style><h1>{name} {version} {status}</h1><p>As of {time}.</p>",
        name = escaped(map.application),
        version = escaped(map.version),
        status = shown(map.status),
        time = text(&map.time),
    );
    components(&mut page, map);
    let rows = map.workers.iter().map(|worker| (String::new(), part(worker)));
    table(&mut page, "Workers", &["", "status", "address", "details"], rows);
    let rows = map.redis.iter().map(|redis| (escaped(redis.context), part(&redis.redis)));
    table(&mut page, "Redis", &["context", "status", "address", "details"], rows);
    page.push_str("</html>\n");
    page
}

fn components(page: &mut String, map: &ServiceMap) {
    let rows = map.components.iter().map(|component| {
        let triggers: Vec<String> = component
            .routes
            .iter()
            .map(|route| escaped(route))
            .chain(component.channels.iter().map(|channel| format!("channel {}", escaped(channel))))
            .collect();
        let reaches: Vec<String> = component
            .reaches
            .iter()
            .map(|reached| format!("{} {} {}", shown(reached.status), reached.part, escaped(&reached.address)))
            .collect();
        let cells = [shown(component.status), triggers.join("<br>"), reaches.join("<br>")];
        (escaped(component.id), cells)
    });
    table(page, "Components", &["component", "status", "answers", "may reach"], rows);
}

/// Status, address, and everything that it said.
fn part<T: Serialize>(asked: &Asked<T>) -> [String; 3] {
    let said = asked.said.as_ref().map(|said| serde_json::to_value(said).unwrap_or_default());
    let mut details: Vec<String> = asked.detail.iter().map(|detail| escaped(detail)).collect();
    if let Some(Value::Object(members)) = said {
        details.extend(members.iter().map(|(name, value)| format!("{}: {}", escaped(name), text(value))));
    }
    [shown(asked.status), escaped(&asked.address), details.join("<br>")]
}

fn table(page: &mut String, title: &str, heads: &[&str], rows: impl Iterator<Item = (String, [String; 3])>) {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let _ = write!(page, "<h2>{title}</h2><table><tr>{heads}</tr>");
    for (first, rest) in rows {
        let rest: String = rest.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = write!(page, "<tr><td>{first}</td>{rest}</tr>");
    }
    page.push_str("</table>");
}

fn shown(status: Status) -> String {
    let word = text(&status);
    format!("<span class=\"{word}\">{word}</span>")
}

/// A value as a person reads it: text without quotes, an object by its members.
fn text(value: &impl Serialize) -> String {
    match serde_json::to_value(value).unwrap_or_default() {
        Value::String(text) => escaped(&text),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{} {}", escaped(name), text(value)));
            members.collect::<Vec<_>>().join(", ")
        }
        other => escaped(&other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
