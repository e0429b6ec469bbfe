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

/// Everything that was measured.
pub fn print(sides: &[(usize, Side, Side)], start: &Start, waiting: &Waiting) {
    println!("| at once | through | tasks/s | CPU µs/task | p50 µs | p99 µs | ratio |");
    println!("|---:|---|---:|---:|---:|---:|---:|");
    let mut json = serde_json::Map::new();
    let mut put = |name: String, value: f64| {
        // Four digits say all that a time on a shared machine can.
        let rounded = format!("{value:.4}").parse::<f64>().unwrap_or(value);
        json.insert(name, rounded.into());
    };
    for (at_once, component, native) in sides {
        let ratio = ratio(component, native);
        for (name, side, ratio_text) in
            [("component", component, format!("{ratio:.3}")), ("hyper, natively", native, "1".to_owned())]
        {
            let cpu = side.cpu_micros();
            let shown = cpu.map_or_else(|| "not measured".to_owned(), |micros| format!("{micros:.1}"));
            println!(
                "| {at_once} | {name} | {:.0} | {shown} | {:.0} | {:.0} | {ratio_text} |",
                side.per_second(),
                side.micros_of(0.5),
                side.micros_of(0.99),
            );
            let key = if name == "component" { "component" } else { "native" };
            put(format!("{key}_{at_once}_per_second"), side.per_second());
            if let Some(cpu) = cpu {
                put(format!("{key}_{at_once}_cpu_micros"), cpu);
            }
        }
        put(format!("ratio_{at_once}"), ratio);
    }
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!();
    println!("| once | |\n|---|---:|");
    println!("| the component | {} bytes |", start.component_bytes);
    println!("| compiling it | {:.0} ms |", millis(start.compile));
    println!("| loading what was compiled | {:.2} ms |", millis(start.load));
    println!("| the smallest call, its instance made and dropped | {:.1} µs |", millis(start.smallest_call) * 1e3);
    println!("| the program, from its start to the end of `check` | {:.1} ms |", millis(start.program));
    put("component_bytes".into(), start.component_bytes as f64);
    put("compile_ms".into(), millis(start.compile));
    put("load_ms".into(), millis(start.load));
    put("smallest_call_micros".into(), millis(start.smallest_call) * 1e3);
    put("program_ms".into(), millis(start.program));
    if let (Some(before), Some(with)) = (waiting.before, waiting.with) {
        let each = with.saturating_sub(before) / TASKS as u64;
        println!("| memory of each of {TASKS} tasks that wait | {} KiB (of {} MiB in all) |", each / 1024, with >> 20);
        put("waiting_task_bytes".into(), each as f64);
        put("waiting_resident_bytes".into(), with as f64);
    }
    println!("\n{}", serde_json::Value::Object(json));
}
