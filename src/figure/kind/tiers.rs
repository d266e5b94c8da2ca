//! Tiers: each measure by tier, where nothing is swept.

use super::{Figure, Run};

/// Where there is more than one tier and no axis.
pub fn draw(run: &Run) -> Vec<Figure> {
    let source = run.ends();
    let has_tiers = source.position("tier").is_some_and(|tier| source.varies(tier));
    if !has_tiers || run.study.sweep.is_some() {
        return Vec::new();
    }
    run.measures_against(&source, "tier")
}
