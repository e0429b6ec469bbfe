//! Compiled components on disk. Compiling takes a good part of a second, loading what was compiled less than a
//! thousandth; a file is named by the content of the component and by the engine that compiled it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads a component from the cache, or compiles it and leaves it there. A cache that cannot be written is only slow.
pub(crate) fn load(engine: &Engine, bytes: &[u8], folder: &Path) -> wasmtime::Result<Component> {
    if let Err(error) = make_private(folder) {
        tracing::warn!("compiled components are not kept in {}: {error}", folder.display());
        return Component::new(engine, bytes);
    }
    let path = folder.join(file_name(engine, bytes));
    if path.exists() {
        // SAFETY: the file must be one that wasmtime wrote. Its folder belongs to this user and is closed to others, as
        // was just seen; the file got its name only after it was whole; and wasmtime refuses one of another engine.
        match unsafe { Component::deserialize_file(engine, &path) } {
            Ok(component) => return Ok(component),
            Err(error) => tracing::warn!("compiling again: {} cannot be used: {error:#}", path.display()),
        }
    }
    let compiled = engine.precompile_component(bytes)?;
    if let Err(error) = write(folder, &path, &compiled) {
        tracing::warn!("the compiled component cannot be kept in {}: {error}", folder.display());
    }
    // SAFETY: these bytes have just been compiled by this engine.
    unsafe { Component::deserialize(engine, &compiled) }
}

fn file_name(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let content: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{content}-{:016x}.cwasm", hasher.finish())
}

/// Makes a folder that no other user can write to, or says why the one that is there is not like that.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, MetadataExt};
        builder.mode(0o700).create(folder)?;
        let (found, own) = (fs::metadata(folder)?, tempfile::tempfile()?.metadata()?);
        if found.uid() != own.uid() || found.mode() & 0o022 != 0 {
            return Err(io::Error::other("others may write there"));
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(folder)
}

fn write(folder: &Path, path: &Path, compiled: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(compiled)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
