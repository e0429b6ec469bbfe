//! What in a command is a secret, by its name, and what its credentials are called.

/// Whether a name is one that secrets have.
pub(super) fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    ["token", "apikey", "secret", "password", "authorization", "signature"].iter().any(|word| plain.contains(word))
        && !matches!(plain.as_str(), "pagetoken" | "nextpagetoken" | "maxtokens" | "continuationtoken")
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
