//! What an HTTP Task costs: the same request through the component and through the same hyper client used natively, in
//! rounds that take turns, against one loopback server in a process of its own. `cargo bench -p http-task-host` prints a
//! table, and as its last line the figures as JSON. Whatever is a time here depends on the machine; the ratios much less.

mod component;
mod figures;
mod native;
mod process;
mod server;
mod start;
mod waiting;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::{Round, Side};

/// Threads of the runtime that both sides run on.
const THREADS: usize = 2;

/// A round that is long enough for its ticks of processor time, short enough that both sides see the same machine.
const ROUND: Duration = Duration::from_millis(1500);

/// Pairs of rounds that are counted; one more before them warms up.
const PAIRS: usize = 7;

const AT_ONCE: [usize; 2] = [1, 64];

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == server::ARGUMENT) {
        return server::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn Error>> {
    let server = server::Server::start()?;
    let native = Arc::new(native::Native::new(&server));
    let component = Arc::new(component::Loaded::new(&server)?);
    println!(
        "{THREADS} threads; one loopback server in its own process, of one thread; {PAIRS} pairs of rounds of {} ms that take \
         turns; {} bytes of content sent, {} bytes back; {:?}\n",
        ROUND.as_millis(),
        native.request_bytes(),
        server::ANSWER.len(),
        http_task_host::Limits::default()
    );
    // First, while this process has not yet used what it would keep.
    let waiting = waiting::measure(&server, &component).await?;
    let mut figures = figures::Figures::default();
    figures.head();
    for at_once in AT_ONCE {
        let (mut by_component, mut by_native) = (Side::default(), Side::default());
        for pair in 0..=PAIRS {
            let (component, native) = (Arc::clone(&component), Arc::clone(&native));
            let component = || round(at_once, move || component.run());
            let native = || round(at_once, move || native.send());
            // Each goes first in turn, so that neither always finds the machine as the other left it.
            let (component, native) = if pair % 2 == 0 {
                let component = component().await?;
                (component, native().await?)
            } else {
                let native = native().await?;
                (component().await?, native)
            };
            if pair > 0 {
                by_component.rounds.push(component);
                by_native.rounds.push(native);
            }
        }
        figures.sides(at_once, &by_component, &by_native);
    }
    let start = start::measure(&component).await?;
    figures.rest(&start, &waiting);
    Ok(())
}

/// As many tasks as fit into a round, a fixed number of them at once.
async fn round<F: Future<Output = Result<(), String>> + Send + 'static>(
    at_once: usize,
    task: impl Fn() -> F + Clone + Send + 'static,
) -> Result<Round, Box<dyn Error>> {
    let cpu_before = process::cpu();
    let started = Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let task = task.clone();
        lanes.spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < ROUND {
                let before = Instant::now();
                task().await?;
                took.push(before.elapsed());
            }
            Ok::<_, String>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        took.extend(lane??);
    }
    Ok(Round {
        wall: started.elapsed(),
        cpu: process::cpu().zip(cpu_before).map(|(after, before)| after - before),
        took,
    })
}
