//! Sleeping for less than a millisecond, which is the resolution of tokio's timers.

use std::io;
use std::time::Duration;

pub use platform::Timer;

/// The kernel's timer, which wakes the thread within some microseconds.
#[cfg(target_os = "linux")]
mod platform {
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::*;

    pub struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: an OwnedFd is open, and the same one, as long as it lives.
            let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) };
            Ok(Self(timer.map_err(io::Error::from)?))
        }

        pub async fn sleep(&self, time: Duration) -> io::Result<()> {
            let none = Timespec { tv_sec: 0, tv_nsec: 0 };
            // Nothing is no time but the wish to have no timer.
            let time = Timespec::try_from(time.max(Duration::from_nanos(1))).map_err(io::Error::other)?;
            // Setting it also forgets that it has run out before, so that nobody has to read it.
            let set = Itimerspec { it_interval: none, it_value: time };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &set)?;
            self.0.readable().await?.clear_ready();
            Ok(())
        }
    }
}

/// Elsewhere calls begin up to a millisecond late, and are said to.
#[cfg(not(target_os = "linux"))]
mod platform {
    use super::*;

    pub struct Timer;

    impl Timer {
        pub fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub async fn sleep(&self, time: Duration) -> io::Result<()> {
            tokio::time::sleep(time).await;
            Ok(())
        }
    }
}
