//! An OpenAPI document (3.0, 3.1) or a Swagger one (2.0) → its operations. Read tolerantly: what is wrong costs that part
//! alone, and is listed with its place and reason. One operation is read whole only when somebody asks for it.

mod contents;
mod parameters;
mod security;
mod servers;

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde_json::{Map, Value};

use super::operation::{Entry, Omission, Operation, OperationKey};
use super::prepared;
use super::reference::{self, Part};
use super::schema::{Dialect, Direction, Translator};
use super::syntax::{self, SyntaxError};
use crate::source::pointer;

/// A document that was read.
#[derive(Debug, Clone)]
pub struct Document {
    value: Value,
    dialect: Dialect,
    /// `info.title`
    pub title: String,
    /// `info.version`
    pub version: String,
    /// Its operations, in the order written.
    pub entries: Vec<Entry>,
    /// What could not be represented.
    pub omissions: Vec<Omission>,
}

/// A document that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// It is no JSON and no YAML, or too large.
    Syntax(SyntaxError),
    /// It says nothing of what makes an API's description.
    NotOpenApi(String),
}

impl Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::NotOpenApi(why) => write!(f, "this is no OpenAPI document: {why}"),
        }
    }
}

impl std::error::Error for DocumentError {}

/// Methods that a path item may have (OpenAPI 3.1, section 4.8.9.1).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Parts that are read of one document, each as often as it is referred to: the largest of real documents have below 100,000.
const MOST_PARTS: usize = 2_000_000;

/// What a path item has beside its operations.
const BESIDE_METHODS: [&str; 5] = ["parameters", "servers", "summary", "description", "$ref"];

impl Document {
    /// Reads a document's text.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        Self::of(syntax::read(bytes).map_err(DocumentError::Syntax)?)
    }

    /// Reads a document that is JSON already.
    pub fn of(value: Value) -> Result<Self, DocumentError> {
        let dialect = dialect(&value).map_err(DocumentError::NotOpenApi)?;
        let mut reader = Reader::new(&value, dialect);
        let operations = reader.operations();
        let mut entries = Vec::with_capacity(operations.len());
        for found in &operations {
            // Whole, for all that is wrong with it; what is kept is what a list shows.
            let operation = reader.operation(found, Schemas::LookedAt);
            if let Some(why) = prepared::unsupported(&operation) {
                reader.omit(found.place.clone(), format!("no task can be made of it: {why}"));
            }
            entries.push(operation.entry);
        }
        reader.look_at_components();
        let mut omissions = reader.into_omissions();
        omissions.sort();
        omissions.dedup();
        // A version that is not in quotes is a number.
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let info = |name: &str| value.pointer(&format!("/info/{name}")).filter(|value| !value.is_null()).map(text);
        let [title, version] = ["title", "version"].map(|name| one_line(&info(name).unwrap_or_default()));
        Ok(Self { dialect, title, version, entries, omissions, value })
    }

    /// The whole document as JSON, as it was read.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// One operation with all its parts.
    pub fn operation(&self, key: &OperationKey) -> Option<Operation> {
        let entry = self.entries.iter().find(|entry| entry.key == *key)?;
        let mut reader = Reader::new(&self.value, self.dialect);
        let found = reader.found(entry)?;
        Some(reader.operation(&found, Schemas::Complete))
    }
}

fn dialect(value: &Value) -> Result<Dialect, String> {
    if !value.is_object() {
        return Err("it is not an object".to_owned());
    }
    let version =
        |name: &str| value.get(name).map(|version| version.as_str().map_or(version.to_string(), str::to_owned));
    match (version("openapi"), version("swagger")) {
        (Some(version), _) if version.starts_with("3.0") => Ok(Dialect::OpenApi30),
        (Some(version), _) if version.starts_with("3.") => Ok(Dialect::OpenApi31),
        (_, Some(version)) if version.starts_with('2') => Ok(Dialect::Swagger2),
        (Some(version), _) => Err(format!("its version is {version}, and 3.0 and 3.1 are known")),
        (None, Some(version)) => Err(format!("its version is {version}, and 2.0 is known")),
        (None, None) => Err("it has neither `openapi` nor `swagger`".to_owned()),
    }
}

/// An operation where it stands.
struct Found<'d> {
    key: OperationKey,
    place: String,
    written: &'d Map<String, Value>,
    item: Part<'d>,
}

/// What is done with schemas on the way.
#[derive(Clone, Copy, PartialEq)]
enum Schemas {
    /// Each is looked at where it stands: linear in the size of the document, whatever refers to what.
    LookedAt,
    /// Each gets all that it refers to.
    Complete,
}

/// Reads parts of one document.
struct Reader<'d> {
    root: &'d Value,
    dialect: Dialect,
    translator: Translator<'d>,
    omissions: Vec<Omission>,
    schemas: Schemas,
    /// Parts that were read so far.
    read: usize,
}

impl<'d> Reader<'d> {
    fn new(root: &'d Value, dialect: Dialect) -> Self {
        let translator = Translator::new(root, dialect);
        Self { root, dialect, translator, omissions: Vec::new(), schemas: Schemas::Complete, read: 0 }
    }

    fn into_omissions(self) -> Vec<Omission> {
        self.omissions.into_iter().chain(self.translator.into_omissions()).collect()
    }

    fn omit(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.omissions.push(Omission { place: place.into(), reason: reason.into() });
    }

    /// A part that may be given by reference.
    fn follow(&mut self, part: Part<'d>) -> Option<Part<'d>> {
        let place = part.place.clone();
        reference::follow(self.root, part).map_err(|reason| self.omit(place, reason)).ok()
    }

    fn object(&mut self, part: &Part<'d>, what: &str) -> Option<&'d Map<String, Value>> {
        // Many may refer to one that has many: a document that says so much is read as far as this.
        self.read += 1;
        if self.read > MOST_PARTS {
            if self.read == MOST_PARTS + 1 {
                self.omit(part.place.clone(), "the document is too large; nothing is read from here on");
            }
            return None;
        }
        if !part.value.is_object() {
            self.omit(part.place.clone(), format!("{what} must be an object"));
        }
        part.value.as_object()
    }

    /// The elements of a list that a part may have.
    fn list(&mut self, of: &'d Map<String, Value>, place: &str, name: &str) -> Vec<Part<'d>> {
        let place = pointer(place, name);
        match of.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(elements)) => {
                self.read += elements.len();
                if self.read > MOST_PARTS {
                    return Vec::new();
                }
                let part = |(index, value)| Part { value, place: format!("{place}/{index}") };
                elements.iter().enumerate().map(part).collect()
            }
            Some(_) => {
                self.omit(place, format!("`{name}` must be a list"));
                Vec::new()
            }
        }
    }

    /// All operations, in the order written.
    fn operations(&mut self) -> Vec<Found<'d>> {
        let Some(paths) = self.root.get("paths") else { return Vec::new() };
        let paths = Part { value: paths, place: "/paths".to_owned() };
        let mut found = Vec::new();
        for (path, value) in self.object(&paths, "`paths`").into_iter().flatten() {
            let place = pointer("/paths", path);
            if path.starts_with("x-") {
                continue;
            }
            if !path.starts_with('/') {
                self.omit(place, "a path begins with `/`");
                continue;
            }
            let Some(item) = self.follow(Part { value, place }) else { continue };
            let Some(members) = self.object(&item, "a path item") else { continue };
            for (name, value) in members {
                let place = pointer(&item.place, name);
                if BESIDE_METHODS.contains(&name.as_str()) || name.starts_with("x-") {
                    continue;
                }
                if !METHODS.contains(&name.as_str()) {
                    self.omit(place, format!("`{name}` is no method"));
                    continue;
                }
                let Some(written) = self.object(&Part { value, place: place.clone() }, "an operation") else {
                    continue;
                };
                let key = OperationKey { method: name.to_ascii_uppercase(), path: path.clone() };
                found.push(Found { key, place, written, item: item.clone() });
            }
        }
        found
    }

    /// An operation that is listed, where it stands.
    fn found(&self, entry: &Entry) -> Option<Found<'d>> {
        let item =
            Part { value: self.root.get("paths")?.get(&entry.key.path)?, place: pointer("/paths", &entry.key.path) };
        let item = reference::follow(self.root, item).ok()?;
        let written = self.root.pointer(&entry.place)?.as_object()?;
        Some(Found { key: entry.key.clone(), place: entry.place.clone(), written, item })
    }

    fn text(&mut self, of: &Map<String, Value>, place: &str, name: &str) -> String {
        match of.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(_) => {
                self.omit(pointer(place, name), format!("`{name}` must be text"));
                String::new()
            }
        }
    }

    fn entry(&mut self, found: &Found<'d>) -> Entry {
        let Found { written, place, .. } = found;
        let description = self.text(written, place, "description");
        let mut summary = first_sentence(&one_line(&self.text(written, place, "summary")));
        if summary.is_empty() {
            summary = first_sentence(&description);
        }
        let id = Some(self.text(written, place, "operationId")).filter(|id| !id.is_empty());
        let tags = self.list(written, place, "tags");
        let tags = tags.iter().filter_map(|tag| tag.value.as_str()).map(str::to_owned).collect();
        Entry {
            key: found.key.clone(),
            id,
            summary,
            description,
            tags,
            fields: self.field_names(found),
            deprecated: is_true(written, "deprecated"),
            place: place.clone(),
        }
    }

    fn operation(&mut self, found: &Found<'d>, schemas: Schemas) -> Operation {
        self.schemas = schemas;
        let entry = self.entry(found);
        let parameters = self.parameters(found);
        let (security, anonymous) = self.security(found);
        let (contents, content_required) = self.contents(found, !security.is_empty());
        let cost = found.written.get("x-cost").map(|cost| cost.as_str().map_or(cost.to_string(), str::to_owned));
        Operation {
            servers: self.servers(found),
            answers: self.answers(found),
            repeatable: is_true(found.written, "x-repeatable"),
            entry,
            parameters: self.without_secrets(parameters, &security),
            contents,
            content_required,
            security,
            anonymous,
            cost,
        }
    }

    /// A schema as it is wanted; anything is taken where there is none.
    fn schema(&mut self, written: Option<&Value>, place: &str, direction: Direction) -> Value {
        match (written, self.schemas) {
            (None, _) => Value::Bool(true),
            (Some(written), Schemas::Complete) => self.translator.complete(written, place, direction),
            (Some(written), Schemas::LookedAt) => {
                self.translator.look_at(written, place);
                Value::Bool(true)
            }
        }
    }

    /// What operations only refer to.
    fn look_at_components(&mut self) {
        for place in ["/components/schemas", "/definitions"] {
            let Some(value) = self.root.pointer(place) else { continue };
            let part = Part { value, place: place.to_owned() };
            for (name, written) in self.object(&part, "what holds schemas").into_iter().flatten() {
                self.translator.look_at(written, &pointer(place, name));
            }
        }
    }

    /// The names by which somebody may look for an operation.
    fn field_names(&mut self, found: &Found<'d>) -> Vec<String> {
        // Choices of choices are looked into as far as somebody may look for them.
        let mut left = 100;
        let mut names = BTreeSet::new();
        let lists = [found.item.value.get("parameters"), found.written.get("parameters")];
        const MOST_PARAMETERS: usize = 200;
        for parameter in lists.into_iter().flatten().filter_map(Value::as_array).flatten().take(MOST_PARAMETERS) {
            let part = Part { value: parameter, place: String::new() };
            let Ok(parameter) = reference::follow(self.root, part) else { continue };
            names.extend(parameter.value.get("name").and_then(Value::as_str).map(str::to_owned));
            if let Some(schema) = parameter.value.get("schema").filter(|_| parameter.value["in"] == "body") {
                self.property_names(schema, &mut names, &mut left);
            }
        }
        if let Some(body) = found.written.get("requestBody")
            && let Ok(body) = reference::follow(self.root, Part { value: body, place: String::new() })
            && let Some(Value::Object(contents)) = body.value.get("content")
        {
            for content in contents.values() {
                if let Some(schema) = content.get("schema") {
                    self.property_names(schema, &mut names, &mut left);
                }
            }
        }
        names.into_iter().collect()
    }

    /// The names of a schema's members, those of its parts included.
    fn property_names(&self, schema: &Value, names: &mut BTreeSet<String>, left: &mut usize) {
        const MOST_NAMES: usize = 500;
        if *left == 0 || names.len() > MOST_NAMES {
            return;
        }
        *left -= 1;
        let Ok(part) = reference::follow(self.root, Part { value: schema, place: String::new() }) else { return };
        if let Some(Value::Object(properties)) = part.value.get("properties") {
            names.extend(properties.keys().take(MOST_NAMES).cloned());
        }
        for parts in ["allOf", "anyOf", "oneOf"].iter().filter_map(|keyword| part.value.get(*keyword)?.as_array()) {
            for part in parts {
                self.property_names(part, names, left);
            }
        }
    }
}

fn is_true(of: &Map<String, Value>, name: &str) -> bool {
    of.get(name) == Some(&Value::Bool(true))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a description begins with, as long as it is short enough for a list.
pub(super) fn first_sentence(description: &str) -> String {
    const MOST_CHARACTERS: usize = 120;
    let line = description.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let sentence = line.split_inclusive(". ").next().unwrap_or(line).trim().trim_end_matches('.');
    match sentence.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &sentence[..end]),
        None => sentence.to_owned(),
    }
}
