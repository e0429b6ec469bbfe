//! The host of the HTTP Task: load the component once, call it many times.
//!
//! ```text
//! component   load, limit, call
//! egress      what may leave  ◀─ grants, credentials ◀─ target, origin, network
//! client      the pooled client ◀─ connector ◀─ transport; places, content_coding
//! exchange    what passed over the wire
//! trace       what a call did, as it may be shown ─▶ telemetry
//! redaction   what may be seen
//! stand_in    a loopback Pipedrive
//! workflow    a definition in a file ◀─ source
//! plan        what a run of it does
//! catalogue   API documents → operations → tasks
//! curl_command a cURL command → a task
//! next_action what comes next, a pure function of what has happened
//! runner      a plan carried out in this process
//! report      requests, responses and outcomes as JSON
//! ```
//!
//! For the component's own target there is nothing in here, so that the whole workspace can be built for it.

#![cfg(not(target_family = "wasm"))]

pub mod catalogue;
mod client;
pub mod component;
mod connector;
mod content_coding;
pub mod credentials;
pub mod curl_command;
pub mod egress;
pub mod exchange;
pub mod grants;
pub mod limits;
pub mod network;
pub mod next_action;
pub mod origin;
mod places;
pub mod plan;
pub mod redaction;
pub mod report;
pub mod runner;
mod settings_file;
pub mod source;
pub mod stand_in;
pub mod target;
#[cfg(feature = "opentelemetry")]
pub mod telemetry;
pub mod trace;
pub mod transport;
pub mod workflow;

pub use component::HttpTask;
pub use egress::Egress;
pub use limits::Limits;
pub use settings_file::FileError;

/// The component that was built with this library.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/http-task.wasm"));
