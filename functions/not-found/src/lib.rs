//! Every path that no other route takes: 404, as a problem like any other.

use http_api::{Problem, Request, Response, http_component};

http_component!(http_api::ANY_METHOD, not_found);

async fn not_found(request: Request) -> Result<Response, Problem> {
    Err(Problem::not_found(format!("no route leads to {}; wit/openapi.yaml lists them all", request.path())))
}
