//! What one instance can reach, and how much of it it has used.

use std::time::Duration;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use super::engine::EPOCH;
use crate::egress::CallEgress;
use crate::limits::Limits;

/// What one instance can reach.
pub(super) struct CallState {
    pub(super) table: ResourceTable,
    http: WasiHttpCtx,
    egress: CallEgress,
    pub(super) memory: Memory,
    /// Ticks of the epoch while the guest computed.
    pub(super) ticks: u32,
}

impl CallState {
    pub(super) fn new(egress: CallEgress, limits: &Limits) -> Self {
        Self {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            egress,
            memory: Memory { used: 0, limit: limits.memory_bytes },
            ticks: 0,
        }
    }

    /// How long the guest has computed, as far as ticks tell.
    pub(super) fn computed(&self) -> Duration {
        EPOCH * self.ticks
    }
}

impl IoView for CallState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.egress, table: &mut self.table, ctx: &mut self.http }
    }
}

/// All linear memories of an instance together.
pub(super) struct Memory {
    pub(super) used: usize,
    limit: usize,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let fits = used <= self.limit;
        if fits {
            self.used = used;
        }
        Ok(fits)
    }

    /// What a table may have is the pool's to say.
    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
