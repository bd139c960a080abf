//! The two questions: whom may a person know, and whom do two people both know.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::User;
use serde::Serialize;

use super::parameters::{self, Parameters};
use super::problem::Problem;
use super::{Id, JSON, Shared};
use crate::graph::{Question, Rank, Recommended};
use crate::queries::Named;
use crate::view::Positions;

/// Names the newest event of each stream that an answer includes.
pub const LAST_EVENT: HeaderName = HeaderName::from_static("last-event");

#[derive(Serialize)]
struct Candidate<'a> {
    user: &'a User,
    weight: Weight,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Weight {
    Whole(u64),
    Fraction(f64),
}

impl Weight {
    fn of(rank: Rank, one: &Recommended) -> Self {
        match rank {
            Rank::Mutual => Self::Whole(one.score().numerator),
            Rank::AdamicAdar | Rank::Jaccard => Self::Fraction(one.score().value()),
        }
    }
}

pub async fn recommendations(State(api): Shared, id: Id, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref());
    let rank = parameters.rank();
    let after = parameters.standing(rank.as_ref().copied().unwrap_or_default());
    let ((id, limit, events), (rank, after)) = parameters::both(
        parameters::all3(parameters::id(id), parameters.limit(100), parameters.after()),
        parameters::all2(rank, after),
    )?;
    api.wait_for(events).await?;
    // One more than asked for says whether there is another page.
    let question = Question { id, rank, limit: limit + 1, after };
    let mut answer = api.queries.recommend(question).await.map_err(|error| api.problem(error))?;
    let next = next_page(&mut answer.value, limit, |last| {
        format!("cursor={}.{}&limit={limit}&rank={}", rank.name(), last.standing, rank.name())
    });
    let candidate = |one: &Named<Recommended>| Weight::of(rank, &one.what);
    let value: Vec<_> = answer.value.iter().map(|one| Candidate { user: &one.user, weight: candidate(one) }).collect();
    Ok(page(&value, answer.positions, next))
}

pub async fn mutual_friends(State(api): Shared, id: Id, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref());
    let id = parameters::id(id);
    let friend = parameters.friend(id.as_ref().ok().copied());
    let ((id, friend, events), (limit, after)) = parameters::both(
        parameters::all3(id, friend, parameters.after()),
        parameters::all2(parameters.limit(parameters::MAX_LIMIT), parameters.after_id()),
    )?;
    api.wait_for(events).await?;
    let found = api.queries.mutual_friends([id, friend], limit + 1, after).await;
    let mut answer = found.map_err(|error| api.problem(error))?;
    let next =
        next_page(&mut answer.value, limit, |last| format!("friendId={friend}&cursor={}&limit={limit}", last.id));
    let value: Vec<&User> = answer.value.iter().map(|one| &one.user).collect();
    Ok(page(&value, answer.positions, next))
}

/// Cuts a list to its page; the query string of the next one if there is more.
fn next_page<T>(found: &mut Vec<Named<T>>, limit: usize, query: impl FnOnce(&T) -> String) -> Option<String> {
    if found.len() <= limit {
        return None;
    }
    found.truncate(limit);
    found.last().map(|last| query(&last.what))
}

fn page<T: Serialize>(value: &[T], positions: Positions, next: Option<String>) -> Response {
    let Ok(body) = serde_json::to_vec(value) else {
        tracing::error!("an answer is no JSON");
        return Problem::internal().into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.extend(HeaderValue::try_from(positions.to_string()).map(|value| (LAST_EVENT, value)));
    // Without a path: this API is reached under another one from outside (RFC 3986, 5.2.2).
    let link = next.map(|query| HeaderValue::try_from(format!("<?{query}>; rel=\"next\"")));
    headers.extend(link.into_iter().flatten().map(|value| (header::LINK, value)));
    (headers, body).into_response()
}
