//! What happens around every request.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, SystemTime},
};

use domain::Timestamp;
use spin_sdk::wasip3::{clocks::monotonic_clock, http::types::Method};

use crate::{Answer, Problem, Request, raw};

/// Makes the component out of its handler: which methods it takes, and the function that answers them.
///
/// It is `#[spin_sdk::http_service]` without the conversion to the `http` crate's types, which copies every header and the URL
/// into the sandbox before the handler has looked at the first of them.
#[macro_export]
macro_rules! http_component {
    ($methods:expr, $handler:path) => {
        struct Component;
        spin_sdk::wasip3::http::service::export!(Component);

        impl spin_sdk::wasip3::exports::http::handler::Guest for Component {
            async fn handle(
                request: $crate::raw::Request,
            ) -> Result<$crate::raw::Response, spin_sdk::wasip3::http::types::ErrorCode> {
                Ok($crate::serve(request, $methods, $handler).await)
            }
        }
    };
}

/// How long a request may take. Clients are promised a 503 in under 2 s when something is away, and Spin's Redis client has no
/// time limits of its own.
const TIME_LIMIT: Duration = Duration::from_millis(1_800);

/// Answers a request: 405 unless its method is one of `allowed` (HEAD is as good as GET), 503 when it takes too long.
pub async fn serve<F, A>(request: raw::Request, allowed: &[&str], handler: impl FnOnce(Request) -> F) -> raw::Response
where
    F: Future<Output = Result<A, Problem>>,
    A: Answer,
{
    let request = Request::new(request);
    let method = request.method();
    let answer = if permits(&method, allowed) {
        in_time(&method, handler(request)).await
    } else {
        Err(Problem::method_not_allowed(&allowed.join(", ")))
    };
    answer.map_or_else(|problem| problem.into_response().into_raw(), Answer::into_answer)
}

/// For what is there for every method alike.
pub const ANY_METHOD: &[&str] = &["*"];

fn permits(method: &Method, allowed: &[&str]) -> bool {
    if allowed == ANY_METHOD {
        return true;
    }
    let name = match method {
        Method::Get | Method::Head => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        _ => return false,
    };
    allowed.contains(&name)
}

async fn in_time<T>(method: &Method, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    within(TIME_LIMIT, work).await.unwrap_or_else(|| {
        Err(Problem::unavailable(match method {
            Method::Get | Method::Head => "it took too long; try again in a moment",
            Method::Post => "it took too long, and may have been applied: send it again with the same Idempotency-Key",
            _ => "it took too long, and may have been applied: read it before you send it again",
        }))
    })
}

/// Gives up when the limit has passed. Whatever connection it hung on is not used again.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut limit) = (pin!(work), pin!(sleep(limit)));
    poll_fn(|context| {
        if let Poll::Ready(answer) = work.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        limit.as_mut().poll(context).map(|()| {
            event_store::spin::give_all_up();
            None
        })
    })
    .await
}

pub async fn sleep(duration: Duration) {
    monotonic_clock::wait_for(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)).await;
}

/// How long a rung projection waits before it looks. What is appended meanwhile does not ring again and comes in the same
/// batch: without it, each event of a busy moment would be a batch of its own, four times over. Read models may be that late.
const GATHER: Duration = Duration::from_millis(20);

/// Lets events gather before a projection reads them.
pub async fn gather() {
    sleep(GATHER).await;
}

/// The time, now.
pub fn now() -> Timestamp {
    SystemTime::now().into()
}
