//! An operation's reference docs: what people read, on a terminal, as JSON or on a page.

use serde::Serialize;

use super::fields::{self, Field};
use super::operation::{Content, Location, Operation, Security, Style};

/// The reference docs of an operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationDocs {
    /// What names it on the command line.
    pub operation: String,
    /// In capitals.
    pub method: String,
    /// With the base URL, where that is known.
    pub url: String,
    /// In a few words.
    pub summary: String,
    /// In many; often Markdown.
    pub description: String,
    /// Whether it will go away.
    pub deprecated: bool,
    /// What it belongs to.
    pub tags: Vec<String>,
    /// Those of the path first.
    pub parameters: Vec<ParameterDocs>,
    /// Whether a request must have content.
    pub content_required: bool,
    /// The content of a request, once for every media type.
    pub contents: Vec<ContentDocs>,
    /// What may come back.
    pub answers: Vec<AnswerDocs>,
    /// The ways to authenticate.
    pub security: Vec<Security>,
    /// Whether a request without authentication is allowed as well.
    pub anonymous: bool,
    /// What a call costs.
    pub cost: Option<String>,
    /// Whether the same request twice has the effect of one.
    pub repeatable: bool,
    /// Why no task can be made of it, if none can.
    pub unsupported: Option<String>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterDocs {
    /// Where it stands.
    pub location: Location,
    /// How it is written.
    pub style: Style,
    /// Whether it is the credentials' to add.
    pub secret: bool,
    /// What it may be.
    #[serde(flatten)]
    pub field: Field,
}

/// Content of one media type.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentDocs {
    /// `application/json`
    pub media_type: String,
    /// What it may be.
    pub body: Field,
}

/// What may come back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerDocs {
    /// `200`, `2XX` or `default`.
    pub status: String,
    /// What it means.
    pub description: String,
    /// Its content.
    pub contents: Vec<ContentDocs>,
}

impl OperationDocs {
    /// Of an operation; `name` is what names it on the command line, `server` the base URL in place of the document's.
    pub fn of(operation: &Operation, name: &str, server: Option<&str>) -> Self {
        let entry = &operation.entry;
        let server = server.or(operation.servers.first().map(String::as_str)).unwrap_or_default();
        let mut parameters: Vec<_> = operation.parameters.iter().map(parameter).collect();
        parameters.sort_by_key(|parameter| parameter.location as u8);
        Self {
            operation: name.to_owned(),
            method: entry.key.method.clone(),
            url: format!("{}{}", server.trim_end_matches('/'), entry.key.path),
            summary: entry.summary.clone(),
            description: entry.description.clone(),
            deprecated: entry.deprecated,
            tags: entry.tags.clone(),
            parameters,
            content_required: operation.content_required,
            contents: operation.contents.iter().map(content).collect(),
            answers: operation
                .answers
                .iter()
                .map(|answer| AnswerDocs {
                    status: answer.status.clone(),
                    description: answer.description.clone(),
                    contents: answer.contents.iter().map(content).collect(),
                })
                .collect(),
            security: operation.security.clone(),
            anonymous: operation.anonymous,
            cost: operation.cost.clone(),
            repeatable: operation.repeatable,
            unsupported: super::prepared::unsupported(operation).map(|why| why.to_string()),
        }
    }
}

fn parameter(parameter: &super::Parameter) -> ParameterDocs {
    let mut field = fields::field(&parameter.schema, &parameter.name, parameter.required);
    // What is said of the parameter is said of this use.
    if !parameter.description.is_empty() {
        field.description.clone_from(&parameter.description);
    }
    field.deprecated |= parameter.deprecated;
    field.example = parameter.example.clone().or(field.example);
    ParameterDocs { location: parameter.location, style: parameter.style, secret: parameter.secret, field }
}

fn content(content: &Content) -> ContentDocs {
    ContentDocs { media_type: content.media_type.clone(), body: fields::field(&content.schema, "", true) }
}
