//! Is anything missing that has not been read? Where it is, the tail stays before it: a graph that is behind is right for
//! its moment, one that lacks an event is wrong for ever.
//!
//! A stream is examined where the tail begins and with every reply. Missing events may come back: who trimmed a stream
//! can restore it from a copy. Who cannot, and means to go on with what is there, tells Redis that the rest never was:
//! `XSETID events:friend <last-generated-id> ENTRIESADDED <length> MAXDELETEDID 0-1`. A worker that has applied more than
//! that then reads the stream again from its beginning.

use std::time::{Duration, Instant};

use domain::StreamPosition;
use tokio::time::sleep;

use super::{Batch, Tail};
use crate::log::connection::Connection;
use crate::log::info::StreamInfo;
use crate::log::reply::{ReadError, Reply};
use crate::log::standing::{FEWER, Missing, Reached, Standing, examine};
use crate::server::SAY_EVERY;
use crate::snapshot::Witness;

/// How often it is looked whether missing events are there again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Missing events are counted only so far: the count is for the log, and costs as much as reading them.
const MAX_COUNTED: u64 = 1_000_000;

impl Tail {
    /// Starts again if the stream is not the one that the snapshot was made from.
    pub(super) async fn recognise(&mut self, log: &mut Connection) -> Result<(), ReadError> {
        if self.witness == Witness::default() {
            return Ok(());
        }
        let mut connection = self.server.connect().await?;
        if !self.witness.recognises(&mut connection, self.stream).await? {
            let mut reply = Reply::default();
            log.ask_info(self.stream).await?;
            log.receive(&mut reply).await?;
            self.start_again("the stream is another one than that of the snapshot", &reply.info().clone()).await;
        }
        Ok(())
    }

    /// Looks at the stream until nothing is missing.
    pub(super) async fn settle(&mut self, log: &mut Connection) -> Result<(), ReadError> {
        let mut reply = Reply::default();
        loop {
            log.ask_info(self.stream).await?;
            log.receive(&mut reply).await?;
            let info = *reply.info();
            if !self.status.connected() {
                self.found();
            }
            match examine(self.reached, &info) {
                Standing::Whole => {
                    self.whole(&info).await;
                    return Ok(());
                }
                // Nothing can be another stream than one of which nothing has been read.
                Standing::Another(_) if self.reached == Reached::default() => sleep(LOOK_AGAIN).await,
                Standing::Another(why) => self.start_again(why, &info).await,
                Standing::Gap(counted) => {
                    self.status.saw(info.added.unwrap_or(info.length));
                    self.miss(log, &info, counted).await?;
                    sleep(LOOK_AGAIN).await;
                }
            }
        }
    }

    /// Whether a reply is all that there was to be read after what was reached. What Redis says of the stream is as new
    /// as the entries or newer: if nothing is missing then, nothing was when the entries were read.
    pub(super) fn standing(&self, reply: &Reply) -> Standing {
        let read = self.reached.entries + reply.len() as u64;
        match examine(self.reached, reply.info()) {
            Standing::Whole if reply.info().added.is_some_and(|added| added < read) => Standing::Another(FEWER),
            standing => standing,
        }
    }

    /// Nothing is missing.
    pub(super) async fn whole(&mut self, info: &StreamInfo) {
        if let Some(missing) = self.status.missing() {
            tracing::info!(stream = %self.stream, after = %missing.after, "the missing events are there again");
            self.status.set_missing(None);
            self.said = None;
        }
        if info.last_generated == self.reached.position
            && let Some(added) = info.added.filter(|&added| added != self.reached.entries)
        {
            // One and the same end: Redis was given another count (XSETID).
            self.reached.entries = added;
            let _ = self.batches.send(Batch::Entries(self.stream, Vec::new(), added)).await;
        }
        match info.removed() {
            Some(removed @ 1..) if !self.said_removed => {
                tracing::warn!(
                    stream = %self.stream, removed, applied = %self.reached.position,
                    "events that were applied are gone from the stream: a rebuild from its beginning would lack them"
                );
                self.said_removed = true;
            }
            Some(0) => self.said_removed = false,
            _ => {}
        }
        self.status.aim(info.last.unwrap_or_default());
        self.status.saw(info.added.unwrap_or(info.length));
    }

    pub(super) async fn start_again(&mut self, why: &str, info: &StreamInfo) {
        tracing::error!(
            stream = %self.stream, applied = %self.reached.position, newest = %info.last_generated,
            "{why}: Redis has lost events, or is another one; reading it again from its beginning"
        );
        (self.reached, self.witness) = (Reached::default(), Witness::default());
        self.status.start_again();
        self.said_removed = false;
        // A writer that is gone is noticed at the next batch.
        let _ = self.batches.send(Batch::StartAgain(self.stream)).await;
    }

    /// Says which events are missing, at once and then again and again.
    async fn miss(&mut self, log: &mut Connection, info: &StreamInfo, counted: Option<u64>) -> Result<(), ReadError> {
        let before = self.status.missing();
        if before.is_some() && self.said.is_some_and(|said| said.elapsed() < SAY_EVERY) {
            return Ok(());
        }
        let (events, first) = match counted {
            Some(events) => (Some(events), info.first),
            None => self.count_missing(log, info).await?,
        };
        let missing = Missing { stream: self.stream, after: self.reached.position, first, events };
        self.status.set_missing(Some(missing));
        tracing::error!(
            stream = %self.stream, redis = self.server.address(),
            "{missing}: the graph stays as it is until they are there again"
        );
        self.said = Some(Instant::now());
        Ok(())
    }

    /// Counts what is there after the position; what is not there of all that was added is missing.
    async fn count_missing(
        &self,
        log: &mut Connection,
        info: &StreamInfo,
    ) -> Result<(Option<u64>, Option<StreamPosition>), ReadError> {
        let (mut reply, mut there, mut first) = (Reply::default(), 0, None);
        let (mut after, last) = (self.reached.position, info.last_generated);
        while there < MAX_COUNTED {
            log.ask_between(self.stream, (after, last), self.count).await?;
            log.receive(&mut reply).await?;
            let Some(newest) = reply.last() else {
                let read = self.reached.entries + there;
                return Ok((info.added.map(|added| added.saturating_sub(read)).filter(|&missing| missing > 0), first));
            };
            first = first.or_else(|| reply.entries().next().map(|entry| entry.position));
            (after, there) = (newest, there + reply.len() as u64);
        }
        Ok((None, first))
    }
}
