//! What is wrong in a file, each shown at its line.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use http_task_host::component::Problem;
use http_task_host::source::{Finding, Source};
use http_task_host::workflow::Task;
use serde::Serialize;

use super::output::Output;

/// The component's problem, whose place is in a task object, as a finding in the file.
pub(super) fn located(source: &Source, task_place: &str, problem: Problem) -> Finding {
    let place = format!("{task_place}{}", problem.place);
    let finding = source.finding(&place, problem.message);
    Finding { hint: problem.hint, ..finding }
}

/// Shows the component's problems with one task.
pub(super) fn show_problems(source: &Source, task: &Task, problems: Vec<Problem>, output: &Output) {
    show(source, &all_located(source, task, problems), output);
}

/// The component's problems or warnings of one task, as findings in the file.
pub(super) fn all_located(source: &Source, task: &Task, problems: Vec<Problem>) -> Vec<Finding> {
    problems.into_iter().map(|problem| located(source, &task.place, problem)).collect()
}

/// Shows findings in the order of the file.
pub(super) fn show(source: &Source, findings: &[Finding], output: &Output) {
    let mut findings: Vec<_> = findings.iter().collect();
    findings.sort_by_key(|finding| finding.span.start);
    if output.json {
        let problems: Vec<_> = findings.into_iter().map(|finding| FindingReport::new(source, finding)).collect();
        return output.put_json(&serde_json::json!({ "outcome": "permanent-invalid", "problems": problems }));
    }
    let count = findings.len();
    for finding in findings {
        output.say(&rendered(source, finding, Level::ERROR));
    }
    output.say(&format!("{}: {count} {}", source.name(), if count == 1 { "problem" } else { "problems" }));
}

/// Shows what is worth knowing although nothing is wrong. It is no data: with `--json` it is a part of what is.
pub(super) fn warn(source: &Source, warnings: &[Finding], output: &Output) {
    if !output.json {
        for warning in warnings {
            output.say(&rendered(source, warning, Level::WARNING));
        }
    }
}

/// Findings as JSON.
pub(super) fn report<'a>(source: &'a Source, findings: &'a [Finding]) -> impl Serialize + 'a {
    findings.iter().map(|finding| FindingReport::new(source, finding)).collect::<Vec<_>>()
}

fn rendered(source: &Source, finding: &Finding, level: Level<'_>) -> String {
    let snippet = Snippet::source(source.text())
        .path(source.name())
        .annotation(AnnotationKind::Primary.span(finding.span.clone()));
    let report = [level.primary_title(&finding.message).element(snippet)];
    let mut text = Renderer::styled().render(&report);
    if let Some(hint) = &finding.hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
    text.push('\n');
    text
}

#[derive(Serialize)]
struct FindingReport<'a> {
    place: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> FindingReport<'a> {
    fn new(source: &'a Source, finding: &'a Finding) -> Self {
        let (line, column) = source.line_column(finding.span.start);
        Self {
            place: &finding.place,
            file: source.name(),
            line,
            column,
            message: &finding.message,
            hint: finding.hint.as_deref(),
        }
    }
}
