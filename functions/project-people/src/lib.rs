//! The friend service's replica of who exists follows the user events. The message is only a doorbell: the log is what counts.

use domain::event::Stream;
use event_store::project::{Stores, catch_up, people::People};
use http_api::{Problem, gather, now, redis};
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn ring(_message: Vec<u8>) -> Result<(), Problem> {
    gather().await;
    let user = redis("user_redis_url").await?;
    let target = redis("friend_redis_url").await?;
    catch_up::<People, _>(&Stores { sources: &[(Stream::User, &user)], target: &target }, now()).await?;
    Ok(())
}
