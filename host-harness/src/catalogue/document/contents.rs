//! What goes in the content of a request, and what may come back.

use serde_json::{Map, Value, json};

use super::parameters::{example, inline_schema, is_secret_name};
use super::{Found, Reader, is_true};
use crate::catalogue::operation::{Answer, Content, FORM};
use crate::catalogue::reference::Part;
use crate::catalogue::schema::{Dialect, Direction};
use crate::source::pointer;

impl<'d> Reader<'d> {
    /// The content of a request, once for every media type, and whether there must be some.
    pub(super) fn contents(&mut self, found: &Found<'d>, authenticated: bool) -> (Vec<Content>, bool) {
        if self.dialect == Dialect::Swagger2 {
            return self.swagger_contents(found, authenticated);
        }
        let Some(value) = found.written.get("requestBody") else { return (Vec::new(), false) };
        let part = Part { value, place: pointer(&found.place, "requestBody") };
        let Some(part) = self.follow(part) else { return (Vec::new(), false) };
        let Some(body) = self.object(&part, "a request body") else { return (Vec::new(), false) };
        (self.by_media_type(body, &part.place, Direction::Request), is_true(body, "required"))
    }

    /// `content`
    fn by_media_type(&mut self, of: &'d Map<String, Value>, place: &str, direction: Direction) -> Vec<Content> {
        let Some(value) = of.get("content") else { return Vec::new() };
        let part = Part { value, place: pointer(place, "content") };
        let mut contents = Vec::new();
        for (media_type, value) in self.object(&part, "`content`").into_iter().flatten() {
            let place = pointer(&part.place, media_type);
            let part = Part { value, place: place.clone() };
            let Some(written) = self.object(&part, "a media type") else { continue };
            let schema = self.schema(written.get("schema"), &pointer(&place, "schema"), direction);
            let example = self.example(written, &place);
            contents.push(Content { media_type: media_type.clone(), schema, example });
        }
        contents
    }

    /// The example of a media type, given where it stands or elsewhere.
    fn example(&mut self, written: &'d Map<String, Value>, place: &str) -> Option<Value> {
        if let Some(example) = example(written) {
            return Some(example);
        }
        let (name, value) = written.get("examples")?.as_object()?.iter().next()?;
        let part = self.follow(Part { value, place: pointer(&pointer(place, "examples"), name) })?;
        part.value.get("value").cloned()
    }

    /// Swagger 2.0 has the content among the parameters, and its media types beside them.
    fn swagger_contents(&mut self, found: &Found<'d>, authenticated: bool) -> (Vec<Content>, bool) {
        let consumes = self.media_types(found, "consumes");
        let mut form: Vec<(Part<'d>, &'d Map<String, Value>)> = Vec::new();
        for part in self.all_parameters(found) {
            let Some(written) = part.value.as_object() else { continue };
            match written.get("in").and_then(Value::as_str) {
                Some("body") => {
                    let schema =
                        self.schema(written.get("schema"), &pointer(&part.place, "schema"), Direction::Request);
                    let media_types = if consumes.is_empty() { vec!["application/json".to_owned()] } else { consumes };
                    let content = |media_type| Content { media_type, schema: schema.clone(), example: None };
                    return (media_types.into_iter().map(content).collect(), is_true(written, "required"));
                }
                Some("formData") => form.push((part, written)),
                _ => {}
            }
        }
        if form.is_empty() {
            return (Vec::new(), false);
        }
        let has_file = form.iter().any(|(_, written)| written.get("type").is_some_and(|kind| kind == "file"));
        let schema = self.form_schema(&form, &pointer(&found.place, "parameters"), authenticated);
        let required = form.iter().any(|(_, written)| is_true(written, "required"));
        let mut media_types = consumes;
        if !media_types.iter().any(|media_type| media_type != "application/json") {
            media_types.insert(0, if has_file { "multipart/form-data" } else { FORM }.to_owned());
        }
        let content = |media_type| Content { media_type, schema: schema.clone(), example: None };
        (media_types.into_iter().map(content).collect(), required)
    }

    /// One schema of all members of a form. What carries a secret is not among them: the credentials add it.
    fn form_schema(&mut self, form: &[(Part<'d>, &'d Map<String, Value>)], place: &str, authenticated: bool) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (part, written) in form {
            let name = self.text(written, &part.place, "name");
            if name.is_empty() {
                self.omit(part.place.clone(), "a parameter has a `name`");
                continue;
            }
            if properties.contains_key(&name) || (authenticated && is_secret_name(&name)) {
                continue;
            }
            if written.get("type").is_some_and(|kind| kind == "file") {
                self.omit(part.place.clone(), "a file cannot be sent: multipart/form-data is not supported");
                continue;
            }
            properties.insert(name.clone(), inline_schema(written));
            if is_true(written, "required") {
                required.push(name);
            }
        }
        let written = json!({ "type": "object", "properties": properties, "required": required });
        self.schema(Some(&written), place, Direction::Request)
    }

    fn media_types(&mut self, found: &Found<'d>, name: &str) -> Vec<String> {
        let root = self.root.as_object().filter(|_| !found.written.contains_key(name));
        let parts = match root {
            Some(root) => self.list(root, "", name),
            None => self.list(found.written, &found.place, name),
        };
        parts.iter().filter_map(|part| part.value.as_str()).map(str::to_owned).collect()
    }

    /// What may come back.
    pub(super) fn answers(&mut self, found: &Found<'d>) -> Vec<Answer> {
        let Some(value) = found.written.get("responses") else { return Vec::new() };
        let part = Part { value, place: pointer(&found.place, "responses") };
        let produces = match self.dialect {
            Dialect::Swagger2 => self.media_types(found, "produces"),
            _ => Vec::new(),
        };
        let mut answers = Vec::new();
        for (status, value) in self.object(&part, "`responses`").into_iter().flatten() {
            if status.starts_with("x-") {
                continue;
            }
            let at = pointer(&part.place, status);
            if !is_status(status) {
                self.omit(at, format!("`{status}` is no status"));
                continue;
            }
            let Some(part) = self.follow(Part { value, place: at }) else { continue };
            let Some(written) = self.object(&part, "a response") else { continue };
            let contents = if self.dialect == Dialect::Swagger2 {
                self.swagger_answer(written, &part.place, &produces)
            } else {
                self.by_media_type(written, &part.place, Direction::Answer)
            };
            let description = self.text(written, &part.place, "description");
            answers.push(Answer {
                status: status.to_ascii_uppercase().replace("DEFAULT", "default"),
                description,
                contents,
            });
        }
        answers
    }

    fn swagger_answer(&mut self, written: &'d Map<String, Value>, place: &str, produces: &[String]) -> Vec<Content> {
        let Some(schema) = written.get("schema") else { return Vec::new() };
        let schema = self.schema(Some(schema), &pointer(place, "schema"), Direction::Answer);
        let examples = written.get("examples").and_then(Value::as_object);
        let media_type = produces.first().map_or("application/json", String::as_str);
        let example = examples.and_then(|examples| examples.get(media_type)).cloned();
        vec![Content { media_type: media_type.to_owned(), schema, example }]
    }
}

/// `200`, `2XX`, `default`.
fn is_status(status: &str) -> bool {
    let bytes = status.as_bytes();
    let class = bytes.first().is_some_and(|digit| (b'1'..=b'5').contains(digit));
    let rest = bytes.get(1..).unwrap_or_default();
    let digits = rest.iter().all(u8::is_ascii_digit) || rest.eq_ignore_ascii_case(b"xx");
    status.eq_ignore_ascii_case("default") || (bytes.len() == 3 && class && digits)
}
