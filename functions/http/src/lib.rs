//! What the components have in common on their HTTP side.
//!
//! A request's life: [`serve`] checks the method and sets the time limit; the component parses ([`Request`], [`parse`]),
//! validates, decides and appends or reads, and answers with a [`Response`] or a [`Problem`].

mod command;
mod outbound;
mod page;
pub mod parse;
mod people;
mod problem;
mod request;
mod response;
mod serve;
mod settings;

pub use command::{Command, conflict, done_or_rejected};
pub use outbound::{body_of, get};
pub use page::Paging;
pub use people::{person_exists, unknown_person};
pub use problem::Problem;
pub use request::{MAX_BODY, Request};
pub use response::{Answer, EventStream, Response};
pub use serve::{ANY_METHOD, gather, now, serve, sleep, within};
pub use settings::{redis, setting};

/// The request and the response as the runtime hands them over.
pub mod raw {
    pub use spin_sdk::wasip3::http::types::{Method, Request, Response};
}
