//! What one call may use. Exceeding a limit is a failure of that call, never a crash of the host.

use std::time::Duration;

/// The limits of a host. Every default says why it is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Linear memory of the guest: several times the largest answer, which is held once as bytes and once as a result.
    pub memory_bytes: usize,
    /// The content of a request. What a workflow engine passes between tasks is smaller by an order.
    pub request_bytes: usize,
    /// The content of an answer, as it comes and as it is decoded. Google Workflows allows 2 MB and Step Functions 256 KiB; 8 MiB serves large lists. It is
    /// held about four times while a call ends: with large answers expected, fewer `concurrent_calls` are wise.
    pub answer_bytes: usize,
    /// What the guest may compute in one call. An ordinary one takes a millisecond, one with the largest answer a fifth of a
    /// second; who computes for seconds is lost in an expression.
    pub computing: Duration,
    /// Header fields of a request, and of an answer: nginx and Apache send and take up to 100.
    pub header_fields: usize,
    /// Bytes of all names and values of them: several times what common servers take, which is 8 to 16 KiB.
    pub header_bytes: usize,
    /// From the start of a call to the end of its answer. The timeouts of a definition are clamped to it. A minute is
    /// beyond what an API should take, and below what most proxies allow.
    pub deadline: Duration,
    /// Resolving a name: as long as common resolvers wait for one server before they ask the next. With all else that
    /// connecting takes it is within a definition's `connectionTimeoutSeconds`.
    pub resolving: Duration,
    /// A TLS handshake: a few round trips and one signature; who takes longer does not mean to answer.
    pub securing: Duration,
    /// Getting a token from its server, within the deadline of the call that needs it: what a read timeout is by default.
    pub token: Duration,
    /// How long after a 401 had a token refreshed another 401 does not: whatever a new token does not help against is no
    /// reason to get one after the other.
    pub refresh_pause: Duration,
    /// What the guest may take beyond the deadline to judge that it has passed, before it is stopped.
    pub judgement: Duration,
    /// Calls at once; more wait. Each reserves address space, and when it was used once keeps up to a quarter of a mebibyte
    /// for the next call.
    pub concurrent_calls: u32,
    /// Calls at once to one origin; more wait, for as long as connecting may take. Servers of HTTP/2 take a hundred or more
    /// (RFC 9113, section 6.5.2), and who takes fewer is better asked by fewer.
    pub calls_per_origin: u32,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 * MIB,
            request_bytes: 8 * MIB,
            answer_bytes: 8 * MIB,
            computing: Duration::from_secs(2),
            header_fields: 100,
            header_bytes: 64 * 1024,
            deadline: Duration::from_secs(60),
            resolving: Duration::from_secs(5),
            securing: Duration::from_secs(5),
            token: Duration::from_secs(10),
            refresh_pause: Duration::from_secs(60),
            judgement: Duration::from_secs(2),
            concurrent_calls: 1000,
            calls_per_origin: 100,
        }
    }
}
