//! What a process has used, as the kernel tells it: CPU time to the nanosecond, wake-ups, resident memory; and how busy
//! the whole machine was meanwhile.
//!
//! Reads `/proc` only. Never samples over time: a reading is taken at both ends of a window and subtracted.

use anyhow::{Context, Result};
use std::fs;
use std::time::Duration;

/// Counters of one process since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time on a CPU, of all threads that live (`/proc/<pid>/task/*/schedstat`, first figure).
    pub cpu: Duration,
    /// Times a thread went to sleep by itself, of all threads that live.
    pub wake_ups: u64,
}

impl Usage {
    /// What was used between `earlier` and this reading.
    pub fn since(self, earlier: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(earlier.cpu), wake_ups: self.wake_ups.saturating_sub(earlier.wake_ups) }
    }
}

/// Reads the counters of process `pid`.
///
/// # Errors
/// When the process is gone, or the kernel keeps no scheduler statistics.
pub fn read(pid: u32) -> Result<Usage> {
    let mut usage = Usage::default();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid} is not there"))?;
    for task in tasks {
        let task = task?.path();
        // A thread may end between the listing and the reading; its time is then not counted on either side.
        let (Ok(schedstat), Ok(status)) =
            (fs::read_to_string(task.join("schedstat")), fs::read_to_string(task.join("status")))
        else {
            continue;
        };
        usage.cpu += on_cpu(&schedstat).context("the kernel keeps no scheduler statistics (CONFIG_SCHED_INFO)")?;
        usage.wake_ups += field(&status, "voluntary_ctxt_switches:").unwrap_or(0);
    }
    Ok(usage)
}

/// Time on a CPU of process `pid` since it started, of threads that have ended too, to 10 ms (`/proc/<pid>/stat`).
///
/// # Errors
/// When the process is gone.
pub fn cpu_of_all(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("process {pid} is not there"))?;
    let ticks = own_ticks(&text).with_context(|| format!("{path} has no times"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// User and system time out of `/proc/<pid>/stat`; the name before them may hold blanks and brackets.
fn own_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Time that all processors of the machine have not been idle since it started, to 10 ms; what a hypervisor gave to
/// somebody else counts as busy.
///
/// # Errors
/// When `/proc/stat` cannot be read.
pub fn machine_busy() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let ticks = busy_ticks(&text).context("/proc/stat has no line cpu")?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Sum of user, nice, system, irq, softirq and steal; without idle and iowait.
fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_ascii_whitespace().map_while(|ticks| ticks.parse().ok()).collect();
    Some([0, 1, 2, 5, 6, 7].iter().filter_map(|&place| ticks.get(place)).sum())
}

/// Resident memory of process `pid` in bytes, shared pages included.
///
/// # Errors
/// When the process is gone or belongs to somebody else.
pub fn resident_len(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kilobytes = field(&text, "Rss:").with_context(|| format!("{path} has no line Rss"))?;
    Ok(kilobytes * 1024)
}

/// The processes that `pid` started, and theirs, without `pid`; what is gone meanwhile is left out.
pub fn descendants(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|child| Some((child, parent(&fs::read_to_string(format!("/proc/{child}/stat")).ok()?)?)))
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&of) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(child, _)| child));
        next += 1;
    }
    found.split_off(1)
}

/// First figure of `schedstat`: nanoseconds on a CPU.
fn on_cpu(schedstat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(schedstat.split_ascii_whitespace().next()?.parse().ok()?))
}

/// Parent's id out of `/proc/<pid>/stat`; the name before it may hold blanks and brackets.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The figure after `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_this_process_is_seen_to_the_millisecond() {
        let before = read(std::process::id()).unwrap();
        let start = std::time::Instant::now();
        // Others share the cores, and threads of other tests that end take their time with them: so until it is seen.
        let used = || read(std::process::id()).unwrap().since(before).cpu;
        while used() <= Duration::from_millis(1) {
            assert!(start.elapsed() < Duration::from_secs(30), "{:?}", used());
        }
    }

    #[test]
    fn the_work_of_a_thread_that_has_ended_counts_for_its_process() {
        let of_all = || cpu_of_all(std::process::id()).unwrap();
        let before = of_all();
        let work = Duration::from_millis(100);
        // Its own time, whoever shares the cores with it.
        let own = || on_cpu(&fs::read_to_string("/proc/thread-self/schedstat").unwrap()).unwrap();
        std::thread::spawn(move || while own() < work {}).join().unwrap();
        assert!(of_all() - before >= work - Duration::from_millis(20), "{:?}", of_all() - before);
    }

    #[test]
    fn the_memory_of_this_process_grows_with_what_it_touches() {
        let before = resident_len(std::process::id()).unwrap();
        let touched = vec![1_u8; 32 << 20];
        let after = resident_len(std::process::id()).unwrap();
        assert!(after - before > 30 << 20, "{before} -> {after}");
        std::hint::black_box(touched);
    }

    #[test]
    fn a_child_is_found_through_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        let found = descendants(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&child.id()));
    }

    #[test]
    fn a_name_with_brackets_hides_nothing_behind_it() {
        assert_eq!(parent("12 (a) b) (c) S 7 12 12 0"), Some(7));
        assert_eq!(parent("nonsense"), None);
        assert_eq!(own_ticks("12 (a) b) (c) S 7 12 12 0 -1 0 1 2 3 4 70 30 5 6"), Some(100));
        assert_eq!(own_ticks("12 (a) S 7"), None);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t4\nRss:      120 kB\n";
        assert_eq!(field(text, "voluntary_ctxt_switches:"), Some(4));
        assert_eq!(field(text, "Rss:"), Some(120));
        assert_eq!(field(text, "Pss:"), None);
        assert_eq!(on_cpu("1500 20 3\n"), Some(Duration::from_nanos(1_500)));
    }

    #[test]
    fn idle_time_does_not_count_as_busy() {
        let stat = "cpu  1 10 100 5000 9000 1000 10000 100000 7 7\ncpu0 1 1 1 1\n";
        assert_eq!(busy_ticks(stat), Some(111_111));
        assert_eq!(busy_ticks("intr 1"), None);
        assert!(machine_busy().unwrap() > Duration::ZERO);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(read(u32::MAX).is_err());
        assert!(cpu_of_all(u32::MAX).is_err());
        assert!(resident_len(u32::MAX).is_err());
    }
}
