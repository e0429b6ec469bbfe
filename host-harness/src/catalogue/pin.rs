//! `operation` of an HTTP Task: which operation of which document it was made from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operation::OperationKey;

/// The pinned operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// What the catalogue calls the API.
    pub api: String,
    /// In capitals.
    pub method: String,
    /// With `{…}` for its parameters.
    pub path: String,
    /// The document's content: `sha256:…`.
    pub digest: String,
}

impl Pin {
    /// Of a task object, where it is one of ours.
    pub fn of_task(task: &Value) -> Option<Self> {
        serde_json::from_value(task.get("operation")?.clone()).ok()
    }

    /// Its operation's name within the document.
    pub fn key(&self) -> OperationKey {
        OperationKey { method: self.method.clone(), path: self.path.clone() }
    }
}
