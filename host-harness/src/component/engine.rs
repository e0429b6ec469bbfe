//! The engine that instances live in: a pool of slots, so that a fresh one is cheap, and a clock, so that none computes
//! for ever.

use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::Limits;

/// How often a guest that computes gives way, so that one call does not hold a thread.
pub(super) const EPOCH: Duration = Duration::from_millis(10);

/// The guest's stack: enough for JSON nested as deep as the component reads it, 128 levels, read and written recursively.
const GUEST_STACK_BYTES: usize = 512 * 1024;

/// What a fiber needs beyond the guest's stack, for the host functions that run on it.
const HOST_STACK_BYTES: usize = 512 * 1024;

/// Core instances that a component of ours is made of: the module, and the shims that wit-component puts around it.
const CORE_INSTANCES: u32 = 4;

/// Memory that a slot keeps when its call has ended, zeroed, instead of giving it back and faulting it in again: what an
/// ordinary call touches. A slot that was never used keeps none.
const KEPT_MEMORY_BYTES: usize = 256 * 1024;

/// The same for the table of functions, which is smaller than that.
const KEPT_TABLE_BYTES: usize = 16 * 1024;

/// An engine for the component, its epoch advancing for as long as it lives.
pub(super) fn new(limits: &Limits) -> wasmtime::Result<Engine> {
    let engine = Engine::new(&config(limits))?;
    advance_epochs(&engine);
    Ok(engine)
}

fn config(limits: &Limits) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(limits.concurrent_calls)
        .total_core_instances(limits.concurrent_calls * CORE_INSTANCES)
        .total_memories(limits.concurrent_calls)
        .total_tables(limits.concurrent_calls * CORE_INSTANCES)
        .total_stacks(limits.concurrent_calls)
        .max_memory_size(limits.memory_bytes)
        .linear_memory_keep_resident(KEPT_MEMORY_BYTES)
        .table_keep_resident(KEPT_TABLE_BYTES)
        // Where the kernel tells which pages were touched (Linux 6.7), only those are zeroed.
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // What WASI 0.3 needs of every store; the component is of 0.2.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(GUEST_STACK_BYTES + HOST_STACK_BYTES)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Advances the engine's epoch for as long as the engine lives.
fn advance_epochs(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    });
}
