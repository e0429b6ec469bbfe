//! What must authenticate a request.

use serde_json::Value;

use super::{Found, Reader};
use crate::catalogue::operation::{Scheme, Security};
use crate::catalogue::reference::Part;
use crate::source::pointer;

impl<'d> Reader<'d> {
    /// The ways to authenticate, and whether a request may do without.
    pub(super) fn security(&mut self, found: &Found<'d>) -> (Vec<Security>, bool) {
        let root = self.root.as_object().filter(|_| !found.written.contains_key("security"));
        let parts = match root {
            Some(root) => self.list(root, "", "security"),
            None => self.list(found.written, &found.place, "security"),
        };
        let mut anonymous = parts.is_empty();
        let mut ways: Vec<Security> = Vec::new();
        for part in parts {
            let Some(requirement) = self.object(&part, "a security requirement") else { continue };
            anonymous |= requirement.is_empty();
            if requirement.len() > 1 {
                let names: Vec<_> = requirement.keys().map(String::as_str).collect();
                self.omit(part.place.clone(), format!("one of {} is used, not all together", names.join(", ")));
            }
            for (name, scopes) in requirement {
                let Some(scheme) = self.scheme(name, &part.place) else { continue };
                let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                let way = Security { name: name.clone(), scheme, scopes: scopes.collect() };
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        (ways, anonymous)
    }

    fn scheme(&mut self, name: &str, place: &str) -> Option<Scheme> {
        let holders = ["/components/securitySchemes", "/securityDefinitions"];
        let part = holders.iter().find_map(|holder| {
            let place = pointer(holder, name);
            Some(Part { value: self.root.pointer(&place)?, place })
        });
        let Some(part) = part else {
            self.omit(place, format!("there is no security scheme `{name}`"));
            return None;
        };
        let part = self.follow(part)?;
        let written = self.object(&part, "a security scheme")?;
        let text = |name: &str| written.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let scheme = match (text("type").as_str(), text("in").as_str()) {
            ("apiKey", "header") => Scheme::Header { header: text("name").to_ascii_lowercase() },
            ("apiKey", "query") => Scheme::Query { parameter: text("name") },
            ("apiKey", "cookie") => Scheme::Other { kind: format!("the cookie {}", text("name")) },
            ("basic", _) => Scheme::Basic,
            ("http", _) => match text("scheme").to_ascii_lowercase().as_str() {
                "basic" => Scheme::Basic,
                "bearer" => Scheme::Bearer,
                other => Scheme::Other { kind: format!("HTTP {other}") },
            },
            ("oauth2", _) => {
                // Swagger 2.0 has one flow in the scheme itself.
                let flows = written.get("flows").and_then(Value::as_object);
                let for_client = match flows {
                    Some(flows) => flows.contains_key("clientCredentials"),
                    None => text("flow") == "application",
                };
                let of_flow = |flow: &Value| flow.get("tokenUrl")?.as_str().map(str::to_owned);
                let token_url = match flows {
                    Some(flows) => flows.values().find_map(of_flow),
                    None => Some(text("tokenUrl")).filter(|url| !url.is_empty()),
                };
                Scheme::Oauth { token_url, for_client }
            }
            ("openIdConnect", _) => Scheme::Bearer,
            (kind, _) => Scheme::Other { kind: kind.to_owned() },
        };
        Some(scheme)
    }
}
