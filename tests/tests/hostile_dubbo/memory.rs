//! The memory of every program before a storm, in it and after it: printed, and bounded.

use highway_tests::program::Program;

use crate::world::{HELD_MIB, World};

/// What a storm may cost any program, over what it had before the first storm.
const OVER_IDLE_MIB: u64 = 64;

pub struct Memory {
    storm: &'static str,
    programs: Vec<&'static Program>,
    idle: Vec<u64>,
    before: Vec<u64>,
}

impl Memory {
    /// Before a storm.
    pub fn before(storm: &'static str, world: &'static World) -> Memory {
        static IDLE: std::sync::OnceLock<Vec<u64>> = std::sync::OnceLock::new();
        let (a, b) = (world.line.island("a"), world.line.island("b"));
        let programs: Vec<&'static Program> = vec![a.egress(), &world.line.hub, b.ingress()];
        let now = Memory::now(&programs);
        Memory { storm, idle: IDLE.get_or_init(|| now.clone()).clone(), before: now, programs }
    }

    fn now(programs: &[&Program]) -> Vec<u64> {
        programs.iter().map(|program| program.memory().unwrap() >> 20).collect()
    }

    /// After it: no program ever had more than it may.
    pub fn after(self) {
        let after = Memory::now(&self.programs);
        println!("memory in MiB, {} ({HELD_MIB} MiB of bodies may be held)", self.storm);
        println!("  {:<14} {:>6} {:>6} {:>6} {:>6}", "program", "idle", "before", "peak", "after");
        let mut over = Vec::new();
        for (at, program) in self.programs.iter().enumerate() {
            let peak = program.peak_memory().unwrap() >> 20;
            let (name, idle) = (program.name(), self.idle[at]);
            println!("  {name:<14} {idle:>6} {:>6} {peak:>6} {:>6}", self.before[at], after[at]);
            if peak > idle + OVER_IDLE_MIB {
                over.push(name);
            }
        }
        assert!(over.is_empty(), "{} cost {over:?} more than {OVER_IDLE_MIB} MiB over idle", self.storm);
    }
}
