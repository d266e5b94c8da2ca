//! The engine: a plan in, rows out, on all cores of the current pool.

use rayon::prelude::*;

use crate::embedding::{self, Model};
use crate::geometry::kernel::Kernel;
use crate::measure::{Subject, wanted_by};
use crate::scenario::plan::{Plan, UnitOfWork};
use crate::seed::Stream;
use crate::table::{Table, Value};

/// How to run, without any effect on the numbers.
pub struct Options<'a> {
    /// The variant of the pair kernel.
    pub kernel: Kernel,
    /// Bytes that the units in flight may take together.
    pub memory: u64,
    /// Called after each unit, from whatever thread finished it, with the share of the estimated work that the unit was.
    pub finished: &'a (dyn Fn(f64) + Sync),
}

/// Why a plan is not run, or not finished.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// One replicate of a tier does not fit in the memory budget.
    #[error("tier \"{tier}\" needs about {} for one replicate ({n_concepts} concepts × {d_model} units), but the memory budget is {}", gigabytes(*.bytes), gigabytes(*.budget))]
    Memory {
        /// The tier.
        tier: String,
        /// n.
        n_concepts: u64,
        /// d.
        d_model: u64,
        /// Estimated peak.
        bytes: f64,
        /// The budget.
        budget: f64,
    },
    /// The scenario has more rows than a machine can hold.
    #[error(
        "the scenario has {tiers} tiers × {replicates} replicates, more rows than a table holds: at most {MOST_ROWS}"
    )]
    Rows {
        /// Number of tiers.
        tiers: usize,
        /// Number of replicates.
        replicates: u64,
    },
    /// A file that was there when the plan was made cannot be used.
    #[error(transparent)]
    Embedding(#[from] embedding::Fault),
}

/// Rows that one run may have.
const MOST_ROWS: u64 = 100_000_000;

/// A unit that takes longer than this on one core uses all cores when there are few of its kind.
const LONG_S: f64 = 2.0;

/// Whether a plan can be run: its rows are few enough to count, and its hungriest unit fits in the budget. Allocates nothing.
pub fn admit(plan: &Plan, memory: u64) -> Result<(), Fault> {
    if plan.n_rows().is_none_or(|n| n > MOST_ROWS) {
        return Err(Fault::Rows { tiers: plan.tiers.len(), replicates: plan.scenario.replicates.get() });
    }
    for (tier, planned) in plan.scenario.tiers.iter().zip(&plan.tiers) {
        if planned.cost.bytes > memory as f64 {
            let (size, bytes) = (planned.size, planned.cost.bytes);
            let (n_concepts, d_model) = (size.n_concepts, size.d_model);
            return Err(Fault::Memory {
                tier: tier.name.to_string(),
                n_concepts,
                d_model,
                bytes,
                budget: memory as f64,
            });
        }
    }
    Ok(())
}

/// Runs a plan. Rows stand in plan order, the same for any number of threads.
///
/// Units run one to a core, longest first. One that is too large for that (in memory), or long and with too few others of its kind to keep the cores busy,
/// runs before them, alone, on all cores.
pub fn run(plan: &Plan, options: &Options) -> Result<Table, Fault> {
    admit(plan, options.memory)?;
    let n_threads = rayon::current_num_threads() as f64;
    let alone = |unit: &UnitOfWork| {
        let cost = plan.tiers[unit.tier_idx].cost;
        let few = (plan.scenario.replicates.get() as f64) < 4.0 * n_threads;
        n_threads > 1.0 && (cost.bytes * n_threads > options.memory as f64 || cost.seconds > LONG_S && few)
    };
    let (large, mut small): (Vec<UnitOfWork>, Vec<UnitOfWork>) = plan.units().partition(alone);
    small.sort_by(|a, b| plan.tiers[b.tier_idx].cost.seconds.total_cmp(&plan.tiers[a.tier_idx].cost.seconds));
    let total = plan.seconds();
    let finish = |unit: UnitOfWork, parallel: bool| {
        let row = observe(plan, unit, options.kernel, parallel)?;
        (options.finished)(plan.tiers[unit.tier_idx].cost.seconds / total);
        Ok((unit, row))
    };
    let mut rows = large.into_iter().map(|unit| finish(unit, true)).collect::<Result<Vec<_>, Fault>>()?;
    rows.extend(
        small.into_par_iter().with_max_len(1).map(|unit| finish(unit, false)).collect::<Result<Vec<_>, Fault>>()?,
    );
    rows.sort_by_key(|(unit, _)| (unit.tier_idx, unit.replicate));
    Ok(Table { columns: plan.columns(), rows: rows.into_iter().map(|(_, row)| row).collect() })
}

/// One row: draws the embedding of a unit and observes it.
fn observe(plan: &Plan, unit: UnitOfWork, kernel: Kernel, parallel: bool) -> Result<Vec<Value>, Fault> {
    let scenario = &plan.scenario;
    let (tier, size) = (&scenario.tiers[unit.tier_idx], plan.tiers[unit.tier_idx].size);
    let params = tier.params.map(|params| params.get());
    let identity = plan.identity(unit.tier_idx);
    // The name of a stream is what its numbers depend on, never a position: other tiers, measures and rows leave it as it is.
    let stream = Stream::from_seed(scenario.seed.get()).stream(&unit.replicate.to_string()).stream(tier.name.as_str());
    let model =
        Model { n_concepts: size.n_concepts as usize, d_model: size.d_model as usize, params, folder: plan.folder() };
    let embedding = tier.embedding.member().embed(&model, &stream.stream("embedding").stream(&identity), parallel)?;
    let measures = scenario.measure.chosen();
    let subject = Subject::new(embedding, wanted_by(&measures), kernel, parallel);

    let (mut values, mut undefined) = (Vec::new(), Vec::new());
    for measure in measures {
        let stream = stream.stream("measure").stream(measure.name).stream(&measure.parameters).stream(&identity);
        let observed = measure.member.observe(&subject, &stream);
        let columns = measure.member.columns();
        debug_assert_eq!(observed.len(), columns.len());
        undefined.extend(
            columns
                .iter()
                .zip(&observed)
                .filter(|(_, value)| **value == Value::Undefined)
                .map(|(column, _)| column.name.clone()),
        );
        values.extend(observed);
    }
    let status = if undefined.is_empty() { "ok".to_owned() } else { format!("undefined: {}", undefined.join(" ")) };
    let mut row = vec![
        Value::Text(tier.name.to_string()),
        params.into(),
        Value::Whole(size.d_model),
        Value::Whole(size.n_concepts),
        Value::Whole(unit.replicate),
        Value::Text(status),
    ];
    row.extend(values);
    Ok(row)
}

/// Bytes for a person: `1.2 GB`, `340 MB`.
pub fn gigabytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1e13 => format!("{b:.1e} bytes"),
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).ceil()),
    }
}
