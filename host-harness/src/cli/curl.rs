//! A request as a cURL command that can be pasted and run. No secret is in it: the shell that runs it gets the secret from
//! where this host would.

use std::fmt::Write;

use http_task_host::component::Request;
use http_task_host::credentials::{self, Carrier, Entry, KeyringEntry, Kind, SecretSource};

use super::print::{capitals, quoted, shell_word};

/// The request as a cURL command that can be run, with the credential of this entry, which must be bound to where it goes:
/// whoever pastes the command sends it there.
pub(super) fn command(request: &Request, credential: Option<(&str, &Entry)>) -> String {
    let content = request.body.bytes();
    // Asked for a HEAD by `--request`, cURL would wait for content that never comes.
    let method = if request.method == "HEAD" { "--head".to_owned() } else { format!("--request {}", request.method) };
    // As by the host, what the task has in the credential's place is replaced.
    let carrier = credential.map(|(_, entry)| entry.kind.carrier());
    let url = match (&carrier, request.url.split_once('?')) {
        (Some(Carrier::Query(name)), Some((path, query))) => {
            let others: Vec<_> = credentials::other_parameters(query, name).collect();
            if others.is_empty() { path.to_owned() } else { format!("{path}?{}", others.join("&")) }
        }
        _ => request.url.clone(),
    };
    let mut command = format!("curl {method} {}", quoted(&url));
    let mut add = |header: String| {
        let _ = write!(command, " \\\n  --header {header}");
    };
    let replaced = |name: &str| matches!(&carrier, Some(Carrier::Header(header)) if header == name);
    for header in request.headers.iter().filter(|header| !replaced(&header.name)) {
        match (header.name.as_str(), header.value.as_str()) {
            // cURL counts for itself, where there is something to count.
            ("content-length", _) if !content.is_empty() => {}
            (name, "") => add(quoted(&format!("{name};"))),
            (name, value) => add(quoted(&format!("{name}: {value}"))),
        }
    }
    // It adds one of its own otherwise.
    if !request.headers.iter().any(|header| header.name == "accept") {
        add(quoted("accept:"));
    }
    if let Some((name, entry)) = credential {
        let _ = write!(command, " \\\n  {}", added(name, entry));
    }
    // To a HEAD it adds no content.
    if !content.is_empty() && request.method != "HEAD" {
        let _ = write!(command, " \\\n  --data-raw {}", quoted(&String::from_utf8_lossy(content)));
    }
    command.push('\n');
    command
}

/// What adds the credential.
fn added(name: &str, entry: &Entry) -> String {
    match &entry.kind {
        Kind::Header { header, secret } => format!("--header \"{header}: {}\"", from(secret)),
        Kind::Query { parameter, secret } => {
            format!("--url-query {}\"={}\"", shell_word(&credentials::encoded(parameter)), from(secret))
        }
        Kind::Basic { user, secret } => format!("--user {}\":{}\"", shell_word(user), from(secret)),
        Kind::Bearer { secret } => format!("--header \"authorization: Bearer {}\"", from(secret)),
        Kind::ClientCredentials { .. } | Kind::RefreshToken { .. } => {
            format!("--header \"authorization: Bearer ${{{}:?}}\"", token_variable(name))
        }
    }
}

/// The variable that stands for a token: a shell does not get one by itself.
pub(super) fn token_variable(name: &str) -> String {
    // A name does not begin with a digit.
    format!("TOKEN_{}", capitals(name))
}

/// A secret within double quotes of a POSIX shell.
fn from(source: &SecretSource) -> String {
    let words = |words: &[String]| words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ");
    match source {
        SecretSource::Env(name) => format!("${name}"),
        SecretSource::File(path) => format!("$(cat {})", shell_word(&path.display().to_string())),
        SecretSource::Command(command) => format!("$({})", words(command)),
        SecretSource::Keyring(KeyringEntry { service, account }) => {
            let [service, account] = [service, account].map(|word| shell_word(word));
            match cfg!(target_os = "macos") {
                true => format!("$(security find-generic-password -s {service} -a {account} -w)"),
                false => format!("$(secret-tool lookup service {service} username {account})"),
            }
        }
        SecretSource::Given(_) => "$TOKEN".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http_task_host::component::{Body, Header};

    use super::*;

    fn of_kind(kind: Kind) -> String {
        added("my.crm", &Entry { kind, origins: Vec::new() })
    }

    #[test]
    fn what_a_task_has_in_the_place_of_its_credential_is_not_in_the_command() {
        let request = Request {
            method: "GET".into(),
            url: "https://a.example/x?api_token=forged&x=1".into(),
            headers: vec![Header { name: "x-api-token".into(), value: "forged".into() }],
            body: Body::None,
            credentials: Some("mine".into()),
        };
        let secret = SecretSource::Env("X".into());
        for (kind, expected) in [
            (Kind::Header { header: "x-api-token".parse().unwrap(), secret: secret.clone() }, 1),
            (Kind::Query { parameter: "api_token".into(), secret: secret.clone() }, 1),
            (Kind::Bearer { secret }, 2),
        ] {
            let command = command(&request, Some(("mine", &Entry { kind, origins: Vec::new() })));
            assert_eq!(command.matches("forged").count(), expected, "{command}");
            assert!(command.contains("x=1"), "{command}");
        }
    }

    #[test]
    fn every_kind_of_credential_is_added_by_where_its_secret_comes_from() {
        let env = SecretSource::Env("X".into());
        let file = SecretSource::File("/a b/c".into());
        let command = SecretSource::Command(vec!["pass".into(), "show".into(), "it's".into()]);
        for (kind, expected) in [
            (Kind::Header { header: "x-a".parse().unwrap(), secret: env.clone() }, r#"--header "x-a: $X""#),
            (Kind::Bearer { secret: file }, r#"--header "authorization: Bearer $(cat '/a b/c')""#),
            (Kind::Query { parameter: "t k".into(), secret: env }, r#"--url-query 't%20k'"=$X""#),
            (Kind::Basic { user: "me".into(), secret: command }, r#"--user me":$(pass show 'it'\''s')""#),
        ] {
            assert_eq!(of_kind(kind), expected);
        }
        assert_eq!(token_variable("my.crm"), "TOKEN_MY_CRM");
    }
}
