//! Lays out the component's memory, so that a fresh instance is cheap: what a call touches lies close together at its
//! beginning, where a host can keep it resident, and the memory need not grow while the call runs.

/// The part of the guest's stack that lies in its memory. The deepest JSON that is read, 128 levels, fits (a test holds that);
/// beyond it the guest traps, since the stack comes first and grows down.
const STACK_BYTES: usize = 64 * 1024;

/// Enough for an ordinary call. Pages that are not touched cost nothing; growing would cost two changes of the host's
/// page tables in every call.
const INITIAL_MEMORY_BYTES: usize = 1024 * 1024;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
        println!("cargo::rustc-link-arg-cdylib=--initial-memory={INITIAL_MEMORY_BYTES}");
    }
}
