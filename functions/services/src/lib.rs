//! `GET /services`: what runs, what it may reach, and whether that is up, now. JSON; a page for whoever prefers HTML.
//!
//! Nothing is kept: every part is asked for every answer, all at once, each for no longer than [`parts::PATIENCE`]. A part
//! that is down is shown as such, with status 200: the map itself is fine.

mod manifest;
mod map;
mod page;
mod parts;

use http_api::{Problem, Request, Response, http_component};
use map::ServiceMap;
use parts::Parts;

http_component!(&["GET"], services);

async fn services(request: Request) -> Result<Response, Problem> {
    let map = ServiceMap::of(Parts::ask().await);
    let response = match request.header_list("accept") {
        Some(accept) if page::preferred(&accept) => page::response(&map),
        _ => Response::json(&map),
    };
    Ok(response.header("cache-control", "no-store").header("vary", "accept"))
}
