//! Figures: whatever the data and the names, the SVG is XML, no text lies on another, and the PNG is the same picture.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

use std::collections::HashSet;

use superpose::figure::chart::{self, Request};
use superpose::figure::font::Fonts;
use superpose::figure::layout::layout;
use superpose::figure::palette::MARKED;
use superpose::figure::scene::{Frame, Scene};
use superpose::figure::source::Source;
use superpose::figure::{Axis, Dash, Figure, Layer, Mark, Panel, Ramp, Style, Tone, png, svg};
use superpose::table::{Column, Table, Unit, Value};

/// Names that try to be more than text.
fn hostile() -> Vec<String> {
    let long = "abc ".repeat(2500);
    [
        "<script>alert(1)</script>",
        "\"quoted\" & 'so'",
        "]]>",
        "\u{202e}turned",
        "nul\u{0}\u{b}\u{1b}[31m",
        "猫和狗",
        &long,
    ]
    .map(str::to_owned)
    .into()
}

/// A table of so many rows of each of these groups, with values of every size.
fn source(groups: &[String], n: usize, size: f64) -> Source {
    let column = |name: &str, unit| Column::named(name.to_owned(), unit, String::new());
    let columns = vec![column("x", Unit::Parameters), column("y", Unit::Pure), column("group", Unit::Text)];
    let mut rows = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        for row in 0..n {
            let (x, wave) = (10f64.powf(9.0 * row as f64 / n as f64), ((row * 7 + index * 3) % 11) as f64);
            rows.push(vec![Value::from(x), Value::from(size * (index as f64 + wave)), Value::Text(group.clone())]);
        }
    }
    Source::of_table(&Table { columns, rows })
}

fn chart(groups: &[String], n: usize, size: f64, facet: bool) -> Figure {
    let by = if facet { Vec::new() } else { vec!["group".to_owned()] };
    let facet = facet.then(|| "group".to_owned());
    let request = Request { x: "x".into(), y: vec!["y".into()], by, facet, ..Request::default() };
    let mut figure = chart::draw(&source(groups, n, size), &request);
    figure.name = "test".into();
    figure.title = groups.first().cloned().unwrap_or_default();
    figure.description = chart::described(&figure);
    figure
}

fn heat(names: &[String]) -> Figure {
    let n = names.len();
    let edges: Vec<f64> = (0..=n).map(|index| index as f64 - 0.5).collect();
    let values = (0..n * n).map(|cell| ((cell * 13 % 29) as f64 / 14.0) - 1.0).collect();
    let axis = Axis { names: names.to_vec(), ..Axis::default() };
    let layers = vec![Layer::Heat { x: edges.clone(), y: edges, values }];
    let panel = Panel { title: "p".into(), x: axis.clone(), y: axis, layers, is_square: true, ..Panel::default() };
    let ramp = Some(Ramp { label: "cosine".into(), range: (-1.0, 1.0), tone: Tone::Signed });
    Figure {
        name: "heat".into(),
        title: "Overlap".into(),
        panels: vec![panel],
        n_columns: 1,
        ramp,
        ..Figure::default()
    }
}

fn marked(n: usize) -> Figure {
    let mark = |index: usize| Mark {
        at: 10f64.powf(3.0 + index as f64 * 0.2),
        interval: Some((10f64.powf(2.9 + index as f64 * 0.2), 10f64.powf(3.1 + index as f64 * 0.2))),
        label: format!("ability number {index}"),
        whole: format!("the whole of ability number {index}"),
        colour: MARKED,
        is_line: index.is_multiple_of(2),
    };
    let mut figure = chart(&["a".to_owned()], 50, 1.0, false);
    figure.panels[0].marks = (0..n).map(mark).collect();
    figure
}

fn all() -> Vec<Figure> {
    let twelve: Vec<String> = (0..12).map(|index| format!("group number {index} of the twelve")).collect();
    let many: Vec<String> = (0..64).map(|index| format!("concept {index}")).collect();
    let mut figures = vec![
        chart(&twelve, 1000, 1.0, false),
        chart(&twelve, 20, 1e-9, true),
        chart(&hostile(), 30, 1e300, false),
        chart(&hostile(), 30, -1e5, true),
        chart(&many, 5, 1.0, false),
        heat(&hostile()),
        heat(&many),
        heat(&many[..3]),
        Figure { name: "empty".into(), panels: vec![Panel::default()], n_columns: 1, ..Figure::default() },
    ];
    figures.extend([1, 3, 12, 40].map(marked));
    figures
}

/// The texts of a scene with what they cover.
fn frames(scene: &Scene) -> Vec<(String, Frame)> {
    scene.texts().map(|text| (text.text.clone(), text.frame())).collect()
}

#[test]
fn law_no_text_lies_on_another_or_off_the_page() {
    let mut n_texts = 0;
    for figure in all() {
        let scene = layout(&figure);
        let page = Frame { x: 0.0, y: 0.0, width: scene.width, height: scene.height };
        let texts = frames(&scene);
        n_texts += texts.len();
        for (index, (text, frame)) in texts.iter().enumerate() {
            assert!(page.holds(frame), "{}: {text} leaves the page: {frame:?} {page:?}", figure.name);
            for (other, below) in &texts[..index] {
                assert!(!frame.overlaps(below), "{} ({}): \"{text}\" on \"{other}\"", figure.name, figure.title);
            }
        }
    }
    assert!(n_texts > 300, "{n_texts}");
}

#[test]
fn law_an_svg_is_xml_in_which_names_are_text() {
    for figure in all() {
        let text = svg::encode(&figure);
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", figure.name));
        let elements: HashSet<&str> =
            document.descendants().filter(roxmltree::Node::is_element).map(|node| node.tag_name().name()).collect();
        let known = ["svg", "title", "desc", "defs", "clipPath", "g", "path", "text"];
        assert!(elements.iter().all(|name| known.contains(name)), "{elements:?}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'), "{}", figure.name);
        let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(ids.iter().all(|id| id.starts_with(&figure.name)));
        let root = document.root_element();
        let named: Vec<&str> = root.attribute("aria-labelledby").expect("a name").split(' ').collect();
        assert!(named.iter().all(|name| ids.contains(name)), "{named:?}");
    }
}

#[test]
fn law_the_whole_of_a_name_that_is_cut_is_kept() {
    let figure = chart(&hostile(), 3, 1.0, false);
    let text = svg::encode(&figure);
    let document = roxmltree::Document::parse(&text).expect("XML");
    let long = "abc ".repeat(2500);
    let titles: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("title")).filter_map(|node| node.text()).collect();
    assert!(titles.contains(&long.as_str()));
    // And what is shown of it is no longer than its place.
    let longest = layout(&figure).texts().map(|text| text.text.chars().count()).max();
    assert!(longest < Some(130), "{longest:?}");
}

#[test]
fn law_a_png_is_the_same_on_any_thread_and_names_that_it_lacks_letters_for_are_numbers() {
    let fonts = Fonts::bundled();
    for figure in [chart(&hostile(), 10, 1.0, false), heat(&hostile()), marked(3)] {
        let one = png::encode(&figure, &fonts).expect("painted");
        let other = std::thread::spawn({
            let (figure, fonts) = (figure.clone(), Fonts::bundled());
            move || png::encode(&figure, &fonts).expect("painted")
        });
        assert!(one == other.join().expect("a thread"), "{}", figure.name);
        let size = |at: usize| u32::from_be_bytes(one[at..at + 4].try_into().expect("four bytes"));
        let scene = layout(&figure);
        assert_eq!(&one[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(f64::from(size(16)), 2.0 * scene.width);
        // A note more may be below.
        assert!(f64::from(size(20)) >= 2.0 * scene.height);
    }
    // The same picture, whatever the Chinese name is: it is not painted.
    let named = |name: &str| png::encode(&heat(&["a".to_owned(), name.to_owned()]), &fonts).expect("painted");
    assert!(named("猫") == named("狗") && named("猫") != named("cat"));
}

#[test]
fn law_only_what_goes_beyond_its_frame_is_clipped() {
    let mut figure = heat(&hostile());
    assert!(!svg::encode(&figure).contains("clip") && all().iter().all(|figure| layout(figure).clips.is_empty()));
    let style = Style::grey(Dash::Solid);
    figure.panels[0].layers.push(Layer::Line { points: vec![(0.0, 0.0), (3.0, 1e4)], style });
    assert!(svg::encode(&figure).contains("<g clip-path=\"url(#heat-0)\">") && layout(&figure).clips.len() == 1);
}

#[test]
fn law_series_can_be_told_apart_without_colour() {
    let groups: Vec<String> = (0..12).map(|index| format!("g{index}")).collect();
    let figure = chart(&groups, 5, 1.0, false);
    let looks: Vec<_> = figure.legend.iter().filter_map(|entry| entry.style.shape).collect();
    assert_eq!(looks.len(), 12);
    assert!(looks.iter().enumerate().all(|(index, shape)| !looks[..index].contains(shape)));
}

#[test]
fn theory_a_mean_and_its_interval_stand_where_they_are() {
    let columns = ["x", "y"].map(|name| Column::named(name.to_owned(), Unit::Pure, String::new())).into();
    let rows =
        [(0.0, 1.0), (0.0, 3.0), (0.0, 2.0), (1.0, 5.0)].map(|(x, y)| vec![Value::from(x), Value::from(y)]).into();
    let request = Request { x: "x".into(), y: vec!["y".into()], ..Request::default() };
    let figure = chart::draw(&Source::of_table(&Table { columns, rows }), &request);
    let points = figure.panels[0].layers.iter().find_map(|layer| match layer {
        Layer::Points { points, .. } => Some(points.clone()),
        _ => None,
    });
    assert_eq!(points, Some(vec![(0.0, 2.0), (1.0, 5.0)]));
    let band = figure.panels[0].layers.iter().find_map(|layer| match layer {
        Layer::Band { points, .. } => Some(points.clone()),
        _ => None,
    });
    // t(0.975, 2) = 4.302653; the standard error of 1, 2 and 3 is 1/√3.
    let (_, low, high) = band.expect("a band")[0];
    let half = 4.302_652_729_911 / 3f64.sqrt();
    assert!((low - (2.0 - half)).abs() < 1e-6 && (high - (2.0 + half)).abs() < 1e-6);
}

/// A chart of so many groups, at five places so many rows each.
fn replicated(n_groups: usize, n_replicates: usize) -> Figure {
    let column = |name: &str, unit| Column::named(name.to_owned(), unit, String::new());
    let columns = vec![column("x", Unit::Pure), column("y", Unit::Pure), column("group", Unit::Text)];
    let mut rows = Vec::new();
    for group in 0..n_groups {
        for (x, k) in (0..5).flat_map(|x| (0..n_replicates).map(move |k| (x, k))) {
            let y = (group + x) as f64 + 0.1 * k as f64;
            rows.push(vec![Value::from(x as f64), Value::from(y), Value::Text(format!("g{group}"))]);
        }
    }
    let request = Request { x: "x".into(), y: vec!["y".into()], by: vec!["group".into()], ..Request::default() };
    chart::draw(&Source::of_table(&Table { columns, rows }), &request)
}

#[test]
fn law_intervals_are_bands_of_few_lines_whiskers_of_many_and_none_of_two_replicates_and_the_figure_says_so() {
    let count =
        |figure: &Figure, of: fn(&Layer) -> bool| figure.panels[0].layers.iter().filter(|layer| of(layer)).count();
    let drawn = |figure: &Figure| {
        let bands = count(figure, |layer| matches!(layer, Layer::Band { .. }));
        let whiskers = count(figure, |layer| matches!(layer, Layer::Whiskers { .. }));
        let in_legend = figure.legend.iter().any(|entry| entry.name == "95 % interval of the mean");
        (bands, whiskers, in_legend, figure.notes.join(" "))
    };
    assert_eq!(drawn(&replicated(6, 3)), (6, 0, true, String::new()));
    assert_eq!(drawn(&replicated(7, 3)), (0, 7, false, "Whiskers: 95 % interval of the mean.".to_owned()));
    let few = "No interval is drawn for means of two replicates, which say too little of their spread.".to_owned();
    assert_eq!(drawn(&replicated(2, 2)), (0, 0, false, few));
    assert_eq!(drawn(&replicated(2, 1)), (0, 0, false, String::new()));
}

#[test]
fn law_every_mark_has_its_name_beside_it_or_in_a_note() {
    for n in [1, 3, 12, 40] {
        let scene = layout(&marked(n));
        let texts: Vec<&str> = scene.texts().map(|text| text.text.as_str()).collect();
        let notes = texts.iter().skip_while(|text| !text.starts_with("Numbers above: (1) "));
        let notes = notes.copied().collect::<Vec<_>>().join(" ");
        // The panel ends where its axis does.
        let is_there = |index: usize| 3.0 + index as f64 * 0.2 <= 9.2;
        for index in (0..n).filter(|&index| is_there(index)) {
            let (name, whole) = (format!("ability number {index}"), format!("the whole of ability number {index}"));
            let is_whole = notes.split(['.', ',', ';']).any(|words| words.trim_end().ends_with(&whole));
            assert!(texts.contains(&name.as_str()) || is_whole, "{n}: {name} in {notes}");
        }
    }
}

#[test]
fn law_names_of_64_concepts_are_as_large_as_any() {
    let many: Vec<String> = (0..64).map(|index| format!("concept {index}")).collect();
    let scene = layout(&heat(&many));
    let names: Vec<f64> =
        scene.texts().filter(|text| text.text.starts_with("concept ")).map(|text| text.size).collect();
    assert_eq!(names.len(), 128);
    assert!(names.iter().all(|&size| size >= 10.0), "{names:?}");
}

/// The figures of a scenario that is run in memory.
fn drawn(text: &str) -> Vec<Figure> {
    use superpose::engine::{run_in_memory, unit::read_inputs};
    use superpose::figure::kind::{Run, figures};
    use superpose::figure::source::Gathering;
    use superpose::figure::vectors;
    use superpose::geometry::kernel::Kernel;
    use superpose::scenario::{document::Document, study::Study};
    let document = Document::parse("s.toml".as_ref(), text.to_owned()).expect("TOML");
    let study = Study::new(&document).expect("a study");
    let (table, _) = run_in_memory(&study, Kernel::best(), u64::MAX).expect("a run");
    let (n_shared, _) = study.key_ends();
    let mut gathering = Gathering::of(&study);
    for rows in table.rows.chunk_by(|a, b| a[..n_shared] == b[..n_shared]) {
        let rows = rows.to_vec();
        gathering.add(&superpose::engine::results::Group { point: 0, tier_idx: 0, stage_idx: 0, rows });
    }
    let scenario = &study.first.plan.scenario;
    let findings = superpose::analysis::conclude(&scenario.analysis, &table, scenario.seed.get());
    let vectors = vectors::draw(&study, &read_inputs(&study).expect("inputs"), Kernel::best()).expect("vectors");
    let (drawn, left_out) = (&vectors.drawn[..], &vectors.left_out[..]);
    figures(&Run { study: &study, source: &gathering.finish(), findings: &findings, vectors: drawn, left_out })
}

/// The lines and the bands of a panel that look like the entry of the legend that begins so.
fn looks_like<'a>(figure: &'a Figure, name: &str) -> Vec<&'a Layer> {
    let entry = figure.legend.iter().find(|entry| entry.name.starts_with(name));
    let style = entry.unwrap_or_else(|| panic!("{name} in {:?}", figure.legend)).style;
    let is_alike = |layer: &&Layer| match layer {
        Layer::Line { style: own, .. } | Layer::Band { style: own, .. } => *own == style,
        _ => false,
    };
    figure.panels[0].layers.iter().filter(is_alike).collect()
}

const LAWS: &str = r#"
name = "laws"
seed = 4
replicates = 3
[[tiers]]
name = "model"
params = 1e6
tokens = 1e9
[measure.scaling]
noise = 0.01
power = {}
chinchilla = {}
broken = { breaks = [{ at = 1e9, change = 0.2, smoothness = 0.5 }] }
[sweep]
"tiers.model.params" = { from = 1e6, to = 1e12, steps = 13, scale = "log" }
"tiers.model.tokens" = [1e9, 1e10, 1e11, 1e12]
[[analysis]]
power_law = { x = "params", y = "loss_power" }
[[analysis]]
broken_power_law = { x = "params", y = "loss_broken" }
[[analysis]]
chinchilla = { params = "params", tokens = "tokens", loss = "loss_chinchilla" }
"#;

#[test]
fn theory_fits_are_drawn_through_the_laws_that_were_planted_with_an_interval_that_holds_them() {
    let figures = drawn(LAWS);
    let named = |name: &str| {
        let names = || figures.iter().map(|figure| figure.name.as_str()).collect::<Vec<_>>();
        figures.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("{name} of {:?}", names()))
    };
    for name in ["scaling-1-loss_power", "scaling-2-loss_broken"] {
        let figure = named(name);
        let [Layer::Band { points: band, .. }, Layer::Line { points: line, .. }] =
            looks_like(figure, "fit: exponent")[..]
        else {
            panic!("{name}: a band and a line");
        };
        // The column of the theory says what was planted.
        let theory = figure.panels[0].layers.iter().find_map(|layer| match layer {
            Layer::Line { points, style } if style.dash == Dash::Dashed => Some(points),
            _ => None,
        });
        let theory = theory.expect("a theory");
        let planted = |x: f64| {
            let above = theory.iter().position(|point| point.0 >= x * (1.0 - 1e-9)).expect("within").max(1);
            let ((x0, y0), (x1, y1)) = (theory[above - 1], theory[above]);
            (y0.ln() + (y1 / y0).ln() * (x / x0).ln() / (x1 / x0).ln()).exp()
        };
        for (&(x, y), &(_, low, high)) in line.iter().zip(band) {
            assert!(low < y && y < high && high / low < 1.2, "{name} at {x}: {low} {y} {high}");
            assert!((y / planted(x)).ln().abs() < 0.06, "{name} at {x}: {y} for {}", planted(x));
        }
    }
    assert!(named("scaling-2-loss_broken").panels[0].marks[0].label.starts_with("break at "));
    let surface = named("surface-3-loss_chinchilla");
    // Four amounts of data with 13 sizes each; the fit of each lies within 1 % noise of three replicates of its points.
    let panel = &surface.panels[0];
    let points = panel.layers.iter().filter_map(|layer| match layer {
        Layer::Points { points, style } => Some((points, style.colour)),
        _ => None,
    });
    let points: Vec<_> = points.collect();
    assert_eq!(points.len(), 4);
    for (points, colour) in points {
        let line = panel.layers.iter().find_map(|layer| match layer {
            Layer::Line { points, style } if style.colour == colour && style.dash == Dash::Dashed => Some(points),
            _ => None,
        });
        let line = line.expect("the fit");
        for (index, (x, y)) in points.iter().enumerate() {
            let (at, fitted) = line[index * 5];
            assert!((at / x).ln().abs() < 1e-9 && (fitted / y).ln().abs() < 0.03, "{x}: {y} {fitted}");
        }
    }
    assert_eq!(surface.panels.len(), 2);
    assert!(surface.panels[1].marks[0].label.starts_with("best for 5.76×10²³ FLOP"));
}

#[test]
fn law_an_analysis_without_a_result_has_a_figure_that_says_why() {
    let text = r#"
name = "s"
seed = 1
replicates = 1
[[tiers]]
name = "m"
params = 1e6
[measure.scaling]
power = {}
[sweep]
"tiers.m.params" = [1e6, 1e7]
[[analysis]]
broken_power_law = { x = "params", y = "loss_power" }
"#;
    let figures = drawn(text);
    let figure = figures.iter().find(|figure| figure.name == "scaling-1-loss_power").expect("drawn");
    let why = "No fit: a broken power law needs 8 rows at 7 different x or more, got 2 rows at 2.";
    assert!(figure.notes.iter().any(|note| note == why), "{:?}", figure.notes);
}

#[test]
fn law_vectors_of_an_annealing_are_in_no_figure_and_one_says_so() {
    let text = r#"
name = "s"
seed = 3
replicates = 1
concepts.count = 2
[[tiers]]
name = "a"
d_model = 1
embedding.trained = { model.elhage = {}, steps = 20, anneal = { along = "tiers.a.embedding.trained.model.elhage.density" } }
[measure.represented]
[sweep]
"tiers.a.embedding.trained.model.elhage.density" = [0.1, 0.2, 0.3]
"#;
    let figures = drawn(text);
    let why = "The vectors of a are in no figure: its training goes on from others along an axis, and none is trained again for a figure.";
    let telling = figures.iter().filter(|figure| figure.notes.iter().any(|note| note == why)).count();
    assert_eq!(telling, 1);
}

/// A scenario with something for most kinds of figures, and with names that try to be more than text.
const SCENARIO: &str = r#"
name = "drawn"
title = "A <b>bold</b> title & more"
seed = 3
replicates = 3
[concepts]
names = ["<script>alert(1)</script>", "]]>", "猫", "\"q\"", "e", "f"]
[[tiers]]
name = "a <i> & b"
params = 1e6
embedding.fully_distributed = {}
[[tiers]]
name = "plane"
d_model = 2
embedding.fully_distributed = {}
[measure.overlap]
[measure.sparsity]
[sweep]
"tiers.a <i> & b.params" = [1e4, 1e5, 1e6]
[[analysis]]
power_law = { x = "d_model", y = "mean_square_cosine", by = ["tier"] }
[[analysis]]
sigmoid = { x = "params", y = "mean_abs_cosine", by = ["tier"], scale = "log" }
[[figure]]
name = "mine"
x = "tiers.a <i> & b.params"
y = ["coherence"]
marks = [{ at = 3e4, label = "<here>" }]
"#;

fn run(folder: &std::path::Path, arguments: &[&str]) -> std::process::Output {
    let file = folder.join("drawn.toml");
    std::fs::write(&file, SCENARIO).expect("written");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_superpose"));
    command.current_dir(folder).arg("run").arg(&file).args(arguments).output().expect("it runs")
}

/// The files of a folder with their content, by name.
fn files(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|path| {
            (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn law_a_run_draws_the_same_bytes_on_any_threads_and_report_draws_them_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let drawn = |threads: &str| {
        let output = run(folder.path(), &["--quiet", "--threads", threads, "--out", threads]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        files(&folder.path().join(threads).join("figures"))
    };
    let (one, two) = (drawn("1"), drawn("2"));
    assert!(one == two);
    let names: Vec<&str> = one.iter().map(|(name, _)| name.as_str()).collect();
    for expected in ["mine.svg", "mine.png", "cosines.svg", "overlap.png", "geometry.svg", "sparsity-by-params.svg"] {
        assert!(names.contains(&expected), "{expected} of {names:?}");
    }
    assert!(
        names.iter().any(|name| name.starts_with("scaling-1"))
            && names.iter().any(|name| name.starts_with("ability-2"))
    );
    for (name, content) in one.iter().filter(|(name, _)| name.ends_with(".svg")) {
        let text = String::from_utf8(content.clone()).expect("UTF-8");
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // From what the run left, without computing it again, and without what it drew.
    std::fs::remove_dir_all(folder.path().join("1/figures")).expect("removed");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_superpose"));
    let output = command.current_dir(folder.path()).args(["report", "1"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(files(&folder.path().join("1/figures")) == two);
    // A run without figures takes away those of the run before it, and no other file.
    std::fs::write(folder.path().join("1/figures/own.svg"), "mine").expect("written");
    let output = run(folder.path(), &["--quiet", "--no-report", "--out", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&folder.path().join("1/figures")), [("own.svg".to_owned(), b"mine".to_vec())]);
}

#[test]
fn law_report_draws_what_an_unfinished_run_has_so_far_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(run(folder.path(), &["--quiet", "--no-report", "--out", "1"]).status.success());
    // As an interrupted run leaves it: the store alone, with the records of three sizes of five.
    for file in ["drawn.csv", "drawn.summary.csv", "drawn.findings.csv", "manifest.json"] {
        std::fs::remove_file(folder.path().join("1").join(file)).expect("removed");
    }
    let more = SCENARIO.replace("[1e4, 1e5, 1e6]", "[1e4, 1e5, 1e6, 1e7, 1e8]");
    std::fs::write(folder.path().join("drawn.toml"), more).expect("written");
    let report = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_superpose"));
        let output =
            command.current_dir(folder.path()).args(["report", "1"]).args(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (code, told) = report(&[]);
    assert_eq!(code, Some(4));
    assert!(
        told.ends_with("the run of a scenario is unfinished without it: name the file with --scenario\n"),
        "{told}"
    );
    let (code, told) = report(&["--scenario", "drawn.toml"]);
    assert_eq!(code, Some(0), "{told}");
    let names = files(&folder.path().join("1/figures"));
    let n = names.len() / 2;
    // Two sizes of one tier, three replicates each; the other tier is the same at every size.
    assert_eq!(
        told,
        format!("1/report.html: a page and {n} figures of what there is so far: 6 of 30 units are not computed yet\n")
    );
    for (name, content) in names.iter().filter(|(name, _)| name.ends_with(".svg")) {
        let text = String::from_utf8_lossy(content);
        assert!(text.contains("The run is unfinished: 6 units are not computed yet."), "{name}");
    }
    // It leaves nothing else, and the run goes on from there.
    let left: Vec<String> = files_only(&folder.path().join("1"));
    assert_eq!(left, ["report.html", "store.redb"]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_superpose"));
    let output =
        command.current_dir(folder.path()).args(["run", "drawn.toml", "--out", "1"]).output().expect("it runs");
    assert!(output.status.success());
    assert!(!std::fs::read_to_string(folder.path().join("1/figures/mine.svg")).expect("drawn").contains("unfinished"));
}

/// The names of the files of a folder.
fn files_only(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let entries = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn law_a_figure_of_columns_that_are_not_there_is_refused_in_a_sentence() {
    use superpose::scenario::{document::Document, study::Study};
    let refusal = |figure: &str| {
        let text = format!(
            "name = \"s\"\n[concepts]\ncount = 3\n[[tiers]]\nname = \"a\"\nd_model = 2\nembedding.fully_distributed = {{}}\n\
             [measure.overlap]\n[[figure]]\n{figure}\n"
        );
        let document = Document::parse("s.toml".as_ref(), text).expect("TOML");
        Study::new(&document).map(|_| ()).map_err(|fault| fault.to_string())
    };
    let refused = |figure: &str, sentence: &str| assert_eq!(refusal(figure), Err(sentence.to_owned()), "{figure}");
    assert_eq!(refusal("x = \"tier\"\ny = [\"coherence\"]"), Ok(()));
    refused(
        "x = \"tier\"\ny = [\"coherense\"]",
        "s.toml:11:6: figure 1: y names the column \"coherense\", which the table does not have; did you mean \"coherence\"?",
    );
    refused(
        "x = \"teir\"\ny = [\"coherence\"]",
        "s.toml:10:5: figure 1: x names the column \"teir\", which the table does not have; did you mean \"tier\"?",
    );
    refused("x = \"tier\"\ny = []", "s.toml:11:5: figure 1: y must name one column or more, got none");
    refused(
        "x = \"d_model\"\ny = [\"tier\"]",
        "s.toml:11:6: figure 1: y must name columns of numbers, but \"tier\" holds text",
    );
    refused(
        "x = \"replicate\"\ny = [\"coherence\"]",
        "s.toml:10:5: figure 1: x cannot name \"replicate\": a figure takes replicates together",
    );
    refused(
        "x = \"tier\"\ny = [\"coherence\"]\nmarks = [{ at = 1, label = \"l\" }]",
        "s.toml:12:9: figure 1: marks are for numbers, but \"tier\" holds text",
    );
}
