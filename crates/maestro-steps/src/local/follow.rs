//! Waking those who follow a log.
//!
//! One inotify descriptor for all of them, over the folders that logs lie in: a user has few descriptors of that kind.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io::{self, PipeReader, PipeWriter};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::sync::watch;

use super::folder::make_dir;

/// Tells when there may be more to read in a log.
///
/// Read only after this was made: then no growth goes unnoticed.
#[derive(Debug)]
pub struct LogFollow {
    /// Closed if the attempt is over.
    wake: watch::Receiver<()>,
}

impl LogFollow {
    /// Waits until the log may have grown: true; or until the attempt is over: false. What is in the log then is all.
    ///
    /// Can be dropped while it waits; nothing is lost.
    pub async fn changed(&mut self) -> bool {
        self.wake.changed().await.is_ok()
    }
}

/// The followers, by the name of the log.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    wakers: Arc<Mutex<Wakers>>,
    inotify: OnceLock<Inotify>,
}

type Wakers = HashMap<String, watch::Sender<()>>;

#[derive(Debug)]
struct Inotify {
    fd: Arc<OwnedFd>,
    /// Closing it ends the thread.
    _alive: PipeWriter,
}

impl Followers {
    /// Follows the log of a job that is not over; the caller sees to that.
    pub(crate) fn follow(&self, log: &Path) -> io::Result<LogFollow> {
        let dir = log.parent().unwrap_or(log);
        make_dir(dir)?;
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO;
        inotify::add_watch(&*self.inotify()?.fd, dir, flags)?;
        let wake = lock(&self.wakers)
            .entry(stem(log).to_owned())
            .or_insert_with(|| watch::channel(()).0)
            .subscribe();
        Ok(LogFollow { wake })
    }

    /// A follower of a log that will not grow any more.
    pub(crate) fn over() -> LogFollow {
        LogFollow {
            wake: watch::channel(()).1,
        }
    }

    /// The job is over and its log complete.
    pub(crate) fn end(&self, log: &Path) {
        lock(&self.wakers).remove(stem(log));
    }

    fn inotify(&self) -> io::Result<&Inotify> {
        if let Some(inotify) = self.inotify.get() {
            return Ok(inotify);
        }
        let fd = Arc::new(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?);
        let (ended, alive) = io::pipe()?;
        let (wakers, events) = (self.wakers.clone(), fd.clone());
        std::thread::Builder::new()
            .name("log-followers".into())
            .spawn(move || wake_on_growth(&wakers, &events, &ended))?;
        // If two come at once, the thread of the second ends, since its pipe closes.
        Ok(self.inotify.get_or_init(|| Inotify { fd, _alive: alive }))
    }
}

fn wake_on_growth(wakers: &Mutex<Wakers>, events: &OwnedFd, ended: &PipeReader) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    loop {
        let mut fds = [
            PollFd::new(events, PollFlags::IN),
            PollFd::new(ended, PollFlags::IN),
        ];
        if poll(&mut fds, None).is_ok() && !fds[1].revents().is_empty() {
            return;
        }
        let mut reader = inotify::Reader::new(events, &mut buffer);
        while let Ok(event) = reader.next() {
            let wakers = lock(wakers);
            match event.file_name().map(CStr::to_str) {
                Some(Ok(name)) => {
                    if let Some(waker) = wakers.get(stem(Path::new(name))) {
                        let _ = waker.send(());
                    }
                }
                // The queue ran over: whose log has grown is not known.
                _ => wakers.values().for_each(|waker| {
                    let _ = waker.send(());
                }),
            }
        }
    }
}

fn stem(log: &Path) -> &str {
    log.file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
