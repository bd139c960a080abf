//! Asking the user service whether a person exists.

use domain::UserId;

use crate::{Problem, get, setting};

/// Whether the user service knows this person. Errors: 503 when it does not answer.
pub async fn person_exists(id: UserId) -> Result<bool, Problem> {
    let url = setting("user_service_url").await?;
    let away = |detail: String| {
        eprintln!("user service at {url}: {detail}");
        Problem::unavailable(format!("person {id} is not known here yet, and the user service does not answer"))
    };
    let answer = get(&url, &format!("/user/v1/users/{id}")).await.map_err(away)?;
    match answer.get_status_code() {
        200 => Ok(true),
        404 => Ok(false),
        other => Err(away(format!("status {other}"))),
    }
}

pub fn unknown_person(id: UserId) -> Problem {
    Problem::not_found(format!("there is no person {id}"))
}
