//! Builds the component that the program carries: the package beside this one, for `wasm32-unknown-unknown`, which is
//! added to the toolchain when it is missing, then wrapped as a component. Leaves `http-task.wasm` in `OUT_DIR`.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use wit_component::ComponentEncoder;

/// Of the two targets that make components this one imports nothing by itself.
const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        return Ok(());
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    for watched in ["Cargo.toml", "Cargo.lock", "build.rs", "src", "wit"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    add_target()?;
    let module = std::fs::read(build_module(&root, &out)?)?;
    let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    std::fs::write(out.join("http-task.wasm"), component)?;
    Ok(())
}

fn add_target() -> Result<(), Box<dyn Error>> {
    let rustc = env::var("RUSTC")?;
    let printed = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    if Path::new(String::from_utf8(printed.stdout)?.trim()).exists() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!("the Rust target {TARGET} is missing\nhint: rustup target add {TARGET}").into())
}

fn build_module(root: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    // A folder of its own, since cargo holds a lock on the one that this build uses; beside the profile's others
    // (`target/debug/component`), so that building for tests and for running builds the guest once.
    let profile_dir = out.ancestors().nth(3).ok_or("OUT_DIR is not where cargo puts it")?;
    let target_dir = profile_dir.join("component");
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .current_dir(root)
        .args([
            "build",
            "--package",
            "http-task",
            "--lib",
            "--profile",
            "component",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(&target_dir);
    // What was set for the host, or by a wrapper such as clippy, is not meant for the guest.
    for variable in
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER"]
    {
        cargo.env_remove(variable);
    }
    if !cargo.status()?.success() {
        return Err("the component cannot be built; what cargo said of it is above".into());
    }
    Ok(target_dir.join(TARGET).join("component").join("http_task.wasm"))
}
