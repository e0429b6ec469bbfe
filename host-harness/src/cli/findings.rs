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
    let found: Vec<_> = problems.into_iter().map(|problem| located(source, &task.place, problem)).collect();
    show(source, &found, output);
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
        output.say(&rendered(source, finding));
    }
    output.say(&format!("{}: {count} {}", source.name(), if count == 1 { "problem" } else { "problems" }));
}

fn rendered(source: &Source, finding: &Finding) -> String {
    let snippet = Snippet::source(source.text())
        .path(source.name())
        .annotation(AnnotationKind::Primary.span(finding.span.clone()));
    let report = [Level::ERROR.primary_title(&finding.message).element(snippet)];
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
