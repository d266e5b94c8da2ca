//! Left: what a store lacks of a study, cut into pieces that take about as long as asked.

use std::ops::Range;

use super::unit::Inputs;
use super::{Fault, each_unit};
use crate::scenario::study::Study;
use crate::store::Store;

/// How much a store lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Left {
    /// Units of which a record is lacking.
    pub n_units: u64,
    /// Records that are there.
    pub n_found: u64,
    /// Estimated time of those units on one core.
    pub seconds: f64,
}

/// Units that follow each other, all lacking but for some that are cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The units, by their numbers in plan order.
    pub units: Range<u64>,
    /// How many of them are lacking.
    pub n_lacking: u64,
    /// Estimated time of those on one core.
    pub seconds: f64,
}

/// Units that are there and that together take less are computed once more, for a piece of its own costs about as much: a process is started, and the study is planned.
const BRIDGED_S: f64 = 0.1;

/// Units after which the store is looked at anew: a view that is kept keeps it from using its pages again.
const WINDOW: u64 = 4096;

/// Counts what a store lacks. About 20 µs for each point, and 1 µs for each record.
pub fn left(study: &Study, inputs: &Inputs, store: &Store) -> Result<Left, Fault> {
    let (view, seeds, mut left) = (store.view()?, study.sweep.seeds, Left::default());
    each_unit(study, |_, job| {
        let keys = job.records(seeds, inputs);
        let mut n_found = 0;
        for key in &keys {
            n_found += u64::from(view.has(key)?);
        }
        left.n_found += n_found;
        if n_found < keys.len() as u64 {
            left.n_units += 1;
            left.seconds += job.cost().seconds;
        }
        Ok(true)
    })?;
    Ok(left)
}

/// Gives what a store lacks in plan order, in pieces whose estimated time is about what `seconds` says when each is begun, until `take` says `false`. A piece has at least one unit.
pub fn each_piece(
    study: &Study,
    inputs: &Inputs,
    store: &Store,
    seconds: &dyn Fn() -> f64,
    take: &mut dyn FnMut(Piece) -> bool,
) -> Result<(), Fault> {
    let (mut view, seeds) = (store.view()?, study.sweep.seeds);
    let mut piece: Option<Piece> = None;
    let (mut there, mut goes_on) = (0.0, true);
    each_unit(study, |number, job| {
        if number % WINDOW == 0 {
            view = store.view()?;
        }
        let mut is_there = true;
        for key in job.records(seeds, inputs) {
            is_there &= view.has(&key)?;
        }
        let own = job.cost().seconds;
        if is_there {
            there += own;
            if there > BRIDGED_S {
                goes_on = piece.take().is_none_or(&mut *take);
            }
            return Ok(goes_on);
        }
        there = 0.0;
        // What would make the piece longer by half a unit too many begins the next one.
        if piece.as_ref().is_some_and(|piece| piece.seconds + own / 2.0 > seconds()) {
            goes_on = piece.take().is_none_or(&mut *take);
        }
        let piece = piece.get_or_insert(Piece { units: number..number, n_lacking: 0, seconds: 0.0 });
        *piece = Piece {
            units: piece.units.start..number + 1,
            n_lacking: piece.n_lacking + 1,
            seconds: piece.seconds + own,
        };
        Ok(goes_on)
    })?;
    if goes_on {
        let _ = piece.is_none_or(take);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::unit::read_inputs;
    use crate::engine::{self, Options};
    use crate::geometry::kernel::Kernel;
    use crate::scenario::document::Document;

    /// Twelve units, of which 6 to 8 take nine tenths of the time.
    fn study() -> Study {
        let text = "name = \"s\"\nseed = 3\nreplicates = 3\nconcepts.count = 20\n[[tiers]]\nname = \"a\"\nd_model = 8\n\
            embedding.fully_distributed = {}\n[measure.overlap]\n[sweep]\n\"tiers.a.d_model\" = [8, 16, 700, 9]\n";
        Study::new(&Document::parse(Path::new("s.toml"), text.to_owned()).expect("a scenario")).expect("a study")
    }

    fn pieces(study: &Study, inputs: &Inputs, store: &Store, seconds: f64) -> Vec<Piece> {
        let mut pieces = Vec::new();
        each_piece(study, inputs, store, &|| seconds, &mut |piece| {
            pieces.push(piece);
            true
        })
        .expect("planned");
        pieces
    }

    fn compute(study: &Study, inputs: &Inputs, store: &Store, units: Range<u64>) {
        let options = Options {
            units,
            kernel: Kernel::best(),
            memory: 1 << 30,
            stop_on_error: true,
            watch: &|_| {},
            stop: &|| false,
            stopped: &|_| {},
        };
        engine::run(study, inputs, store, &options).expect("computed");
    }

    #[test]
    fn law_pieces_are_what_is_left_in_order_and_none_is_much_longer_than_asked() {
        let study = study();
        let inputs = read_inputs(&study).expect("no files");
        let store = Store::in_memory().expect("a store");
        let whole = left(&study, &inputs, &store).expect("counted");
        assert_eq!((whole.n_units, whole.n_found), (12, 0));
        assert!((whole.seconds / study.seconds - 1.0).abs() < 1e-12);
        for parts in [1.0, 2.0, 5.0, 1e9] {
            let asked = whole.seconds / parts;
            let pieces = pieces(&study, &inputs, &store, asked);
            let all: Vec<u64> = pieces.iter().flat_map(|piece| piece.units.clone()).collect();
            assert_eq!(all, (0..12).collect::<Vec<_>>());
            assert!((pieces.iter().map(|piece| piece.seconds).sum::<f64>() / whole.seconds - 1.0).abs() < 1e-12);
            for piece in pieces {
                assert!(piece.n_lacking == 1 || piece.seconds <= 2.0 * asked, "{piece:?} of {asked}");
            }
        }
        assert_eq!(pieces(&study, &inputs, &store, f64::MIN_POSITIVE).len(), 12);
    }

    #[test]
    fn law_what_is_there_is_left_out_unless_it_is_cheaper_than_a_piece_of_its_own() {
        let study = study();
        let inputs = read_inputs(&study).expect("no files");
        let store = Store::in_memory().expect("a store");
        compute(&study, &inputs, &store, 1..3);
        compute(&study, &inputs, &store, 9..12);
        let found = left(&study, &inputs, &store).expect("counted");
        assert_eq!((found.n_units, found.n_found), (7, 5));
        let pieces = pieces(&study, &inputs, &store, f64::INFINITY);
        assert_eq!(pieces.len(), 1, "units of microseconds are bridged: {pieces:?}");
        assert_eq!((pieces[0].units.clone(), pieces[0].n_lacking), (0..9, 7));
        compute(&study, &inputs, &store, 0..12);
        assert_eq!(left(&study, &inputs, &store).expect("counted").n_units, 0);
        assert!(self::pieces(&study, &inputs, &store, 1.0).is_empty());
    }

    #[test]
    fn law_nobody_who_has_enough_is_given_more() {
        let study = study();
        let (inputs, store) = (read_inputs(&study).expect("no files"), Store::in_memory().expect("a store"));
        let mut n_given = 0;
        each_piece(&study, &inputs, &store, &|| 0.0, &mut |_| {
            n_given += 1;
            n_given < 3
        })
        .expect("planned");
        assert_eq!(n_given, 3);
    }
}
