//! Requests of one thread, by route, method and status; and why some were refused.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use http::{Method, Response};

use super::ComponentMetrics;
use super::cells::{Count, Level, now};
use crate::response_body::ResponseBody;

/// The methods that are told apart; all others are the last.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"];
/// Statuses have three digits, and begin with 1 to 9.
const STATUSES: usize = 900;
const FIRST_STATUS: u16 = 100;
/// nginx's number for a client that went away before it was answered.
const CLIENT_WENT_AWAY: u16 = 499;
/// A problem of the components' own, as they write it: its type is the first member.
const PROBLEM: &[u8] = br#"{"type":"/problems/"#;
/// Longer names of problems are none of ours.
const MAX_REASON: usize = 40;
/// Reasons of all components together. There are some twenty; a component that makes them up is stopped here.
const MAX_REASONS: usize = 200;

/// Why the host itself refused, in an answer of its own.
#[derive(Clone, Copy)]
pub struct Reason(pub &'static str);

/// By status. Made with the first request of its route and method: most of the possible ones never come.
type ByStatus = OnceLock<Box<[Count]>>;

pub struct Requests {
    /// By route, and last those that no component gets.
    routes: Box<[[ByStatus; METHODS.len()]]>,
    pub in_flight: Level,
    /// Only refused requests come here, and only a scrape comes from elsewhere.
    problems: Mutex<Vec<Problem>>,
}

/// Answers of one component that gave the same reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// None: the host's own answer to a path that no component has.
    pub component: Option<usize>,
    pub status: u16,
    pub reason: String,
    pub count: u64,
}

impl Requests {
    pub fn new(routes: usize) -> Self {
        let routes = (0..=routes).map(|_| Default::default()).collect();
        Self { routes, in_flight: Level::default(), problems: Mutex::default() }
    }

    pub fn begin(&self, method: &Method) -> Asked<'_> {
        self.in_flight.add(1);
        let method = method_index(method);
        Asked { requests: self, method, began: now(), target: None, answered: false }
    }

    fn count(&self, route: usize, method: usize, status: u16) {
        let by_status = self.routes[route][method].get_or_init(|| (0..STATUSES).map(|_| Count::default()).collect());
        // hyper's own statuses are within.
        if let Some(count) = by_status.get(usize::from(status.saturating_sub(FIRST_STATUS))) {
            count.inc();
        }
    }

    /// Calls `each` with what has been counted: the route's index, the method's index, the status and the count.
    pub fn each(&self, mut each: impl FnMut(usize, usize, u16, u64)) {
        for (route, methods) in self.routes.iter().enumerate() {
            for (method, by_status) in methods.iter().enumerate() {
                for (status, count) in (FIRST_STATUS..).zip(by_status.get().into_iter().flatten()) {
                    if count.get() > 0 {
                        each(route, method, status, count.get());
                    }
                }
            }
        }
    }

    pub fn problems(&self) -> Vec<Problem> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refused(&self, component: Option<usize>, status: u16, reason: &str) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let full = problems.len() >= MAX_REASONS;
        let is = |problem: &&mut Problem, reason: &str| {
            problem.component == component && problem.status == status && problem.reason == reason
        };
        if let Some(known) = problems.iter_mut().find(|problem| is(problem, reason)) {
            known.count += 1;
            return;
        }
        let reason = if full { "other" } else { reason };
        match problems.iter_mut().find(|problem| is(problem, reason)) {
            Some(known) => known.count += 1,
            None => problems.push(Problem { component, status, reason: reason.to_string(), count: 1 }),
        }
    }
}

/// A request that is being answered. One that is dropped has lost its client.
pub struct Asked<'a> {
    requests: &'a Requests,
    method: usize,
    /// None: nothing is counted.
    began: Option<Instant>,
    target: Option<(usize, usize, Arc<ComponentMetrics>)>,
    answered: bool,
}

impl Asked<'_> {
    /// It is the component's that the route leads to.
    pub fn of(&mut self, route: usize, component: usize, metrics: &Arc<ComponentMetrics>) {
        if self.began.is_some() {
            self.target = Some((route, component, metrics.clone()));
        }
    }

    pub fn answered(mut self, response: &Response<ResponseBody>) {
        self.answered = true;
        if self.began.is_none() {
            return;
        }
        let status = response.status().as_u16();
        self.count(status);
        if let Some((.., metrics)) = &self.target {
            metrics.answers.observe(self.began);
        }
        if status >= 400
            && let Some(reason) = reason(response)
        {
            let component = self.target.as_ref().map(|(_, component, _)| *component);
            self.requests.refused(component, status, reason);
        }
    }

    fn count(&self, status: u16) {
        let nowhere = self.requests.routes.len() - 1;
        let route = self.target.as_ref().map_or(nowhere, |(route, ..)| *route);
        self.requests.count(route, self.method, status);
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.requests.in_flight.add(-1);
        if !self.answered && self.began.is_some() {
            self.count(CLIENT_WENT_AWAY);
        }
    }
}

fn method_index(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

/// What the answer itself says, or the host knew when it wrote it.
fn reason(response: &Response<ResponseBody>) -> Option<&str> {
    if let Some(Reason(reason)) = response.extensions().get::<Reason>() {
        return Some(reason);
    }
    match response.body() {
        ResponseBody::Whole(Some(body)) => problem_name(body),
        _ => None,
    }
}

fn problem_name(body: &[u8]) -> Option<&str> {
    let rest = body.strip_prefix(PROBLEM)?;
    let end = rest.iter().take(MAX_REASON + 1).position(|byte| *byte == b'"')?;
    let name = &rest[..end];
    let usual = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (!name.is_empty() && name.iter().all(usual)).then(|| std::str::from_utf8(name).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_named_by_its_type() {
        assert_eq!(problem_name(br#"{"type":"/problems/already-friends","title":"x"}"#), Some("already-friends"));
        for none in [
            &br#"{"type":"about:blank"}"#[..],
            br#"{"type":"/problems/"}"#,
            br#"{"type":"/problems/not ours"}"#,
            br#"{"type":"/problems/not-ended"#,
            br#"{"type":"/problems/a-name-that-is-longer-than-any-name-of-ours-could-ever-be"}"#,
            b"",
        ] {
            assert_eq!(problem_name(none), None, "{}", String::from_utf8_lossy(none));
        }
    }

    #[test]
    fn requests_are_counted_where_they_belong() {
        let requests = Requests::new(2);
        let metrics = Arc::new(ComponentMetrics::default());
        let answer = |status: u16, body: &'static str| {
            let mut response = Response::new(ResponseBody::Whole(Some(body.into())));
            *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            response
        };
        let mut asked = requests.begin(&Method::POST);
        asked.of(1, 7, &metrics);
        assert_eq!(requests.in_flight.get(), 1);
        asked.answered(&answer(409, r#"{"type":"/problems/already-friends"}"#));
        requests.begin(&Method::from_bytes(b"BREW").expect("a method")).answered(&answer(404, ""));
        drop(requests.begin(&Method::GET));
        let mut counted = Vec::new();
        requests.each(|route, method, status, count| counted.push((route, METHODS[method], status, count)));
        assert_eq!(counted, [(1, "POST", 409, 1), (2, "GET", 499, 1), (2, "other", 404, 1)]);
        let refused = Problem { component: Some(7), status: 409, reason: "already-friends".to_string(), count: 1 };
        assert_eq!(requests.problems(), [refused]);
        assert_eq!(requests.in_flight.get(), 0);
    }

    #[test]
    fn reasons_without_end_are_counted_as_others() {
        let requests = Requests::new(0);
        for number in 0..MAX_REASONS + 50 {
            requests.refused(Some(0), 400, &format!("reason-{number}"));
        }
        let problems = requests.problems();
        let others = problems.iter().find(|problem| problem.reason == "other").expect("there are others");
        assert_eq!((problems.len(), others.count), (MAX_REASONS + 1, 50));
    }
}
