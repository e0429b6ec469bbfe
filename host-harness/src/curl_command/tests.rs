use proptest::prelude::*;

use super::*;

fn request(command: &str) -> Value {
    let imported = import(command).unwrap_or_else(|error| panic!("{command}: {error}"));
    Value::Object(imported.task)["httpRequest"].clone()
}

#[test]
fn a_command_says_the_same_as_its_task() {
    for (command, expected) in [
        ("curl https://a.example/x", json!({"method": "GET", "url": "https://a.example/x"})),
        ("a.example", json!({"method": "GET", "url": "http://a.example/"})),
        ("curl -I https://a.example", json!({"method": "HEAD", "url": "https://a.example/"})),
        (
            "curl 'https://a.example/x?q=a%20b&q=c&n=1' -sSL",
            json!({"method": "GET", "url": "https://a.example/x", "query": {"q": ["a b", "c"], "n": "1"}}),
        ),
        ("curl https://a.example/x?flag", json!({"method": "GET", "url": "https://a.example/x?flag"})),
        (
            "curl https://a.example -d a=1 -d 'b=x+y' --data-urlencode 'c=d&e'",
            json!({"method": "POST", "url": "https://a.example/", "form": {"a": "1", "b": "x y", "c": "d&e"}}),
        ),
        (
            "curl https://a.example -G -d a=1 --url-query b=2",
            json!({"method": "GET", "url": "https://a.example/", "query": {"b": "2", "a": "1"}}),
        ),
        (
            r#"curl -XPATCH https://a.example -H 'Content-Type: application/json' -d '{"a": 1e2, "t": "${x}"}'"#,
            json!({"method": "PATCH", "url": "https://a.example/", "body": {"a": serde_json::from_str::<Value>("1e2").unwrap(), "t": "$${x}"}}),
        ),
        (
            "curl --json '[]' --request=PUT https://a.example -A me -H 'X-A;' -H 'Accept:'",
            json!({"method": "PUT", "url": "https://a.example/", "headers": {"User-Agent": "me", "X-A": ""}, "body": []}),
        ),
        (
            "curl https://a.example -H 'content-type: text/plain' --data-raw '@x'",
            json!({"method": "POST", "url": "https://a.example/", "headers": {"content-type": "text/plain"}, "body": "@x"}),
        ),
    ] {
        assert_eq!(request(command), expected, "{command}");
    }
}

#[test]
fn a_secret_is_named_and_goes_no_further() {
    for (option, place) in [
        ("-H 'x-api-token: planted'", SecretPlace::Header("x-api-token".into())),
        ("-H 'Authorization: Bearer planted'", SecretPlace::Bearer),
        ("--oauth2-bearer planted", SecretPlace::Bearer),
        ("-u me:planted", SecretPlace::Basic("me".into())),
        ("-H 'Authorization: Basic bWU6cGxhbnRlZA=='", SecretPlace::Basic("me".into())),
        ("-H 'Authorization: AWS planted'", SecretPlace::Header("authorization".into())),
        ("-b 'session=planted'", SecretPlace::Header("cookie".into())),
        ("'https://api.crm.example/x?api_token=planted&a=1'", SecretPlace::Query("api_token".into())),
        ("https://me:planted@api.crm.example/", SecretPlace::Basic("me".into())),
        ("-u planted:", SecretPlace::Bearer),
        ("https://planted@api.crm.example/", SecretPlace::Bearer),
    ] {
        let url = if option.contains("https://") { "" } else { "https://api.crm.example/x" };
        let imported = import(&format!("curl {url} {option}")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(imported.secret, Some(place), "{option}");
        assert_eq!(imported.task["credentials"], "crm");
        let shown = format!("{:?} {} {:?}", imported.task, imported.name, imported.left_out);
        assert!(!shown.contains("planted") && !shown.contains("bGFudGVk"), "{shown}");
        assert!(imported.secrets.iter().any(|secret| secret.expose().ends_with("planted")), "{option}");
    }
}

#[test]
fn a_secret_in_the_query_or_the_content_goes_no_further_either() {
    for command in [
        "curl -G https://a.example -d api_token=planted",
        "curl https://a.example --url-query key=planted",
        "curl 'https://a.example/?sig=planted'",
        "curl https://a.example -H 'X-Auth-Key: planted'",
        "curl https://a.example -d client_secret=planted -d a=1",
        r#"curl https://a.example --json '{"auth": {"password": "planted"}, "max_tokens": "9", "list": [{"Token": "planted"}]}'"#,
    ] {
        let imported = import(command).unwrap_or_else(|error| panic!("{command}: {error}"));
        let shown = format!("{:?} {} {:?}", imported.task, imported.name, imported.left_out);
        assert!(!shown.contains("planted"), "{command}: {shown}");
        assert!(imported.secrets.iter().any(|secret| secret.expose() == "planted"), "{command}");
        assert!(imported.secret.is_some() || shown.contains("the input must give it"), "{command}: {shown}");
    }
}

#[test]
fn what_a_task_cannot_say_is_told() {
    let imported = import("curl -k -L -x p.example https://a.example -H 'x-token: a' -u b:c --cacert x")
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(imported.left_out.len(), 5, "{:?}", imported.left_out);
    let error = import("curl -F a=@b --data @file --nosuch -Zx -X PURGE -m soon ftp://a.example").err().unwrap();
    assert_eq!(error.0.len(), 7, "{error}");
    for (command, says) in [
        ("curl", "no URL"),
        ("wget https://a.example", "no cURL command"),
        ("curl 'a", "quote"),
        ("curl a.example b.example", "several URLs"),
        ("curl a.example -H", "no value"),
        ("curl a.example -H x", "Name: value"),
        ("curl a.example --json '{'", "not the JSON"),
        ("curl a.example -G -d flag", "no `name=value`"),
        ("curl a.example -H 'x: ${'", "closes it"),
    ] {
        let said = import(command).err().unwrap().to_string();
        assert!(said.contains(says) && !said.contains("planted"), "{command}: {said}");
    }
}

proptest! {
    #[test]
    fn reading_any_command_ends(command in "(curl )?([-a-zA-Z=:/@'\"$\\\\{}&?#%. ]|\\PC){0,60}") {
        let _ = import(&command);
    }
}
