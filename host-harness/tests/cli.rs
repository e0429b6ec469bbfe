//! The program as people meet it: every file in `tests/cli` is a session, with what each command says and its exit code.
//! `TRYCMD=overwrite cargo test -p http-task-host --test cli` accepts what they say now. A session that writes files needs a
//! folder `.out` with what they must hold then: without one it would write into its `.in`.

use std::path::Path;

#[test]
fn every_session_goes_as_it_is_written() {
    // Absolute, as a relative one is not looked at (XDG Base Directory Specification).
    let (configuration, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    trycmd::TestCases::new()
        .env("XDG_CONFIG_HOME", configuration.path().to_string_lossy())
        .env("XDG_DATA_HOME", data.path().to_string_lossy())
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache").to_string_lossy())
        .env("HTTP_TASK_SET", "a-planted-secret")
        .case("tests/cli/*.md");
}
