//! Timelines follow both streams. The message is only a doorbell: the log is what counts.

use domain::event::Stream;
use event_store::project::{Stores, activity::Activity, catch_up};
use http_api::{Problem, gather, now, redis};
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn ring(_message: Vec<u8>) -> Result<(), Problem> {
    gather().await;
    let user = redis("user_redis_url").await?;
    let friend = redis("friend_redis_url").await?;
    let target = redis("view_redis_url").await?;
    catch_up::<Activity, _>(
        &Stores { sources: &[(Stream::User, &user), (Stream::Friend, &friend)], target: &target },
        now(),
    )
    .await?;
    Ok(())
}
