//! The figures that a run draws by itself: one file for each kind, chosen from what the scenario measures.

mod ability;
mod axis;
mod cosines;
mod geometry;
mod overlap;
mod page;
mod phase;
mod scaling;
mod surface;
mod tiers;
mod training;

use super::chart::{self, Request, Series};
use super::source::{Cell, Source};
use super::vectors::Drawn;
use super::{Figure, Scale, number, wished};
use crate::analysis::{self, Conclusion};
use crate::scenario::study::Study;
use crate::table::{Column, Unit, Value};

/// A kind of figure.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// When it is drawn, and what it shows.
    pub summary: &'static str,
    /// All figures of this kind that the run has something for.
    draw: fn(&Run) -> Vec<Figure>,
}

/// Every kind, in the order in which a reader wants them.
pub static KINDS: [Kind; 11] = [
    Kind {
        name: "page",
        summary: "a power law and a transition over the size of a model: overlap, law, ability and what its threshold is made of, on one page",
        draw: page::draw,
    },
    Kind {
        name: "ability",
        summary: "a sigmoid or a transition: the curve with its turn marked, and the published abilities where the axis is one of size",
        draw: ability::draw,
    },
    Kind {
        name: "scaling",
        summary: "a power law, plain or broken: both axes logarithmic, the fit with its interval, its exponents, its break and its floor",
        draw: scaling::draw,
    },
    Kind {
        name: "surface",
        summary: "a Chinchilla surface: the loss by parameters for each amount of data, with the fit, and how a budget is best spent by it",
        draw: surface::draw,
    },
    Kind {
        name: "phase",
        summary: "two axes of numbers: a map of what was concluded from or measured",
        draw: phase::draw,
    },
    Kind {
        name: "axis",
        summary: "a swept axis: each measure against it, with 95 % intervals and theory",
        draw: axis::draw,
    },
    Kind { name: "training", summary: "looks at a training: each measure against the step", draw: training::draw },
    Kind { name: "tiers", summary: "no axis: each measure by tier, with 95 % intervals and theory", draw: tiers::draw },
    Kind {
        name: "cosines",
        summary: "vectors: how their cosines are distributed, beside random directions",
        draw: cosines::draw,
    },
    Kind { name: "overlap", summary: "vectors: the cosines of up to 64 concepts, pair by pair", draw: overlap::draw },
    Kind { name: "geometry", summary: "vectors in two or three dimensions: where they lie", draw: geometry::draw },
];

/// A finished run, as figures see it.
pub struct Run<'a> {
    /// What was asked.
    pub study: &'a Study,
    /// What came out, replicates together.
    pub source: &'a Source,
    /// What was concluded, under [`analysis::COLUMNS`].
    pub findings: &'a [Vec<Value>],
    /// The vectors of replicate 0 at some points.
    pub vectors: &'a [Drawn],
    /// Which vectors are not drawn, and why, in a sentence each.
    pub left_out: &'a [String],
}

/// All figures of a run: those that the scenario names, then its own in the order of [`KINDS`]. No two have the same name.
pub fn figures(run: &Run) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    let own =
        KINDS.iter().flat_map(|kind| (kind.draw)(run).into_iter().map(|figure| Figure { kind: kind.name, ..figure }));
    for figure in wished::figures(run).into_iter().chain(own) {
        if !figures.iter().any(|other| file_name(&other.name) == file_name(&figure.name)) {
            figures.push(figure);
        }
    }
    // Where no vectors are drawn at all, the first figure says why.
    if let Some(first) = figures.first_mut().filter(|_| run.vectors.is_empty()) {
        first.notes.extend(run.left_out.iter().cloned());
    }
    let n = run.source.n_lacking;
    for figure in &mut figures {
        if n > 0 {
            let units = if n == 1 { "unit is" } else { "units are" };
            figure.notes.push(format!("The run is unfinished: {n} {units} not computed yet."));
        }
        figure.name = file_name(&figure.name);
        if figure.description.is_empty() {
            figure.description = chart::described(figure);
        }
    }
    figures
}

/// A name as that of a file.
fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = text.chars().map(plain).take(64).collect();
    name.trim_matches(['-', '.']).to_owned()
}

impl Run<'_> {
    /// The scenario in one line, and how many replicates a point stands for.
    pub(super) fn subtitle(&self) -> String {
        let scenario = &self.study.first.plan.scenario;
        let title = scenario.title.as_deref().unwrap_or(scenario.name.as_str());
        match scenario.replicates.get() {
            1 => format!("{title}. One replicate."),
            n => format!("{title}. Points are means over {n} replicates."),
        }
    }

    /// The rows at the end of each training.
    pub(super) fn ends(&self) -> Source {
        let Some(step) = self.source.position("step") else { return self.source.clone() };
        let mut source = self.source.clone();
        let next = |index: usize| self.source.rows.get(index + 1);
        let at = |row: &Vec<Cell>| row[step].number();
        let mut index = 0;
        source.rows.retain(|row| {
            index += 1;
            // Looks come one after another: where the step falls back, another training begins.
            next(index - 1).is_none_or(|next| at(next) <= at(row) || at(row).is_none())
        });
        source
    }

    /// The coordinates of the sweep that are numbers and vary.
    fn axes(&self) -> Vec<String> {
        let n = self.study.first.coordinates.len();
        let columns = self.study.columns[..n].iter().map(|column| column.name.to_string());
        columns.filter(|name| self.source.position(name).is_some_and(|x| self.source.distinct(x).len() > 1)).collect()
    }

    /// The column to draw in place of a coordinate: the number of the model that it sets, whose unit is known.
    fn drawn(&self, axis: &str) -> String {
        let last = axis.rsplit('.').next().unwrap_or(axis);
        let key = if axis == "concepts.count" { "n_concepts" } else { last };
        let is_key = ["params", "tokens", "compute", "d_model", "n_concepts"].contains(&key);
        let count = |name: &str| self.source.position(name).map_or(0, |x| self.source.distinct(x).len());
        if is_key && count(key) == count(axis) { key.to_owned() } else { axis.to_owned() }
    }

    /// The columns that must tell lines apart for no two rows of a line to have the same x.
    pub(super) fn by(&self, source: &Source, x: &str) -> Vec<String> {
        let coordinates = self.study.columns[..self.study.first.coordinates.len()].iter();
        let others = coordinates.map(|column| column.name.as_ref()).filter(|name| *name != x && self.drawn(name) != x);
        let candidates = ["tier", "direction"].into_iter().chain(others);
        let Some(x) = source.position(x) else { return Vec::new() };
        let n_distinct = |columns: &[usize]| {
            let label = |row: &Vec<Cell>| columns.iter().map(|&column| row[column].words()).collect::<Vec<_>>();
            source.rows.iter().map(label).collect::<std::collections::HashSet<_>>().len()
        };
        let mut columns = vec![x];
        let mut by = Vec::new();
        for name in candidates {
            let Some(position) = source.position(name).filter(|&position| source.varies(position)) else { continue };
            let more: Vec<usize> = columns.iter().copied().chain([position]).collect();
            if n_distinct(&more) > n_distinct(&columns) {
                columns = more;
                by.push(name.to_owned());
            }
        }
        by
    }

    /// For each measure the columns of numbers that vary, less those that are the theory of another.
    fn measured(&self, source: &Source) -> Vec<(&'static str, Vec<String>)> {
        let is_theory = |name: &str| self.study.columns.iter().any(|column| column.theory.as_deref() == Some(name));
        let is_drawn = |column: &Column| {
            let position = source.position(&column.name);
            let has_numbers = position.is_some_and(|at| source.rows.iter().any(|row| row[at].number().is_some()));
            column.unit != Unit::Text && has_numbers && !is_theory(&column.name) && !column.name.ends_with("_error")
        };
        let chosen = self.study.first.plan.scenario.measure.chosen();
        let columns = |measure: &crate::registry::Chosen<dyn crate::measure::Measure>| {
            let columns = measure.member.columns().into_iter().filter(is_drawn);
            (measure.name, columns.map(|column| column.name.to_string()).collect::<Vec<_>>())
        };
        chosen.iter().map(columns).filter(|(_, columns)| !columns.is_empty()).collect()
    }

    /// Each measure against a column.
    fn measures_against(&self, source: &Source, x: &str) -> Vec<Figure> {
        let by = self.by(source, x);
        let label = source.position(x).map_or(x.to_owned(), |x| chart::short(&source.columns[x]));
        let mut figures = Vec::new();
        for (measure, columns) in self.measured(source) {
            let n = columns.len();
            for (part, columns) in columns.chunks(chart::MOST_PANELS).enumerate() {
                let request = Request { x: x.to_owned(), y: columns.to_vec(), by: by.clone(), ..Request::default() };
                let mut figure = chart::draw(source, &request);
                let number = if n > chart::MOST_PANELS { format!("-{}", part + 1) } else { String::new() };
                figure.name = format!("{measure}-by-{}{number}", x.rsplit('.').next().unwrap_or(x));
                figure.title = format!("{} by {label}", capital(measure));
                figure.subtitle = self.subtitle();
                figures.push(figure);
            }
        }
        figures
    }

    /// The findings of an analysis and a group of it, by name.
    fn found<'b>(&'b self, conclusion: &'b Conclusion, label: &'b str, name: &'b str) -> Option<Found> {
        let columns = conclusion.columns();
        let words = |row: &Vec<Value>, at: usize| row[at].to_string();
        let row = self.findings.iter().find(|row| {
            words(row, 0) == conclusion.name()
                && words(row, 1) == columns
                && words(row, 2) == name
                && words(row, 3) == label
        })?;
        let number = |at: usize| row[at].number();
        Some(Found { estimate: number(4)?, interval: number(6).zip(number(7)) })
    }

    /// Why an analysis says nothing of these lines, as its findings tell it.
    fn why_not(&self, conclusion: &Conclusion, series: &[Series]) -> Vec<String> {
        let columns = conclusion.columns();
        let own = self.findings.iter().filter(|row| {
            row[0].to_string() == conclusion.name() && row[1].to_string() == columns && row[4].number().is_none()
        });
        let mut notes: Vec<String> = own
            .filter(|row| !row[10].to_string().is_empty())
            .map(|row| {
                let label = row[3].to_string();
                let name = series.iter().find(|line| line.label == label).filter(|_| series.len() > 1);
                format!("No fit{}: {}.", name.map_or(String::new(), |line| format!(", {}", line.name)), row[10])
            })
            .collect();
        notes.dedup();
        notes.truncate(3);
        notes
    }

    /// The chart of an analysis: what it reads, with its groups as lines.
    fn chart_of(
        &self,
        conclusion: &Conclusion,
        y: Vec<String>,
        scales: (Option<Scale>, Option<Scale>),
    ) -> (Figure, Vec<Series>) {
        let analysis = conclusion.member();
        let x = analysis.reads().first().map_or(String::new(), |(_, x)| (*x).to_owned());
        // Without by all rows are one group, unless the one text is named. Systems of several sizes are lines of their own within a group.
        let mut by = analysis.by().map_or(Vec::new(), <[String]>::to_vec);
        by.extend(size_of(conclusion));
        let request = Request { x, y, by, x_scale: scales.0, y_scale: scales.1, ..Request::default() };
        let mut figure = chart::draw(self.source, &request);
        figure.subtitle = self.subtitle();
        let series = chart::series_of(self.source, &request);
        (figure, series)
    }

    /// The analyses of these kinds with their numbers, from 1.
    fn analyses(&self, kinds: &'static [&'static str]) -> impl Iterator<Item = (usize, &Conclusion)> {
        let all = self.study.first.plan.scenario.analysis.iter().enumerate();
        all.filter(|(_, conclusion)| kinds.contains(&conclusion.name())).map(|(index, analysis)| (index + 1, analysis))
    }
}

/// The column that tells systems of several sizes apart, if an analysis has one.
fn size_of(conclusion: &Conclusion) -> Option<String> {
    let reads = conclusion.member().reads();
    reads.iter().find(|(key, _)| *key == "size").map(|(_, column)| (*column).to_owned())
}

/// The group of the findings that a line belongs to: its label without the size.
fn group_of<'a>(conclusion: &Conclusion, label: &'a str) -> &'a str {
    let Some(size) = size_of(conclusion) else { return label };
    let size = format!("{size} = ");
    match label.rfind(&size) {
        Some(at) => label[..at].trim_end_matches(", "),
        None => label,
    }
}

/// An estimate with its 95 % interval.
struct Found {
    estimate: f64,
    interval: Option<(f64, f64)>,
}

impl Found {
    /// `5.3×10⁸ (4.9 to 5.8×10⁸)`.
    fn words(&self) -> String {
        let Some((low, high)) = self.interval else { return number::plain(self.estimate, 3) };
        // As many digits as it takes to tell the ends from the middle.
        let written = |digits| [self.estimate, low, high].map(|x| number::plain(x, digits));
        let apart = |[middle, low, high]: &[String; 3]| low != middle && middle != high;
        let [estimate, mut low, high] = (3..7).map(written).find(apart).unwrap_or_else(|| written(7));
        // A power of ten that both ends have is written once.
        if let (Some((digits, power)), Some((_, other))) = (low.split_once('×'), high.split_once('×'))
            && power == other
        {
            low = digits.to_owned();
        }
        format!("{estimate} ({low} to {high})")
    }
}

/// A name as the beginning of a title.
fn capital(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The columns that an analysis reads beyond x, those that are drawn.
fn drawn_columns(conclusion: &Conclusion) -> Vec<String> {
    let reads = conclusion.member().reads();
    let drawn = reads.iter().filter(|(key, _)| ["y", "continuous"].contains(key));
    drawn.map(|(_, name)| (*name).to_owned()).collect()
}

/// The columns of the findings stand where the code reads them.
const _: () = assert!(analysis::N_COLUMNS == 11);
