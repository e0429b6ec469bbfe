//! What a catalogue knows of one operation, in one language whatever the document was written in: parameters, content,
//! answers, what must authenticate it. Schemas are JSON Schema 2020-12, each complete in itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names an operation within its document. `operationId` does not: documents repeat it, or have none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OperationKey {
    /// In capitals.
    pub method: String,
    /// With `{…}` for its parameters.
    pub path: String,
}

/// An operation as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Method and path.
    #[serde(flatten)]
    pub key: OperationKey,
    /// `operationId`
    pub id: Option<String>,
    /// In a few words.
    pub summary: String,
    /// In many; often Markdown.
    pub description: String,
    /// What it belongs to.
    pub tags: Vec<String>,
    /// The names of its parameters and of the members of its content.
    pub fields: Vec<String>,
    /// Whether it will go away.
    pub deprecated: bool,
    /// Where it stands in its document, as a JSON Pointer.
    pub place: String,
}

/// An operation with all its parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// What it is listed as.
    #[serde(flatten)]
    pub entry: Entry,
    /// Base URLs, the first one first.
    pub servers: Vec<String>,
    /// Of path, query, header and cookie.
    pub parameters: Vec<Parameter>,
    /// The content of the request, once for every media type; none when it has none.
    pub contents: Vec<Content>,
    /// Whether a request must have content.
    pub content_required: bool,
    /// What may come back.
    pub answers: Vec<Answer>,
    /// The ways to authenticate, any of which will do; none when nothing is asked for.
    pub security: Vec<Security>,
    /// Whether a request without authentication is allowed as well.
    pub anonymous: bool,
    /// What a call costs, as the document says it (`x-cost`).
    pub cost: Option<String>,
    /// Whether the same request twice has the effect of one (`x-repeatable`), beyond what the method promises.
    pub repeatable: bool,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// A header field.
    Header,
    /// In the header field `cookie`.
    Cookie,
}

/// How a value is written (OpenAPI 3.1, section 4.8.12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// A list repeats the name: `a=1&a=2`.
    Repeated,
    /// A list within one value: `a=1,2`.
    Commas,
    /// `a=1%202`
    Spaces,
    /// `a=1|2`
    Pipes,
    /// `a[b]=1&a[c]=2`
    DeepObject,
    /// JSON as text.
    Json,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for.
    pub description: String,
    /// How its value is written.
    pub style: Style,
    /// What its value may be.
    pub schema: Value,
    /// A value that the document gives.
    pub example: Option<Value>,
    /// Whether it will go away.
    pub deprecated: bool,
    /// Whether it carries what authenticates, and so is the credentials' to add.
    pub secret: bool,
}

/// Content of one media type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Content {
    /// `application/json`
    pub media_type: String,
    /// What it may be.
    pub schema: Value,
    /// One that the document gives.
    pub example: Option<Value>,
}

/// What may come back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// `200`, `2XX` or `default`.
    pub status: String,
    /// What it means.
    pub description: String,
    /// Its content, once for every media type.
    pub contents: Vec<Content>,
}

/// A way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Security {
    /// What the document calls it.
    pub name: String,
    /// How.
    #[serde(flatten)]
    pub scheme: Scheme,
    /// What must be allowed.
    pub scopes: Vec<String>,
}

/// How a request is authenticated (OpenAPI 3.1, section 4.8.27).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "scheme", rename_all = "kebab-case")]
pub enum Scheme {
    /// A key in a header field.
    Header {
        /// The field.
        header: String,
    },
    /// A key in the query.
    Query {
        /// The parameter.
        parameter: String,
    },
    /// User and password.
    Basic,
    /// A token.
    Bearer,
    /// A token of a token server.
    Oauth {
        /// Where tokens are got.
        token_url: Option<String>,
        /// Whether the client gets them for itself, without a user who agrees.
        for_client: bool,
    },
    /// Another way, as the document names it.
    Other {
        /// Its name.
        kind: String,
    },
}

/// Something of a document that could not be represented.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Omission {
    /// Where it stands, as a JSON Pointer.
    pub place: String,
    /// Why it was left out.
    pub reason: String,
}

impl OperationKey {
    /// `PATCH /v1/leads/{id}`
    pub fn text(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Parameter {
    /// Whether it carries the key by which an API knows a repeat: a task has a member of its own for that.
    pub(super) fn is_idempotency_key(&self) -> bool {
        self.location == Location::Header && self.name.eq_ignore_ascii_case("idempotency-key")
    }
}

impl Content {
    /// Whether it is JSON (RFC 6839, section 3.1).
    pub fn is_json(&self) -> bool {
        is_json(&self.media_type)
    }

    /// Whether it is a form.
    pub fn is_form(&self) -> bool {
        essence(&self.media_type) == FORM
    }
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A media type without its parameters, in lower case.
pub(super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(super) fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    // What takes anything takes JSON.
    matches!(essence.as_str(), "application/json" | "*/*" | "application/*") || essence.ends_with("+json")
}
