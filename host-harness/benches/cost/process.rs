//! What the system says of a process, where it says it the way Linux does.

use std::time::Duration;

/// The unit of times in `/proc/…/stat`: `USER_HZ`, which is 100 on every Linux of today.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of this process so far.
pub fn cpu() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(|field| field.parse::<u32>().ok());
    Some(TICK * (fields.next()?? + fields.next()??))
}

/// Memory of this process that is resident, in bytes.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
