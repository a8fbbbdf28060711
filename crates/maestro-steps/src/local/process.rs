//! Who a process is, and signals that cannot hit a stranger.
//!
//! A process number alone says nothing: it is used again, after a reboot and in another container at once
//! (`spec 07 BX-8`, pitfall R-03). A process is meant only if number, start time and boot agree, and signals go
//! through a pidfd that was opened before that was checked.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// A process for all times: number, start time and boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessIdentity {
    /// The process number.
    pub(crate) pid: i32,
    /// Start time in clock ticks since boot: field 22 of `/proc/PID/stat`.
    pub(crate) start_ticks: u64,
    /// The kernel's boot id.
    pub(crate) boot: String,
}

impl ProcessIdentity {
    /// The identity of the process that has the number now, if there is one.
    pub(crate) fn of(pid: i32) -> io::Result<Self> {
        Ok(Self {
            pid,
            start_ticks: Stat::read(pid)?.start_ticks,
            boot: boot_id()?.to_owned(),
        })
    }

    /// A handle of the process, or `None` if it is gone or its number belongs to somebody else by now.
    ///
    /// A zombie counts as gone: it runs no code any more.
    pub(crate) fn open(&self) -> Option<OwnedFd> {
        let fd = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        let stat = Stat::read(self.pid).ok()?;
        let same = stat.start_ticks == self.start_ticks && boot_id().ok()? == self.boot;
        (same && !stat.is_dead()).then_some(fd)
    }

    /// Sends the signal if the process still exists; says whether it was sent.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.open()
            .is_some_and(|fd| pidfd_send_signal(fd, signal).is_ok())
    }
}

/// What we need of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    pub(crate) parent: i32,
    pub(crate) start_ticks: u64,
    state: u8,
}

impl Stat {
    pub(crate) fn read(pid: i32) -> io::Result<Self> {
        let text = fs::read(format!("/proc/{pid}/stat"))?;
        Self::parse(&text)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable /proc/PID/stat"))
    }

    pub(crate) fn is_dead(self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// The name in parentheses may hold blanks, parentheses and bytes of any kind: count from its end.
    fn parse(text: &[u8]) -> Option<Self> {
        let end_of_name = text.iter().rposition(|&b| b == b')')?;
        let rest = std::str::from_utf8(text.get(end_of_name + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        // The parent is field 4, the start time field 22.
        let start_ticks = fields.nth(17)?.parse().ok()?;
        Some(Self {
            parent,
            start_ticks,
            state,
        })
    }
}

fn boot_id() -> io::Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(id) = BOOT.get() {
        return Ok(id);
    }
    let id = match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(id) => id.trim().to_owned(),
        // Some sandboxes hide the id; the time of the boot tells two boots apart as well.
        Err(_) => fs::read_to_string("/proc/stat")?
            .lines()
            .find(|line| line.starts_with("btime "))
            .unwrap_or_default()
            .to_owned(),
    };
    Ok(BOOT.get_or_init(|| id))
}

/// All process numbers that exist now.
fn all_processes() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The living descendants of a process, parents before children.
pub(crate) fn descendants(of: i32) -> Vec<ProcessIdentity> {
    let Ok(boot) = boot_id() else {
        return Vec::new();
    };
    let mut rest: Vec<(i32, Stat)> = all_processes()
        .filter_map(|pid| Some((pid, Stat::read(pid).ok()?)))
        .collect();
    let mut family = vec![of];
    let mut found = Vec::new();
    loop {
        let before = family.len();
        rest.retain(|(pid, stat)| {
            let ours = family.contains(&stat.parent);
            if ours {
                family.push(*pid);
                if !stat.is_dead() {
                    found.push(ProcessIdentity {
                        pid: *pid,
                        start_ticks: stat.start_ticks,
                        boot: boot.to_owned(),
                    });
                }
            }
            !ours
        });
        if family.len() == before {
            return found;
        }
    }
}

/// The living processes whose environment holds exactly this `NAME=value`.
///
/// Every process of a job carries its mark in the environment, so that what a killed supervisor leaves behind can be
/// found although nobody is its parent any more.
pub(crate) fn with_environment_entry(entry: &str) -> Vec<ProcessIdentity> {
    let own = std::process::id().cast_signed();
    all_processes()
        .filter(|&pid| pid != own)
        .filter_map(|pid| {
            let who = ProcessIdentity::of(pid).ok()?;
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment
                .split(|&b| b == 0)
                .any(|e| e == entry.as_bytes())
                .then_some(who)
        })
        .filter(|who| who.open().is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let mut text = b"77 (a) b (c\xff) S 12".to_vec();
        for field in 5..=24 {
            text.extend_from_slice(format!(" {field}00").as_bytes());
        }
        let stat = Stat::parse(&text).expect("parses");
        assert_eq!((stat.parent, stat.start_ticks), (12, 2200));
        assert!(Stat::parse(b"garbage").is_none());
    }

    //
    #[test]
    fn a_number_with_another_start_time_or_boot_is_a_stranger() {
        let me = ProcessIdentity::of(std::process::id().cast_signed()).expect("exists");
        assert!(me.open().is_some());
        let other_start = ProcessIdentity {
            start_ticks: me.start_ticks + 1,
            ..me.clone()
        };
        let other_boot = ProcessIdentity {
            boot: "another".into(),
            ..me
        };
        for stranger in [other_start, other_boot] {
            assert!(stranger.open().is_none());
            // It would end this test if it were sent.
            assert!(!stranger.signal(Signal::KILL));
        }
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = std::process::Command::new("true").spawn().expect("spawns");
        let pid = child.id().cast_signed();
        let who = ProcessIdentity::of(pid).expect("not reaped yet");
        let fd = pidfd_open(Pid::from_raw(pid).expect("positive"), PidfdFlags::empty())
            .expect("not reaped yet");
        let mut fds = [rustix::event::PollFd::new(
            &fd,
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut fds, None).expect("waits");
        assert!(who.open().is_none());
        child.wait().expect("reaped");
    }
}
