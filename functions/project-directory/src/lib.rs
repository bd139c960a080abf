//! People by name follow the user events. The message is only a doorbell: the log is what counts.

use domain::event::Stream;
use event_store::project::{Stores, catch_up, directory::Directory};
use http_api::{Problem, gather, now, redis};
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn ring(_message: Vec<u8>) -> Result<(), Problem> {
    gather().await;
    let user = redis("user_redis_url").await?;
    let target = redis("view_redis_url").await?;
    catch_up::<Directory, _>(&Stores { sources: &[(Stream::User, &user)], target: &target }, now()).await?;
    Ok(())
}
