//! Where an API is: base URLs, variables filled with their defaults.

use serde_json::{Map, Value};

use super::{Found, Reader};
use crate::catalogue::reference::Part;
use crate::catalogue::schema::Dialect;
use crate::source::pointer;

impl<'d> Reader<'d> {
    /// Those of the operation, of its path, or of the document: the first of these that has any. They may be relative to where
    /// the document came from.
    pub(super) fn servers(&mut self, found: &Found<'d>) -> Vec<String> {
        if self.dialect == Dialect::Swagger2 {
            return self.swagger_servers(found);
        }
        let item = found.item.value.as_object().map(|item| (item, found.item.place.as_str()));
        let holders = [Some((found.written, found.place.as_str())), item, self.root.as_object().map(|root| (root, ""))];
        for (holder, place) in holders.into_iter().flatten() {
            let parts = self.list(holder, place, "servers");
            if !parts.is_empty() {
                return parts.into_iter().filter_map(|part| self.server(part)).collect();
            }
        }
        vec!["/".to_owned()]
    }

    fn server(&mut self, part: Part<'d>) -> Option<String> {
        let written = self.object(&part, "a server")?;
        let Some(mut url) = written.get("url").and_then(Value::as_str).map(str::to_owned) else {
            self.omit(part.place, "a server has a `url`");
            return None;
        };
        let variables = written.get("variables").and_then(Value::as_object);
        for (name, variable) in variables.into_iter().flatten() {
            if let Some(value) = variable.get("default").and_then(Value::as_str) {
                url = url.replace(&format!("{{{name}}}"), value);
            }
        }
        if !is_plain(&url) {
            let reason = "a variable has no default, or the URL has what no URL may have";
            self.omit(pointer(&part.place, "url"), reason);
            return None;
        }
        Some(url)
    }

    fn swagger_servers(&mut self, found: &Found<'d>) -> Vec<String> {
        let Some(root) = self.root.as_object() else { return Vec::new() };
        let base = self.text(root, "", "basePath");
        let host = self.text(root, "", "host");
        if !is_plain(&base) || !is_plain(&host) {
            self.omit("/host", "`host` or `basePath` has what no URL may have");
            return Vec::new();
        }
        if host.is_empty() {
            return vec![if base.is_empty() { "/".to_owned() } else { base }];
        }
        let schemes = self.schemes(found.written, &found.place).or_else(|| self.schemes(root, ""));
        let mut schemes = schemes.unwrap_or_else(|| vec!["https".to_owned()]);
        // What is sealed comes first, wherever it stands.
        schemes.sort_by_key(|scheme| scheme != "https");
        schemes.into_iter().map(|scheme| format!("{scheme}://{host}{base}")).collect()
    }

    fn schemes(&mut self, of: &'d Map<String, Value>, place: &str) -> Option<Vec<String>> {
        let parts = self.list(of, place, "schemes");
        let schemes = parts.iter().filter_map(|part| part.value.as_str()).map(str::to_owned);
        let schemes: Vec<_> = schemes.filter(|scheme| matches!(scheme.as_str(), "https" | "http")).collect();
        (!schemes.is_empty()).then_some(schemes)
    }
}

/// Nothing in it would be taken for an expression, or for something else than a part of a URL.
fn is_plain(text: &str) -> bool {
    !text.contains(|letter: char| matches!(letter, '{' | '}' | '$') || letter.is_control() || letter.is_whitespace())
}
