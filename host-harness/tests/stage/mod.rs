//! A stage for `http-task run`: a scripted server, a definition, leave to ask, and a run that can be watched and ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

use http_task_host::stand_in::{Script, StandIn};
use serde_json::{Value, json};

use crate::program::{Program, Said, grants_for};

/// A server, a definition of tasks that ask it, and leave to do so.
pub struct Stage {
    pub server: StandIn,
    pub program: Program,
    /// The script is for a run that is ended before its end.
    ended_early: bool,
}

/// A line of the script that no request came for fails the test.
impl Drop for Stage {
    fn drop(&mut self) {
        if !self.ended_early && !std::thread::panicking() {
            assert_eq!(self.server.unused(), []);
        }
    }
}

#[allow(dead_code, reason = "every test program takes what it needs")]
impl Stage {
    pub async fn new(script: &str, definition: Value) -> Self {
        let server = StandIn::start(Script::parse(script).unwrap()).await.unwrap();
        let program = Program::new();
        let stage = Self { server, program, ended_early: false };
        stage.write("definition.json", definition);
        stage.program.write("grants.toml", &grants_for(stage.server.address()));
        stage
    }

    pub async fn to_be_ended(script: &str, definition: Value) -> (Self, Running) {
        let mut stage = Self::new(script, definition).await;
        stage.ended_early = true;
        let running = stage.program.spawn(&["run", "definition.json", "--grants", "grants.toml", "--json"]);
        (stage, Running(running))
    }

    /// Waits until the server has received so many requests.
    pub async fn has_received(&self, requests: usize) {
        let most = std::time::Duration::from_secs(30);
        tokio::time::timeout(most, self.server.has_received(requests)).await.expect("the requests never came");
    }

    pub fn write(&self, name: &str, definition: Value) {
        self.program.write(name, &definition.to_string().replace("server.test", &self.server.address().to_string()));
    }

    pub fn run(&self, more: &[&str]) -> Said {
        self.program.run(&[&["run", "definition.json", "--grants", "grants.toml"], more].concat())
    }

    /// What it says as JSON, a line for each event.
    pub fn events(&self, more: &[&str]) -> (Said, Vec<Value>) {
        let said = self.run(&[&["--json"], more].concat());
        let events = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (said, events)
    }

    /// Method and path of every request, in order.
    pub fn requests(&self) -> Vec<String> {
        let target = |head: &str| head.split(" HTTP/").next().unwrap().to_owned();
        self.server.received().iter().map(|request| target(&request.head)).collect()
    }
}

/// A run that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[allow(dead_code, reason = "every test program takes what it needs")]
impl Running {
    /// The events that it tells, each as soon as it is told.
    pub fn events(&mut self) -> impl Iterator<Item = Value> + use<> {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }

    /// Sends it a signal. It may be over already: then there is nobody to end.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.0.id())]).output().unwrap();
    }

    pub fn code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

/// A task that asks for `/name`.
pub fn http(method: &str, name: &str, more: Value) -> Value {
    let mut task = json!({
        "type": "Http",
        "httpRequest": {"method": method, "url": format!("http://server.test/{name}")},
        "retry": {"intervalSeconds": 0, "maxAttempts": 3}
    });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

pub fn definition(start: &str, tasks: Value) -> Value {
    json!({"name": "n", "startTask": start, "tasks": tasks})
}

pub fn end() -> Value {
    json!({"end": true})
}
