//! A cURL command as people paste it → an HTTP Task. A secret in it goes no further: the task names credentials in its place.
//!
//! What the command says and a task has not is told; what would send something else than cURL is an error, all of it at once.

mod content;
mod option;
mod secret;
mod url;
mod words;

use std::fmt::{self, Display};

use serde_json::{Map, Value, json};

use self::content::{grouped, pairs};
use self::option::option;
use self::secret::{is_secret, reference_of};
use crate::redaction::Secret;
use crate::workflow::literal;

/// A command that was read. It cannot be printed: the secrets are in it.
pub struct Imported {
    /// What the task may be called.
    pub name: String,
    /// The task object, but for where it leads.
    pub task: Map<String, Value>,
    /// What the command says and the task has not, and why.
    pub left_out: Vec<String>,
    /// How the secret that was in it is sent.
    pub secret: Option<SecretPlace>,
    /// All secrets that were in it.
    pub secrets: Vec<Secret>,
}

/// Where a request carries its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// A header field.
    Header(String),
    /// A parameter of the URL.
    Query(String),
    /// This user's password.
    Basic(String),
    /// `authorization: Bearer …`
    Bearer,
}

/// Why a command cannot be read: everything that is wrong with it. Nothing of its values is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurlError(pub Vec<String>);

impl Display for CurlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for CurlError {}

/// Reads a command, with or without `curl` before it.
pub fn import(command: &str) -> Result<Imported, CurlError> {
    let words =
        words::split(command).ok_or_else(|| CurlError(vec!["a quote in the command is not closed".to_owned()]))?;
    let mut reading = Reading::default();
    reading.read(words);
    reading.task()
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Header fields that are the host's to say.
const FIELDS_OF_THE_HOST: [&str; 7] =
    ["host", "content-length", "connection", "transfer-encoding", "accept-encoding", "te", "upgrade"];

#[derive(Default)]
struct Reading {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    /// Pieces that cURL joins with `&`.
    data: Vec<String>,
    is_json: bool,
    as_query: bool,
    is_head: bool,
    query: Vec<(String, String)>,
    connection_seconds: Option<u64>,
    read_seconds: Option<u64>,
    attempts: Option<u64>,
    secret: Option<SecretPlace>,
    secrets: Vec<Secret>,
    left_out: Vec<String>,
    problems: Vec<String>,
}

impl Reading {
    fn read(&mut self, words: Vec<String>) {
        let mut words = words.into_iter().peekable();
        let is_curl = words.next_if(|word| word == "curl" || word.ends_with("/curl") || word == "curl.exe").is_some();
        if !is_curl && words.peek().is_some_and(|word| !word.starts_with('-') && !word.contains(['.', '/', ':'])) {
            self.problems.push("this is no cURL command".to_owned());
            return;
        }
        while let Some(word) = words.next() {
            if !word.starts_with('-') || word == "-" {
                self.set_url(word);
                continue;
            }
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
                _ => (word.clone(), None),
            };
            if name.starts_with("--") {
                match option(&name) {
                    Some((meaning, true)) => match attached.or_else(|| words.next()) {
                        Some(value) => self.apply(meaning, &name, &value),
                        None => self.problems.push(format!("`{name}` has no value")),
                    },
                    Some((meaning, false)) => self.apply(meaning, &name, ""),
                    None => self.problems.push(format!("the option `{name}` is not known here")),
                }
                continue;
            }
            // `-sSX POST` and `-XPOST`: flags together, and a value that follows at once.
            let letters = word[1..].char_indices();
            for (at, letter) in letters {
                let name = format!("-{letter}");
                match option(&name) {
                    Some((meaning, true)) => {
                        let rest = &word[1 + at + letter.len_utf8()..];
                        let value = if rest.is_empty() { words.next() } else { Some(rest.to_owned()) };
                        match value {
                            Some(value) => self.apply(meaning, &name, &value),
                            None => self.problems.push(format!("`{name}` has no value")),
                        }
                        break;
                    }
                    Some((meaning, false)) => self.apply(meaning, &name, ""),
                    None => {
                        self.problems.push(format!("the option `{name}` is not known here"));
                        break;
                    }
                }
            }
        }
    }

    fn set_url(&mut self, url: String) {
        if self.url.is_some() {
            self.problems.push("the command has several URLs, and a task sends one request".to_owned());
        }
        self.url = Some(url);
    }

    fn apply(&mut self, meaning: &str, name: &str, value: &str) {
        match meaning {
            "request" => self.method = Some(value.to_owned()),
            "url" => self.set_url(value.to_owned()),
            "header" => self.header(value),
            "user-agent" => self.headers.push(("User-Agent".to_owned(), value.to_owned())),
            "referer" => self.headers.push(("Referer".to_owned(), value.to_owned())),
            "cookie" if !value.contains('=') => self.reads_a_file(name),
            "cookie" => self.header(&format!("Cookie: {value}")),
            "user" => {
                let (user, password) = value.split_once(':').unwrap_or((value, ""));
                self.keep_user(user, password);
            }
            "oauth2-bearer" => self.keep_secret(SecretPlace::Bearer, value),
            "data" | "data-binary" | "json" if value.starts_with('@') => self.reads_a_file(name),
            "data" => self.data.push(value.replace(['\r', '\n'], "")),
            "data-raw" | "data-binary" => self.data.push(value.to_owned()),
            "json" => {
                self.is_json = true;
                self.data.push(value.to_owned());
            }
            "data-urlencode" | "url-query" => self.encoded(meaning, name, value),
            "get" => self.as_query = true,
            "head" => self.is_head = true,
            "connect-timeout" => self.connection_seconds = self.seconds(name, value),
            "max-time" => self.read_seconds = self.seconds(name, value),
            "retry" => self.attempts = value.parse().ok().map(|retries: u64| retries.saturating_add(1)),
            "form" | "upload-file" => {
                self.problems.push(format!("`{name}`: multipart/form-data and files are not supported"));
            }
            "config" => self.reads_a_file(name),
            "insecure" => self
                .left_out
                .push(format!("`{name}`: TLS is always verified; transport.toml can trust more authorities")),
            "location" => {
                self.left_out.push(format!("`{name}`: no redirect is followed; write the URL that it leads to"))
            }
            "proxy" => self.left_out.push(format!("`{name}`: a proxy is the host's, in transport.toml")),
            "certificate" => self.left_out.push(format!("`{name}`: certificates are the host's, in transport.toml")),
            "resolve" => self.left_out.push(format!("`{name}`: names are resolved by the host")),
            // How cURL shows things is no matter here.
            _ => {}
        }
    }

    fn reads_a_file(&mut self, name: &str) {
        self.problems.push(format!("`{name}` reads a file; put what is in it in its place"));
    }

    fn seconds(&mut self, name: &str, value: &str) -> Option<u64> {
        let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0 && *seconds < 1e9);
        if seconds.is_none() {
            self.problems.push(format!("`{name}` must be a number of seconds"));
        }
        // cURL takes 0 for no limit.
        seconds.filter(|seconds| *seconds > 0.0).map(|seconds| seconds.ceil() as u64)
    }

    /// `content`, `=content`, `name=content`; what reads a file is refused.
    fn encoded(&mut self, meaning: &str, option: &str, value: &str) {
        let (name, content) = match value.split_once('=') {
            Some((name, content)) => (name, content),
            None if value.contains('@') => return self.reads_a_file(option),
            None => ("", value),
        };
        if meaning == "url-query" {
            let name = name.strip_prefix('+').unwrap_or(name);
            self.query.push((name.to_owned(), content.to_owned()));
            return;
        }
        let encoded: String = ::url::form_urlencoded::byte_serialize(content.as_bytes()).collect();
        self.data.push(if name.is_empty() { encoded } else { format!("{name}={encoded}") });
    }

    fn header(&mut self, written: &str) {
        if written.starts_with('@') {
            return self.reads_a_file("--header");
        }
        let (name, value) = match (written.split_once(':'), written.strip_suffix(';')) {
            (Some((name, value)), _) if !value.trim().is_empty() => (name.trim(), value.trim()),
            // `Name:` takes off what cURL would add, which is not added here.
            (Some(_), _) => return,
            (None, Some(name)) => (name, ""),
            (None, None) => return self.problems.push("a header is written `Name: value`".to_owned()),
        };
        let lower = name.to_ascii_lowercase();
        if FIELDS_OF_THE_HOST.contains(&lower.as_str()) || lower.starts_with("sec-") {
            if lower == "host" {
                self.left_out.push("the header Host: it is the URL's".to_owned());
            }
            return;
        }
        if lower == "authorization" {
            return match value.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                    self.keep_secret(SecretPlace::Bearer, token)
                }
                Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => self.basic(pair),
                _ => self.keep_secret(SecretPlace::Header(lower), value),
            };
        }
        if is_secret(&lower) || lower == "cookie" {
            return self.keep_secret(SecretPlace::Header(lower), value);
        }
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn basic(&mut self, encoded: &str) {
        use base64::Engine as _;
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok();
        let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        self.secrets.push(Secret::new(encoded.trim().to_owned()));
        let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
        self.keep_user(user, password);
    }

    /// A user without a password is a key.
    fn keep_user(&mut self, user: &str, password: &str) {
        if password.is_empty() {
            self.left_out
                .push("the user without a password: it is taken for a key, and sent as a bearer token".to_owned());
            self.keep_secret(SecretPlace::Bearer, user);
        } else {
            self.keep_secret(SecretPlace::Basic(user.to_owned()), password);
        }
    }

    /// A task has one credential.
    fn keep_secret(&mut self, place: SecretPlace, secret: &str) {
        if !secret.is_empty() {
            self.secrets.push(Secret::new(secret.to_owned()));
        }
        match &self.secret {
            None => self.secret = Some(place),
            Some(_) => {
                let named = match place {
                    SecretPlace::Header(name) => format!("the header {name}"),
                    SecretPlace::Query(name) => format!("the parameter {name}"),
                    SecretPlace::Basic(_) => "user and password".to_owned(),
                    SecretPlace::Bearer => "the bearer token".to_owned(),
                };
                self.left_out.push(format!("{named}: it carries a secret as well, and a task has one credential"));
            }
        }
    }

    fn task(mut self) -> Result<Imported, CurlError> {
        let data = self.data.join("&");
        let has_data = !self.data.is_empty();
        let url = self.url();
        if self.as_query && has_data {
            match pairs(&data) {
                Some(pairs) => self.query.extend(pairs),
                None => self.problems.push("the data that `-G` moves to the query are no `name=value`".to_owned()),
            }
        }
        let method = match (&self.method, self.is_head, has_data && !self.as_query) {
            (Some(method), ..) => method.clone(),
            (None, true, _) => "HEAD".to_owned(),
            (None, false, true) => "POST".to_owned(),
            (None, false, false) => "GET".to_owned(),
        };
        if !METHODS.contains(&method.as_str()) {
            self.problems.push(format!("a task has the methods {}", METHODS.join(", ")));
        }
        let mut request = Map::new();
        request.insert("method".to_owned(), json!(method));
        let host = url.as_ref().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let path = url.as_ref().map(|url| url.path().to_owned()).unwrap_or_default();
        if let Some(mut url) = url {
            let own = self.own_query(&url);
            if own {
                url.set_query(None);
            }
            let text = url.as_str().replace("${", "%24%7B").replace("$%7B", "%24%7B");
            request.insert("url".to_owned(), json!(text));
        }
        self.take_secrets_of_the_query();
        let content = (has_data && !self.as_query).then(|| self.content(data));
        let headers = self.literals(self.headers.clone(), "a header");
        let query = self.literals(self.query.clone(), "the query");
        for (name, members) in [("headers", headers), ("query", query)] {
            if !members.is_empty() {
                request.insert(name.to_owned(), Value::Object(members));
            }
        }
        if let Some((name, value)) = content {
            match literal(&value) {
                Some(mut value) => {
                    self.take_secrets_of_content(&mut value);
                    request.insert(name.to_owned(), value);
                }
                None => self.problems.push("the content has `${` in it without a `}` that closes it".to_owned()),
            }
        }
        if !self.problems.is_empty() {
            let mut told = std::collections::BTreeSet::new();
            self.problems.retain(|problem| told.insert(problem.clone()));
            return Err(CurlError(self.problems));
        }
        let mut task = Map::new();
        task.insert("type".to_owned(), json!("Http"));
        if self.secret.is_some() {
            task.insert("credentials".to_owned(), json!(reference_of(&host)));
        }
        task.insert("httpRequest".to_owned(), Value::Object(request));
        if let Some(attempts) = self.attempts {
            task.insert("retry".to_owned(), json!({ "intervalSeconds": 1, "maxAttempts": attempts, "backoffRate": 2 }));
        }
        for (name, seconds) in
            [("connectionTimeoutSeconds", self.connection_seconds), ("readTimeoutSeconds", self.read_seconds)]
        {
            if let Some(seconds) = seconds {
                task.insert(name.to_owned(), json!(seconds));
            }
        }
        let name = format!("{method} {path}");
        Ok(Imported { name, task, left_out: self.left_out, secret: self.secret, secrets: self.secrets })
    }

    fn literals(&mut self, pairs: Vec<(String, String)>, what: &str) -> Map<String, Value> {
        match literal(&Value::Object(grouped(pairs))) {
            Some(Value::Object(members)) => members,
            _ => {
                self.problems.push(format!("{what} has `${{` in it without a `}}` that closes it"));
                Map::new()
            }
        }
    }
}

#[cfg(test)]
mod tests;
