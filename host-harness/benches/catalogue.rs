//! What the catalogue costs: reading a document of 3 MB, and looking for operations among 100,000, which are real ones many
//! times over. `cargo bench -p http-task-host --bench catalogue` prints a table. Whatever is a time here depends on the
//! machine; the ratio to looking at every operation in turn much less.
//!
//! The real documents are in the folder shared/openapi beside the project; without it there is nothing to measure.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_task_host::catalogue::{Document, SearchIndex, digest};

const DOCUMENTS: [&str; 4] =
    ["openai-openapi.yaml", "box-openapi.json", "slack_web_openapi_v2.json", "swagger-petstore-openapi.yaml"];

const OPERATIONS: usize = 100_000;

const SEARCHES: [&str; 9] = [
    "update lead",
    "create message",
    "get file",
    "list",
    "updte fiel",
    "create chat completoin",
    "chat.postMessage",
    "how to send a message to a channel",
    "/files/{id}",
];

/// Each search is done so often that the middle of all says something.
const TIMES: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/openapi");
    if !folder.is_dir() {
        println!("skipped: the folder shared/openapi with real documents is absent");
        return Ok(());
    }
    let mut documents = Vec::new();
    for name in DOCUMENTS {
        let bytes = std::fs::read(folder.join(name))?;
        let started = Instant::now();
        let document = Document::read(&bytes)?;
        let read = started.elapsed();
        let operations = document.entries.len();
        println!("{name}: {:.1} MB, {operations} operations, read in {}", bytes.len() as f64 / 1e6, ms(read));
        if documents.is_empty() {
            let index = tempfile::tempdir()?;
            let wanted = vec![(name.to_owned(), digest(document.value()))];
            let kept = Arc::new(document.clone());
            SearchIndex::open(Some(index.path()), &wanted, &mut |_| Some(Arc::clone(&kept)))?;
            println!("  read, digested and indexed in {}; memory at most {} MiB", ms(started.elapsed()), peak_mib());
        }
        documents.push(Arc::new(document));
    }
    let of_all: usize = documents.iter().map(|document| document.entries.len()).sum();
    let copies = OPERATIONS.div_ceil(of_all);
    let numbers = (0..copies).flat_map(|copy| (0..documents.len()).map(move |document| (copy, document)));
    let wanted: Vec<_> = numbers.map(|(copy, document)| (format!("api{document}-{copy}"), copy.to_string())).collect();
    let index = tempfile::tempdir()?;
    let read = &mut |name: &str| {
        let number = name.trim_start_matches("api").split('-').next().and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| documents.get(number)).cloned()
    };
    let started = Instant::now();
    drop(SearchIndex::open(Some(index.path()), &wanted, read)?);
    println!("\n{} operations indexed in {}", copies * of_all, ms(started.elapsed()));
    let started = Instant::now();
    let search = SearchIndex::open(Some(index.path()), &wanted, read)?;
    println!("opened in {}\n", ms(started.elapsed()));
    let texts: Vec<String> = documents
        .iter()
        .flat_map(|document| &document.entries)
        .map(|entry| format!("{} {} {}", entry.key.text(), entry.summary, entry.description).to_lowercase())
        .collect();
    println!("| search | hits | median | slowest | in turn | ratio |\n|---|---:|---:|---:|---:|---:|");
    for words in SEARCHES {
        let hits = search.search(words, None, 20)?.len();
        let found = times(|| search.search(words, None, 20).map(|hits| hits.len()).unwrap_or_default());
        let asked: Vec<_> = words.to_lowercase().split(' ').map(str::to_owned).collect();
        let in_turn = times(|| {
            let has = |text: &&String| asked.iter().all(|word| text.contains(word.as_str()));
            (0..copies).map(|_| std::hint::black_box(&texts).iter().filter(has).count()).sum()
        });
        let ratio = found.0.as_secs_f64() / in_turn.0.as_secs_f64();
        println!("| {words} | {hits} | {} | {} | {} | {ratio:.3} |", ms(found.0), ms(found.1), ms(in_turn.0));
    }
    println!("\nmemory of the whole at most {} MiB", peak_mib());
    Ok(())
}

/// The middle and the longest of many times.
fn times(mut work: impl FnMut() -> usize) -> (Duration, Duration) {
    let mut times: Vec<_> = (0..TIMES)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(work());
            started.elapsed()
        })
        .collect();
    times.sort();
    (times[TIMES / 2], times[TIMES - 1])
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// The most memory that this process has had so far; none where nobody says.
fn peak_mib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or("?".to_owned(), |kib| (kib / 1024).to_string())
}
