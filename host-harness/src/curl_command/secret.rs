//! What in a command is a secret, by its name, and what its credentials are called.

/// Whether a name is one that secrets have.
pub(super) fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    const WITHIN: [&str; 11] = [
        "token",
        "apikey",
        "authkey",
        "accesskey",
        "secret",
        "password",
        "passwd",
        "authorization",
        "signature",
        "credential",
        "sessionid",
    ];
    // Of pages, and of how much a model may say.
    let is_count = plain.ends_with("tokens") || plain.ends_with("pagetoken") || plain.ends_with("continuationtoken");
    matches!(plain.as_str(), "key" | "sig" | "pwd" | "auth" | "xauth")
        || (!is_count && WITHIN.iter().any(|word| plain.contains(word)))
}

/// What credentials for a host are called: `api.pipedrive.com` has `pipedrive`.
pub(super) fn reference_of(host: &str) -> String {
    let labels: Vec<_> = host.split('.').collect();
    let label = match labels.as_slice() {
        [.., name, _] if host.parse::<std::net::IpAddr>().is_err() => name,
        _ => host,
    };
    let plain: String =
        label.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter)).collect();
    if plain.is_empty() { "api".to_owned() } else { plain }
}
