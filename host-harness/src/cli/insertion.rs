//! A new task on its way into a definition's file: checked before anything is written, and written in one step.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use http_task_host::Egress;
use http_task_host::grants::Need;
use http_task_host::source::Source;
use http_task_host::workflow::insertion::{Inserted, Insertion};
use http_task_host::workflow::{Definition, MOST_NAME_CHARACTERS};

use super::output::Output;
use super::{Stop, load, read_source};

/// A task that was written.
pub(super) struct Written {
    /// What it is called.
    pub(super) name: String,
    /// What must be granted for it.
    pub(super) need: Need,
    /// Whether the definition was made for it.
    pub(super) is_new: bool,
}

/// Puts a task into a file, which is made when it is not there.
pub(super) async fn write(insertion: &Insertion<'_>, path: &Path, output: &Output) -> Result<Written, Stop> {
    let (inserted, is_new) = inserted(insertion, path, output)?;
    let need = check(&inserted, path).await?;
    replace(path, &inserted.text, is_new).map_err(|error| Stop::failed(format!("{}: {error}", path.display())))?;
    Ok(Written { name: inserted.name, need, is_new })
}

/// The definition with the task in it, and whether it is a new one.
fn inserted(insertion: &Insertion<'_>, path: &Path, output: &Output) -> Result<(Inserted, bool), Stop> {
    match path.try_exists() {
        Ok(false) => {
            if let Some(after) = insertion.after {
                return Err(Stop::usage(format!("{}: there is no task `{after}`, nor a definition", path.display())));
            }
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            Ok((insertion.alone(&name), true))
        }
        _ => {
            let source = read_source(path, output)?;
            let inserted = insertion
                .within(&source)
                .map_err(|error| Stop::usage(format!("{}: {error}", path.display())).hint(error.hint()))?;
            Ok((inserted, false))
        }
    }
}

/// Nothing is written that the component would not take.
async fn check(inserted: &Inserted, path: &Path) -> Result<Need, Stop> {
    let component = load(Egress::offline())?;
    let source = Source::parse(&path.display().to_string(), inserted.text.clone());
    let source = source.map_err(|_| Stop::failed("the definition would be no JSON any more; nothing was written"))?;
    let (definition, _) = Definition::read(source);
    let task = definition.http_tasks().find(|task| task.name == inserted.name);
    let task = task.ok_or_else(|| Stop::failed("the definition would not have the task; nothing was written"))?;
    if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
        let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        return Err(Stop::usage(format!("no task can be made of it: {why}; nothing was written")));
    }
    let (method, url) = task.method.as_deref().zip(task.url.as_deref()).unwrap_or_default();
    Ok(Need::of_task(method, url, task.credentials.as_deref())?)
}

/// A new file, or all of an old one in one step. What it may be read by stays.
fn replace(path: &Path, text: &str, is_new: bool) -> io::Result<()> {
    if is_new {
        return fs::File::create_new(path)?.write_all(text.as_bytes());
    }
    // A link stays one.
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(text.as_bytes())?;
    written.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    written.as_file().sync_all()?;
    written.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// A name as the definition format has it.
pub(super) fn task_name(name: &str) -> Result<String, String> {
    match name.trim().is_empty() || name.chars().count() > MOST_NAME_CHARACTERS {
        true => Err(format!("a task's name has 1 to {MOST_NAME_CHARACTERS} characters")),
        false => Ok(name.to_owned()),
    }
}
