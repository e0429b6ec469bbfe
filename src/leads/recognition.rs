//! Any request that is this operation, by its method, host and path, is held to the operation's rules, whoever wrote it.

use serde_json::Value;

use super::{NOTHING, Update, check_lead_id, fields};
use crate::json;
use crate::problem::{Found, Place, Problem};
use crate::request::{Body, Request};
use crate::step::{Content, Method, Step};
use crate::template::Template;

/// What stands before `/leads`.
pub(super) const PREFIXES: [&str; 2] = ["/v1", "/api/v1"];

/// What it takes to be told: the body that an update has.
const EXAMPLE: &str = r#"{"title": "40 office chairs"}"#;

/// `api.pipedrive.com`, or the host of a company.
pub(super) fn is_vendor(host: &str) -> bool {
    host.to_ascii_lowercase()
        .strip_suffix(".pipedrive.com")
        .is_some_and(|company| !company.is_empty() && !company.contains('.'))
}

/// What stands for the lead's id in the URL, if this is the operation.
fn lead_of<'u>(method: &str, url: &'u str) -> Option<&'u str> {
    let (_, rest) = url.split_once("://").filter(|_| method == Method::Patch.name())?;
    let (host, path) = rest.split_at(rest.find('/')?);
    let path = path.split('?').next().filter(|_| is_vendor(host))?;
    let (prefix, lead_id) = path.split_once("/leads/")?;
    (PREFIXES.contains(&prefix) && !lead_id.is_empty() && !lead_id.contains('/')).then_some(lead_id)
}

impl Update {
    /// The lead update that a request is, if it is one, or all that is wrong with it.
    pub fn recognise(request: &Request) -> Result<Option<Self>, Vec<Problem>> {
        let Some(lead_id) = lead_of(request.method, &request.url) else { return Ok(None) };
        let mut found = Found::default();
        let place = Place::root().member("httpRequest");
        check_lead_id(lead_id, &place.member("url"), &mut found);
        let place = place.member("body");
        let body = match &request.body {
            // The request made this text of JSON that it had read.
            Body::Json(text) => json::parse(text).ok(),
            Body::None | Body::Text(_) => None,
        };
        match &body {
            Some(Value::Object(changes)) if changes.is_empty() => {
                found.problem(Problem::new(&place, NOTHING).hint(EXAMPLE));
            }
            Some(Value::Object(changes)) => fields::check(fields::changes_of(changes, &place), &place, &mut found),
            _ => found.problem(not_an_object(&place)),
        }
        let warnings = found.warnings()?;
        let Some(Value::Object(changes)) = body else { return Ok(None) };
        Ok(Some(Self { lead_id: lead_id.to_owned(), changes, warnings }))
    }
}

/// What can be said of a step that is this operation before there is an input: of all that is written out.
pub fn check(step: &Step) -> Found {
    let mut found = Found::default();
    let url = step.url.written();
    let Some(lead_id) = lead_of(step.method.name(), &url) else { return found };
    let place = Place::root().member("httpRequest");
    if !lead_id.contains(crate::url::EXPRESSION) {
        check_lead_id(lead_id, &place.member("url"), &mut found);
    }
    let place = place.member("body");
    match &step.content {
        Content::Body(Template::Literal(Value::Object(changes))) if changes.is_empty() => {
            found.problem(Problem::new(&place, NOTHING).hint(EXAMPLE));
        }
        Content::Body(Template::Literal(Value::Object(changes))) => {
            fields::check(fields::changes_of(changes, &place), &place, &mut found);
        }
        Content::Body(Template::Object(members)) => {
            let written = members.iter().filter_map(|(name, template)| match template {
                Template::Literal(value) => Some(fields::Change { name, value, place: place.member(name) }),
                _ => None,
            });
            fields::check(written, &place, &mut found);
        }
        // One that may turn out to be an object.
        Content::Body(Template::Whole(_)) => {}
        Content::None | Content::Form(_) | Content::Body(_) => found.problem(not_an_object(&place)),
    }
    found
}

fn not_an_object(place: &Place) -> Problem {
    Problem::new(place, "an update of a lead has a JSON object of the fields that change").hint(EXAMPLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";

    #[test]
    fn the_operation_is_known_by_its_method_host_and_path() {
        for (method, url, is) in [
            ("PATCH", "https://api.pipedrive.com/v1/leads/ID", true),
            ("PATCH", "https://api.pipedrive.com/api/v1/leads/ID", true),
            ("PATCH", "https://acme.pipedrive.com/api/v1/leads/ID?x=1", true),
            ("PATCH", "https://acme.pipedrive.com/v1/leads/ID", true),
            ("PUT", "https://api.pipedrive.com/v1/leads/ID", false),
            ("PATCH", "https://api.pipedrive.com/v2/leads/ID", false),
            ("PATCH", "https://api.pipedrive.com/v1/leads/", false),
            ("PATCH", "https://api.pipedrive.com/v1/leads/ID/x", false),
            ("PATCH", "https://api.pipedrive.com/v1/leadLabels/ID", false),
            ("PATCH", "https://api.pipedrive.com:8443/v1/leads/ID", false),
            ("PATCH", "https://pipedrive.com/v1/leads/ID", false),
            ("PATCH", "https://a.b.pipedrive.com/v1/leads/ID", false),
            ("PATCH", "https://api.pipedrive.com.evil.example/v1/leads/ID", false),
            ("PATCH", "https://evilpipedrive.com/v1/leads/ID", false),
            ("PATCH", "https://api.pipedrive.com", false),
        ] {
            assert_eq!(lead_of(method, url), is.then_some("ID"), "{method} {url}");
        }
    }

    /// The problems and the warnings of `check`, by their places.
    fn checked(url: &str, rest: &str) -> [Vec<String>; 2] {
        let definition = format!(r#"{{"httpRequest": {{"method": "PATCH", "url": "{url}"{rest}}}}}"#);
        let Found { problems, warnings } = check(&Step::read(&definition).unwrap());
        [problems, warnings].map(|all| all.into_iter().map(|problem| problem.place).collect())
    }

    #[test]
    fn what_is_written_out_is_checked_without_an_input() {
        const URL: &str = "https://api.pipedrive.com/v1/leads/${leadId}";
        assert_eq!(
            checked(URL, r#", "body": {"title": "${t}", "titel": 1}"#),
            [vec![], vec!["/httpRequest/body/titel".to_owned()]]
        );
        assert_eq!(checked(URL, r#", "body": "${changes}""#), [vec![], Vec::<String>::new()]);
        for (url, rest, place) in [
            ("https://api.pipedrive.com/v1/leads/7", r#", "body": {"title": "x"}"#, "/httpRequest/url"),
            (URL, r#", "body": {"title": "${t}", "owner_id": null}"#, "/httpRequest/body/owner_id"),
            (URL, r#", "body": {"visible_to": 3}"#, "/httpRequest/body/visible_to"),
            (URL, r#", "body": {}"#, "/httpRequest/body"),
            (URL, r#", "body": []"#, "/httpRequest/body"),
            (URL, r#", "body": "x ${changes}""#, "/httpRequest/body"),
            (URL, r#", "form": {"title": "x"}"#, "/httpRequest/body"),
            (URL, "", "/httpRequest/body"),
        ] {
            assert_eq!(checked(url, rest), [vec![place.to_owned()], vec![]], "{rest}");
        }
        assert_eq!(checked("https://elsewhere.example/v1/leads/7", ""), [vec![], Vec::<String>::new()]);
    }

    #[test]
    fn a_request_that_is_the_operation_keeps_its_rules() {
        let recognised = |body: &str, input: &str| {
            let url = format!("https://acme.pipedrive.com/api/v1/leads/{LEAD}");
            let definition = format!(r#"{{"httpRequest": {{"method": "PATCH", "url": "{url}", "body": {body}}}}}"#);
            let request = Request::prepare(&Step::read(&definition).unwrap(), input, None).unwrap();
            Update::recognise(&request).map(|update| update.unwrap().changes.len())
        };
        assert_eq!(recognised(r#"{"title": "${t}", "x": 1}"#, r#"{"t": "x"}"#), Ok(2));
        assert_eq!(recognised(r#"{"title": "${t}"}"#, r#"{"t": ""}"#).unwrap_err()[0].place, "/httpRequest/body/title");
        assert_eq!(recognised(r#"{"title": "${?t}"}"#, "{}").unwrap_err()[0].message, NOTHING);
        assert_eq!(recognised(r#""${b}""#, r#"{"b": [1]}"#).unwrap_err()[0].place, "/httpRequest/body");
    }
}
