//! What may leave: a TOML file of grants, each for a host, methods, a path, the credentials that may go along, and the
//! closed networks that may be entered. Closed by default: what no grant covers is not sent, and the refusal carries the
//! lines to add.
//!
//! ```toml
//! [[grants]]
//! scheme = "https"              # as here, when absent
//! host = "api.pipedrive.com"    # or "*.pipedrive.com": one label under it
//! port = 443                    # the scheme's own, when absent
//! methods = ["GET", "PATCH"]
//! path = "/v1/leads/{leadId}"   # "/v1/**": all below
//! credentials = ["pipedrive"]   # none, when absent
//! networks = ["private"]        # the public internet alone, when absent
//! ```

mod grant;
mod path;

use std::io;
use std::path::{Path, PathBuf};

use http::Method;
use serde::Deserialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use self::grant::GrantFile;
pub use self::grant::{ENTRY, Grant};
pub use self::path::{PathError, PathTemplate};
use crate::network::Networks;
use crate::origin::Origin;
use crate::settings_file::{self, FileError};
use crate::target::{Target, TargetError};

/// The grants of a host.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    grants: Vec<Grant>,
    /// Named in a refusal, so that the reader knows where to add the lines.
    file: Option<PathBuf>,
    stand_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantsFile {
    #[serde(default)]
    grants: Vec<GrantFile>,
}

/// What must be granted for a request, or for all requests of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    method: Method,
    origin: Origin,
    path: PathTemplate,
    credentials: Option<String>,
}

impl Need {
    /// Of a request to this target.
    pub fn of_request(method: &Method, target: &Target, credentials: Option<&str>) -> Self {
        Self {
            method: method.clone(),
            origin: target.origin().clone(),
            path: PathTemplate::of_target(target),
            credentials: credentials.map(str::to_owned),
        }
    }

    /// Of a task, by its method and its URL as they are written: each expression stands for any segment.
    pub fn of_task(method: &str, url: &str, credentials: Option<&str>) -> Result<Self, TargetError> {
        // No expression is in what comes before the path.
        let path_at = url.find("://").map(|at| at + 3).and_then(|at| Some(at + url[at..].find(['/', '\\', '?', '#'])?));
        let target = Target::of(&url[..path_at.unwrap_or(url.len())])?;
        // A method that there is not is the component's to refuse.
        let method = method.parse().unwrap_or_default();
        Ok(Self { path: PathTemplate::of_written(url), ..Self::of_request(&method, &target, credentials) })
    }

    /// Where the request goes.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The reference of the credentials, where some are to be used.
    pub fn credentials(&self) -> Option<&str> {
        self.credentials.as_deref()
    }
}

impl Grants {
    /// Grants that are not from a file.
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        Self { grants: grants.into_iter().collect(), ..Self::default() }
    }

    /// Everything at these origins.
    pub fn for_origins(origins: impl IntoIterator<Item = Origin>) -> Self {
        Self::new(origins.into_iter().map(|origin| Grant::of_origin(&origin)))
    }

    /// Reads a grants file. One that does not exist grants nothing.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file: Option<GrantsFile> = settings_file::read(path)?;
        let grants = file.map_or_else(Vec::new, |file| file.grants);
        Ok(Self { file: Some(path.to_owned()), ..Self::new(grants.into_iter().map(Grant::from)) })
    }

    /// The stand-in's own grant: Pipedrive's servers, which it stands in for, and no other.
    pub(crate) fn for_stand_in() -> Self {
        Self { stand_in: true, ..Self::default() }
    }

    /// Whether a request may leave, and the closed networks that are open for it; a refusal says what to add, and where.
    pub fn check(&self, need: &Need) -> Result<Networks, Refusal> {
        self.allow(need, PathTemplate::covers)
    }

    /// Whether some request of a task may leave, by what is known before it has an input.
    pub fn check_task(&self, need: &Need) -> Result<Networks, Refusal> {
        self.allow(need, PathTemplate::meets)
    }

    fn allow(&self, need: &Need, fits: impl Fn(&PathTemplate, &PathTemplate) -> bool) -> Result<Networks, Refusal> {
        let origin = &need.origin;
        if self.stand_in {
            return match origin.is_under("pipedrive.com") || origin.to_string() == "https://pipedrive.com" {
                true => Ok(Networks::new()),
                false => Err(Refusal::new(
                    format!("the stand-in is a Pipedrive, and this request goes to {origin}"),
                    "leave out --stand-in to send it to its own server",
                )),
            };
        }
        let place = self.file.as_ref().map_or_else(String::new, |file| format!(" in {}", file.display()));
        let refused = |why: String| Err(Refusal::to_be_granted(why, Grant::least(need)));
        let mut grants: Vec<_> = self.grants.iter().filter(|grant| grant.names_origin(origin)).collect();
        if grants.is_empty() {
            return refused(format!("no grant{place} names {origin}"));
        }
        grants.retain(|grant| grant.allows_method(&need.method));
        if grants.is_empty() {
            return refused(format!("no grant{place} allows {} at {origin}", need.method));
        }
        grants.retain(|grant| fits(grant.path(), &need.path));
        if grants.is_empty() {
            return refused(format!("no grant{place} allows {} {} at {origin}", need.method, need.path));
        }
        grants.retain(|grant| grant.allows_credentials(need.credentials()));
        if grants.is_empty() {
            let reference = need.credentials().unwrap_or_default();
            return refused(format!("no grant{place} lets the credentials `{reference}` be used there"));
        }
        let networks: Networks = grants.iter().flat_map(|grant| grant.networks()).copied().collect();
        let named = grant::named_networks(origin);
        let closed: Vec<_> = named.difference(&networks).map(|network| format!("`{network}`")).collect();
        if !closed.is_empty() {
            let closed = closed.join(" and ");
            return refused(format!("no grant{place} opens the network {closed}, where {origin} is"));
        }
        Ok(networks)
    }
}

/// Why nothing was sent, and the remedy.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Who refuses what.
    pub message: String,
    remedy: Remedy,
}

#[derive(Debug, Clone, PartialEq)]
enum Remedy {
    None,
    Hint(String),
    Grant(Box<Grant>),
}

impl Refusal {
    /// One that these words help against.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: Remedy::Hint(hint.into()) }
    }

    /// One that nothing but another request helps against.
    pub(crate) fn for_good(message: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: Remedy::None }
    }

    /// One that a grant would lift.
    pub(crate) fn to_be_granted(message: impl Into<String>, grant: Grant) -> Self {
        Self { message: message.into(), remedy: Remedy::Grant(Box::new(grant)) }
    }

    /// With the grant for all requests of a task instead of for the one that was refused.
    pub(crate) fn for_task(mut self, url: &str) -> Self {
        if let Remedy::Grant(grant) = &mut self.remedy {
            grant.open_to(PathTemplate::of_written(url));
        }
        self
    }

    /// What would allow it, ready to paste.
    pub fn hint(&self) -> Option<String> {
        match &self.remedy {
            Remedy::None => None,
            Remedy::Hint(hint) => Some(hint.clone()),
            Remedy::Grant(grant) => Some(grant.to_string()),
        }
    }
}

/// The least grants for all of this; what differs only in its methods is one.
pub fn least(needs: &[Need]) -> Vec<Grant> {
    let mut grants: Vec<Grant> = Vec::new();
    for grant in needs.iter().map(Grant::least) {
        if !grants.iter_mut().any(|known| known.join(&grant)) {
            grants.push(grant);
        }
    }
    grants
}

/// Adds the least grants to a file, which is made when it is not there and otherwise keeps its order and comments. Gives
/// those that were new.
pub fn add(path: &Path, needs: &[Need]) -> Result<Vec<Grant>, FileError> {
    let known = Grants::read(path)?;
    let missing: Vec<_> = needs.iter().filter(|need| known.check(need).is_err()).cloned().collect();
    let new = least(&missing);
    if new.is_empty() {
        return Ok(new);
    }
    settings_file::edit(path, |document: &mut DocumentMut| {
        let grants = document.entry("grants").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let tables =
            grants.as_array_of_tables_mut().ok_or_else(|| io::Error::other("`grants` is not a list of tables"))?;
        for grant in &new {
            let entry: DocumentMut = grant.to_string().parse().map_err(io::Error::other)?;
            let mut table = Table::from_iter(entry["grants"][0].as_table().into_iter().flatten());
            table.decor_mut().set_prefix(if tables.is_empty() { "" } else { "\n" });
            tables.push(table);
        }
        Ok(())
    })?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(method: &str, url: &str, credentials: Option<&str>) -> Need {
        Need::of_request(&method.parse().unwrap(), &Target::of(url).unwrap(), credentials)
    }

    fn grants(text: &str) -> Result<Grants, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.toml");
        std::fs::write(&path, text).unwrap();
        Grants::read(&path)
    }

    const ENTRY_OF_LEAD: &str = "[[grants]]\nscheme = \"https\"\nhost = \"api.pipedrive.com\"\nmethods = [\"PATCH\"]\npath = \"/v1/leads/{leadId}\"\ncredentials = [\"pipedrive\"]\n";

    #[test]
    fn every_part_of_a_grant_must_fit() {
        let grants = grants(ENTRY_OF_LEAD).unwrap();
        let lead = "https://api.pipedrive.com/v1/leads/7";
        assert!(grants.check(&need("PATCH", lead, Some("pipedrive"))).is_ok());
        assert!(grants.check(&need("PATCH", lead, None)).is_ok());
        for (method, url, credentials, why) in [
            ("GET", lead, None, "allows GET at https://api.pipedrive.com"),
            ("PATCH", "http://api.pipedrive.com/v1/leads/7", None, "names http://api.pipedrive.com"),
            ("PATCH", "https://api.pipedrive.com:8443/v1/leads/7", None, "names https://api.pipedrive.com:8443"),
            ("PATCH", "https://api.pipedrive.com.evil.example/v1/leads/7", None, "names"),
            ("PATCH", "https://api.pipedrive.com/v1/leads", None, "allows PATCH /v1/leads at"),
            ("PATCH", lead, Some("other"), "lets the credentials `other` be used"),
        ] {
            let refusal = grants.check(&need(method, url, credentials)).unwrap_err();
            assert!(refusal.message.contains(why), "{}", refusal.message);
        }
    }

    #[test]
    fn the_lines_of_a_refusal_grant_what_was_refused_and_nothing_else() {
        for (method, url, credentials) in [
            ("GET", "http://127.0.0.1:8080/a%20b/c", None),
            ("POST", "https://[::1]/x/", Some("mine")),
            ("PUT", "http://localhost/", None),
            ("PATCH", "https://api.example.com/v1/leads/7", Some("pipedrive")),
        ] {
            let wanted = need(method, url, credentials);
            let refusal = Grants::default().check(&wanted).unwrap_err();
            let granted = grants(&refusal.hint().unwrap()).unwrap();
            assert!(granted.check(&wanted).is_ok(), "{url}");
            for other in [
                need("DELETE", url, credentials),
                need(method, &format!("{url}x"), credentials),
                need(method, url, Some("stolen")),
            ] {
                assert!(granted.check(&other).is_err(), "{other:?}");
            }
        }
    }

    #[test]
    fn a_host_that_names_a_closed_network_needs_the_network_granted() {
        let granted =
            grants("[[grants]]\nscheme = \"http\"\nhost = \"localhost\"\nmethods = [\"GET\"]\npath = \"/**\"\n")
                .unwrap();
        let refusal = granted.check(&need("GET", "http://localhost/", None)).unwrap_err();
        assert!(refusal.message.contains("opens the network `loopback`"), "{}", refusal.message);
        assert!(refusal.hint().unwrap().ends_with("networks = [\"loopback\"]\n"));
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let granted = grants("[[grants]]\nhost = \"*.Pipedrive.com\"\nmethods = [\"GET\"]\npath = \"/**\"\n").unwrap();
        for (host, allowed) in [
            ("acme.pipedrive.com", true),
            ("pipedrive.com", false),
            ("a.b.pipedrive.com", false),
            ("xpipedrive.com", false),
        ] {
            assert_eq!(granted.check(&need("GET", &format!("https://{host}/"), None)).is_ok(), allowed, "{host}");
        }
    }

    #[test]
    fn the_least_grant_of_a_task_has_its_path_as_it_is_written() {
        let url = "https://api.pipedrive.com/v1/leads/${leadId}?x=${y}";
        let wanted = Need::of_task("PATCH", url, Some("pipedrive")).unwrap();
        assert_eq!(Grant::least(&wanted).to_string(), ENTRY_OF_LEAD);
        // What one request is refused for is told for the whole task.
        let request = need("PATCH", "https://api.pipedrive.com/v1/leads/7", Some("pipedrive"));
        let refusal = Grants::default().check(&request).unwrap_err().for_task(url);
        assert_eq!(refusal.hint().as_deref(), Some(ENTRY_OF_LEAD));
    }

    #[test]
    fn a_task_is_refused_before_it_has_an_input_only_for_what_no_input_changes() {
        let one = grants(&ENTRY_OF_LEAD.replace("{leadId}", "7")).unwrap();
        let task = |url| Need::of_task("PATCH", url, None).unwrap();
        assert!(one.check_task(&task("https://api.pipedrive.com/v1/leads/${id}")).is_ok());
        assert!(one.check(&task("https://api.pipedrive.com/v1/leads/${id}")).is_err());
        assert!(one.check_task(&task("https://api.pipedrive.com/v1/deals/${id}")).is_err());
    }

    #[test]
    fn adding_keeps_what_the_file_says_and_adds_each_grant_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/grants.toml");
        let [one, again, two] = [
            need("GET", "https://one.example/x", None),
            need("PUT", "https://one.example/x", None),
            need("GET", "https://two.example/x", None),
        ];
        assert_eq!(add(&path, std::slice::from_ref(&two)).unwrap().len(), 1);
        std::fs::write(&path, format!("# mine\n{}", std::fs::read_to_string(&path).unwrap())).unwrap();
        let new = add(&path, &[one, two.clone(), again]).unwrap();
        let [new] = new.as_slice() else { panic!("{new:?}") };
        assert!(new.to_string().contains("methods = [\"GET\", \"PUT\"]"), "{new}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("# mine\n{}\n{new}", Grant::least(&two)));
    }

    #[test]
    fn a_file_that_says_something_unknown_grants_nothing() {
        let good = "[[grants]]\nhost = \"a.example\"\nmethods = [\"GET\"]\npath = \"/\"\n";
        assert!(grants(good).is_ok());
        for (from, to) in [
            ("[[grants]]", "[[grant]]"),
            ("a.example", "https://a.example"),
            ("a.example", "a.example:1"),
            ("a.example", "*"),
            ("a.example", "*.*.example"),
            ("a.example", "a.*.example"),
            ("a.example", "*.127.0.0.1"),
            ("a.example", "a.example."),
            ("GET", "get"),
            ("GET", "*"),
            ("\"/\"", "\"x\""),
            ("path = \"/\"", ""),
            ("path", "networks = [\"lan\"]\npath"),
            ("path", "scheme = \"ftp\"\npath"),
            ("path", "origin = \"https://a\"\npath"),
        ] {
            assert!(grants(&good.replace(from, to)).is_err(), "{to}");
        }
    }
}
