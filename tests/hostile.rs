//! URLs and resolver answers that are after a closed network. Each is granted in every respect but the network, so that
//! nothing else keeps it from leaving; `tests/tables/hostile.md` has what each is refused for, and the grant that would
//! open it.

mod golden;
mod loaded;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use golden::{hold, texts};
use http_task_host::component::{Failure, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::{Grants, Need};
use http_task_host::redaction::Redactor;
use http_task_host::report::outcome_name;
use http_task_host::stand_in::Script;
use http_task_host::transport::{Resolve, Resolving, Transport};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{NO_CONTEXT, load, server};

/// In the place of a URL's host. Those that are no host at all are the component's or the URL's to refuse.
const HOSTS: [&str; 100] = [
    // This machine.
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0177.0x0.0.01",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "0x0",
    "0.1.2.3",
    "localhost",
    "LOCALHOST",
    "a.localhost",
    "localhost.",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "ｌｏｃａｌｈｏｓｔ",
    "%31%32%37.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::0001]",
    // Private networks.
    "10.0.0.1",
    "10.1",
    "167772161",
    "0xa000001",
    "012.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "0xac100001",
    "192.168.0.1",
    "192.168.257",
    "3232235521",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fec0::1]",
    "100.64.0.1",
    "100.127.255.255",
    // Where clouds hand out credentials.
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.254.0xa9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    // The link, groups, what is set aside.
    "169.254.1.1",
    "[fe80::1]",
    "[febf::1]",
    "224.0.0.1",
    "239.255.255.250",
    "[ff02::1]",
    "[ff05::2]",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "[2001:db8::1]",
    "[3fff::1]",
    "192.0.0.1",
    "192.88.99.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[100::1]",
    "[5f00::1]",
    "[2001:20::1]",
    "[4000::1]",
    // IPv4 in other clothes.
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:10.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::10.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
    "[2001::80ff:fffe]",
    // Something before the host that looks like one.
    "api.example.com@127.0.0.1",
    "api.example.com:80@127.0.0.1",
    "[::ffff:100.64.0.1]",
    "127.0.0.1\\.example.com",
];

/// What a resolver says of an innocent name, and says next time.
const ANSWERS: [&[&str]; 24] = [
    &["127.0.0.1"],
    &["127.8.8.8"],
    &["::1"],
    &["0.0.0.0"],
    &["::"],
    &["10.0.0.1"],
    &["172.20.0.1"],
    &["192.168.1.1"],
    &["169.254.169.254"],
    &["169.254.0.7"],
    &["100.64.0.1"],
    &["fd00::1"],
    &["fe80::1"],
    &["224.0.0.1"],
    &["192.0.2.7"],
    &["255.255.255.255"],
    &["::ffff:127.0.0.1"],
    &["::127.0.0.1"],
    &["64:ff9b::7f00:1"],
    &["2002:7f00:1::"],
    &["2001:0:7f00:1::"],
    // One closed address closes the name, wherever it stands.
    &["127.0.0.1", "8.8.8.8"],
    &["8.8.8.8", "127.0.0.1"],
    &["2606:4700::1111", "8.8.8.8", "169.254.169.254"],
];

/// Answers each question with the next of its answers, and the last one for ever.
#[derive(Clone, Default)]
struct FakeResolver(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    answers: VecDeque<Vec<IpAddr>>,
    questions: usize,
}

impl FakeResolver {
    fn new(answers: &[&[&str]]) -> Self {
        let addresses = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.iter().map(addresses).collect();
        Self(Arc::new(Mutex::new(Asked { answers, questions: 0 })))
    }

    fn questions(&self) -> usize {
        self.0.lock().unwrap().questions
    }
}

impl Resolve for FakeResolver {
    fn resolve(&self, _: &str) -> Resolving {
        let mut asked = self.0.lock().unwrap();
        asked.questions += 1;
        let answer = asked.answers.pop_front().unwrap_or_default();
        if asked.answers.is_empty() {
            asked.answers.push_back(answer.clone());
        }
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn grants(text: &str) -> Grants {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.toml");
    std::fs::write(&path, text).unwrap();
    Grants::read(&path).unwrap()
}

/// All that the request needs but leave for its network.
fn but_the_network(need: &Need) -> String {
    let least = http_task_host::grants::least(std::slice::from_ref(need))[0].to_string();
    least.lines().filter(|line| !line.starts_with("networks")).map(|line| format!("{line}\n")).collect()
}

fn host_with(grants: Grants, resolver: FakeResolver) -> HttpTask {
    let transport = Transport::default().resolver(resolver);
    let egress = Egress::by(transport, grants, Credentials::default(), Redactor::default()).unwrap();
    // One place, for the memory that each would reserve.
    let mut limits = Limits::default();
    limits.concurrent_calls = 1;
    load(egress, limits)
}

async fn get(host: &HttpTask, url: &str) -> Run {
    let request = serde_json::json!({"type": "Http", "httpRequest": {"method": "GET", "url": url}});
    host.run(&request.to_string(), "{}", &NO_CONTEXT).await
}

/// The reason in the host's words, and the lines that it would take, on one.
fn reason(run: &Run) -> (String, String) {
    match &run.outcome {
        Err(Failure::PermanentDenied(denial)) => {
            (denial.message.clone(), denial.hint.clone().unwrap_or_default().trim_end().replace('\n', "; "))
        }
        Err(Failure::PermanentInvalid(problems)) => (problems[0].message.clone(), String::new()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hostile_url_and_no_hostile_resolver_reaches_a_closed_address() {
    let server = server(Script::default()).await;
    let port = server.address().port();
    let mut rows = Vec::new();
    for written in HOSTS {
        let url = format!("http://{written}:{port}/");
        // What the host makes of the URL does not depend on the component: a component of somebody else's may send it.
        let need = Need::of_task("GET", &url, None);
        let granted = need.as_ref().map(but_the_network).unwrap_or_default();
        let resolver = FakeResolver::new(&[&["127.0.0.1"]]);
        let host = host_with(grants(&granted), resolver);
        let run = get(&host, &url).await;
        assert!(run.exchange.is_none(), "{url}: {run:?}");
        let (said, _) = reason(&run);
        let denials = host.denials("GET", &url, None);
        // A host name of no closed network is refused for what it resolves to.
        let (message, entry) = match denials.first() {
            Some(denial) => {
                (denial.message.clone(), denial.hint.clone().unwrap_or_default().trim_end().replace('\n', "; "))
            }
            None => reason(&run),
        };
        match need {
            Ok(need) => {
                let granted = grants(&entry.replace("; ", "\n"));
                assert!(granted.check(&need).is_ok(), "{url}: the entry does not open it: {entry}");
                assert!(entry.contains("networks = ["), "{url}: {entry}");
            }
            Err(_) => assert_eq!(entry, "", "{url}"),
        }
        let by = if outcome_name(&run.outcome) == "permanent-invalid" { said } else { "sends it".to_owned() };
        rows.push(texts([written, &by, &message, &entry]));
    }
    let name = format!("http://innocent.example:{port}/");
    let need = Need::of_task("GET", &name, None).unwrap();
    for answers in ANSWERS {
        let resolver = FakeResolver::new(&[answers, &["8.8.8.8"]]);
        let run = get(&host_with(grants(&but_the_network(&need)), resolver.clone()), &name).await;
        let (message, entry) = reason(&run);
        assert!(run.exchange.is_none() && entry.contains("networks = ["), "{answers:?}: {run:?}");
        assert_eq!(resolver.questions(), 1, "{answers:?}");
        let said = format!("innocent.example → {}", answers.join(", "));
        rows.push(texts([&said, "sends it", &message, &entry]));
    }
    assert_eq!(server.received(), []);
    let shown = |cell: String| {
        let cell = cell.replace(&format!(":{port}"), "").replace(&port.to_string(), "…");
        // The grants are in a folder of this run's own.
        match cell.split_once(" in /").and_then(|(before, after)| Some((before, after.split_once("grants.toml")?.1))) {
            Some((before, after)) => format!("{before}{after}"),
            None => cell,
        }
    };
    let rows = rows.into_iter().map(|row| row.into_iter().map(shown).collect());
    hold(
        "hostile.md",
        "URLs by their host, and answers of a resolver, that are after a closed network. None leaves: what the component\nlets through the host refuses, with the grant that would open it.",
        &texts(["host", "the component", "the host", "the grant that would open it"]),
        &rows.collect::<Vec<_>>(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolver_that_changes_its_answer_is_asked_once_and_what_was_vetted_is_dialled() {
    let server = server(Script::default()).await;
    let url = format!("http://rebind.example:{}/", server.address().port());
    let open = but_the_network(&Need::of_task("GET", &url, None).unwrap()) + "networks = [\"loopback\"]\n";

    let open_then_closed = FakeResolver::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let host = host_with(grants(&open), open_then_closed.clone());
    for requests in 1..=2 {
        assert!(get(&host, &url).await.was_sent());
        assert_eq!(server.received().len(), requests);
    }
    // The second request took the connection of the first, and so nobody was asked again.
    assert_eq!(open_then_closed.questions(), 1);

    let closed_then_open = FakeResolver::new(&[&["169.254.169.254"], &["127.0.0.1"]]);
    let run = get(&host_with(grants(&open), closed_then_open.clone()), &url).await;
    let (message, entry) = reason(&run);
    assert_eq!(message, "rebind.example resolves to 169.254.169.254, which is on the closed network `metadata`");
    assert!(entry.ends_with("networks = [\"loopback\", \"metadata\"]"), "{entry}");
    assert_eq!(closed_then_open.questions(), 1);
    assert_eq!(server.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_made_by_leave_of_one_grant_is_not_there_for_another() {
    let server = server(Script::default()).await;
    let url = |path: &str| format!("http://inside.example:{}{path}", server.address().port());
    let entry = |path: &str| but_the_network(&Need::of_task("GET", &url(path), None).unwrap());
    let text = format!("{}networks = [\"loopback\"]\n{}", entry("/open"), entry("/closed"));
    let host = host_with(grants(&text), FakeResolver::new(&[&["127.0.0.1"]]));
    assert!(get(&host, &url("/open")).await.was_sent());
    let run = get(&host, &url("/closed")).await;
    assert!(run.exchange.is_none());
    assert!(reason(&run).0.contains("on the closed network `loopback`"));
    assert_eq!(server.received().len(), 1);
}
