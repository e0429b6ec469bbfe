//! The program `http-task` in a folder and a configuration of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A workflow definition of one HTTP Task, from the members that make it one.
#[allow(dead_code, reason = "every test program takes what it needs")]
pub fn definition(members: &str) -> String {
    format!(r#"{{"name": "n", "startTask": "t", "tasks": {{"t": {{"type": "Http", "end": true, {members}}}}}}}"#)
}

/// Leave to send anything to a server on loopback.
#[allow(dead_code, reason = "every test program takes what it needs")]
pub fn grants_for(server: std::net::SocketAddr) -> String {
    format!(
        r#"[[grants]]
scheme = "http"
host = "{}"
port = {}
methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
path = "/**"
credentials = ["mine"]
networks = ["loopback"]
"#,
        server.ip(),
        server.port()
    )
}

/// The program, ready to be run.
pub struct Program {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What a run said.
#[allow(dead_code, reason = "every test program takes what it needs")]
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

#[allow(dead_code, reason = "every test program takes what it needs")]
impl Program {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env("XDG_CONFIG_HOME", self.folder.path().join("configuration"))
            .env("XDG_DATA_HOME", self.folder.path().join("data"))
            // Compiled once for all tests.
            .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let Output { status, stdout, stderr } =
            self.command(env!("CARGO_BIN_EXE_http-task")).args(arguments).output().unwrap();
        Said {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Starts it, to be watched and ended.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_http-task"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn succeeds(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said
    }

    pub fn shell(&self, line: &str) -> Output {
        self.command("sh").args(["-c", line]).output().unwrap()
    }
}

/// Says that a test is skipped, past the capture of its output; where nothing may be skipped, fails.
#[allow(dead_code, reason = "every test program takes what it needs")]
pub fn skip(why: &str) {
    assert_ne!(std::env::var("HTTP_TASK_REQUIRE").as_deref(), Ok("all"), "{why}");
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
