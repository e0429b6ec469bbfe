//! Rounds → the table, and the line of JSON.

use std::time::Duration;

use super::start::Start;
use super::waiting::{TASKS, Waiting};

/// One round of one side.
pub struct Round {
    pub wall: Duration,
    pub cpu: Option<Duration>,
    pub took: Vec<Duration>,
}

/// All rounds of one side.
#[derive(Default)]
pub struct Side {
    pub rounds: Vec<Round>,
}

impl Round {
    fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.wall.as_secs_f64()
    }
}

impl Side {
    fn per_second(&self) -> f64 {
        middle(self.rounds.iter().map(Round::per_second))
    }

    /// Microseconds of processor time for each task.
    fn cpu_micros(&self) -> Option<f64> {
        let cpu: Duration = self.rounds.iter().map(|round| round.cpu).sum::<Option<_>>()?;
        let tasks: usize = self.rounds.iter().map(|round| round.took.len()).sum();
        Some(cpu.as_secs_f64() * 1e6 / tasks as f64)
    }

    /// The time that this share of all tasks stayed below, in microseconds.
    fn micros_of(&self, share: f64) -> f64 {
        let mut took: Vec<_> = self.rounds.iter().flat_map(|round| round.took.iter().copied()).collect();
        took.sort_unstable();
        let at = ((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1));
        took.get(at).copied().unwrap_or_default().as_secs_f64() * 1e6
    }
}

/// The middle of the ratios of rounds that ran one after the other.
fn ratio(component: &Side, native: &Side) -> f64 {
    let pairs = component.rounds.iter().zip(&native.rounds);
    middle(pairs.map(|(component, native)| component.per_second() / native.per_second()))
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The middle of several times, if none of them failed.
pub fn median<E>(times: impl Iterator<Item = Result<Duration, E>>) -> Result<Duration, E> {
    let mut times = times.collect::<Result<Vec<_>, E>>()?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// What was measured, printed as it comes, and kept for the line of JSON.
#[derive(Default)]
pub struct Figures(serde_json::Map<String, serde_json::Value>);

impl Figures {
    fn put(&mut self, name: String, value: f64) {
        // Four digits say all that a time on a shared machine can.
        let rounded = format!("{value:.4}").parse::<f64>().unwrap_or(value);
        self.0.insert(name, rounded.into());
    }

    pub fn head(&self) {
        println!("| at once | through | tasks/s | CPU µs/task | p50 µs | p99 µs | ratio |");
        println!("|---:|---|---:|---:|---:|---:|---:|");
    }

    pub fn sides(&mut self, at_once: usize, component: &Side, native: &Side) {
        let ratio = ratio(component, native);
        for (key, name, side, shown_ratio) in [
            ("component", "the component", component, format!("{ratio:.3}")),
            ("native", "hyper, natively", native, "1".to_owned()),
        ] {
            let cpu = side.cpu_micros();
            let shown_cpu = cpu.map_or_else(|| "not measured".to_owned(), |micros| format!("{micros:.1}"));
            let (per_second, p50, p99) = (side.per_second(), side.micros_of(0.5), side.micros_of(0.99));
            println!("| {at_once} | {name} | {per_second:.0} | {shown_cpu} | {p50:.0} | {p99:.0} | {shown_ratio} |");
            self.put(format!("{key}_{at_once}_per_second"), per_second);
            self.put(format!("{key}_{at_once}_p50_micros"), p50);
            self.put(format!("{key}_{at_once}_p99_micros"), p99);
            if let Some(cpu) = cpu {
                self.put(format!("{key}_{at_once}_cpu_micros"), cpu);
            }
        }
        self.put(format!("ratio_{at_once}"), ratio);
    }

    /// What is paid once, and then all of it as a line of JSON.
    pub fn rest(mut self, start: &Start, waiting: &Waiting) {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!("\n| once | |\n|---|---:|");
        println!("| the component | {} bytes |", start.component_bytes);
        println!("| compiling it | {:.0} ms |", millis(start.compile));
        println!("| loading what was compiled | {:.2} ms |", millis(start.load));
        println!("| an instance made, its smallest call, and dropped | {:.1} µs |", millis(start.smallest_call) * 1e3);
        println!("| the program, from its start to the end of `check` | {:.1} ms |", millis(start.program));
        self.put("component_bytes".into(), start.component_bytes as f64);
        self.put("compile_ms".into(), millis(start.compile));
        self.put("load_ms".into(), millis(start.load));
        self.put("smallest_call_micros".into(), millis(start.smallest_call) * 1e3);
        self.put("program_ms".into(), millis(start.program));
        if let (Some(before), Some(with)) = (waiting.before, waiting.with) {
            let each = with.saturating_sub(before) / TASKS as u64;
            println!(
                "| memory of each of {TASKS} tasks that wait | {} KiB (of {} MiB in all) |",
                each / 1024,
                with >> 20
            );
            self.put("waiting_task_bytes".into(), each as f64);
            self.put("waiting_resident_bytes".into(), with as f64);
        }
        println!("\n{}", serde_json::Value::Object(self.0));
    }
}
