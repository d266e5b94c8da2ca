//! Similarity: how alike two representations of the same concepts are, and how alike they would be if the concepts of one were shuffled.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};

use super::decomposition;
use super::embedding::Embedding;
use super::lift;
use super::neighbours::Neighbours;
use super::spectrum;

/// Entries that are held in f64 at a time: 4 MiB.
const BLOCK: usize = 1 << 19;

/// The part of the variance that SVCCA keeps.
const KEPT_VARIANCE: f64 = 0.99;

/// Some of the columns of an embedding, in some order, about their mean: X̃, d × n, as it stands or, for d > n, turned into the n − 1 dimensions that it has.
pub struct Cloud<'a> {
    embedding: &'a Embedding,
    order: &'a [usize],
    mean: Vec<f64>,
    /// σ V′, r × n, where d > n.
    turned: Option<Mat<f64>>,
    /// Singular values that are not rounding, falling.
    sigmas: Vec<f64>,
    /// U, p × r: the directions of the singular values, in the rows of `turned` or of the embedding.
    directions: Mat<f64>,
    /// U σ in the units of the embedding, d × r.
    loadings: Mat<f64>,
    /// ‖x̃ᵢ‖².
    squares: Vec<f64>,
}

/// Scores of two clouds of the same concepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// ‖X̃Ỹ′‖²/(‖X̃X̃′‖ ‖ỸỸ′‖).
    pub cka_biased: f64,
    /// The same with unbiased estimates of the three; `None` for fewer than 4 concepts and where an estimate of a variance is not above 0.
    pub cka_debiased: Option<f64>,
    /// 2 − 2 |X̃Ỹ′|_* of clouds of unit size.
    pub procrustes: f64,
    /// Mean canonical correlation of the directions that hold 99 % of the variance.
    pub svcca: f64,
    /// Mean of all canonical correlations, weighted by what they take of the units of the representation of lower rank, or of the first where both have the same.
    pub pwcca: f64,
}

/// Expectation and standard deviation over all orders of the concepts of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Null {
    /// The expectation.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
}

/// Bytes that two clouds and their comparison take, for n concepts in at most d units: some matrices of min(n, d)², and for d > n what turns the cloud back.
pub fn memory(n: u64, d: u64) -> u64 {
    let small = n.min(d);
    let matrices = small.saturating_mul(small).saturating_mul(12 * 8);
    let turned = if d > n { n.saturating_mul(n.saturating_add(d)).saturating_mul(16) } else { 0 };
    matrices.saturating_add(turned).saturating_add(n.saturating_mul(64)).saturating_add(4 * 8 * BLOCK as u64)
}

/// Seconds of two clouds and `n_orders` comparisons.
pub fn seconds(n: f64, d: f64, n_orders: f64) -> f64 {
    let small = n.min(d);
    let (cloud, products) = (3.0 * spectrum::seconds(n, d), 2.0 * n * small * small / 30e9);
    2.0 * cloud + (1.0 + n_orders) * (products + 30.0 * small * small * small / 10e9)
}

impl<'a> Cloud<'a> {
    /// Of the columns `order`, n ≥ 2 of them. `None` if they are all equal, or if eigenvalues do not converge. O(n d min(n, d)) time.
    pub fn new(embedding: &'a Embedding, order: &'a [usize]) -> Option<Self> {
        let (n, d) = (order.len(), embedding.d_model());
        let mut mean = vec![0.0; d];
        for &idx in order {
            mean.iter_mut().zip(embedding.column(idx)).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        mean.iter_mut().for_each(|sum| *sum /= n as f64);
        let entry = |i: usize, k: usize| f64::from(embedding.column(order[i])[k]) - mean[k];
        let raw: f64 = order.iter().flat_map(|&idx| embedding.column(idx)).map(|&x| f64::from(x) * f64::from(x)).sum();
        let squares: Vec<f64> = (0..n).map(|i| (0..d).map(|k| entry(i, k) * entry(i, k)).sum()).collect();
        // Of equal columns the rounding of the mean is left.
        if squares.iter().sum::<f64>() <= 1e-24 * raw {
            return None;
        }
        let (all, vectors) = decomposition::eigenvectors(&spectrum::gram(n, d, entry, false))?;
        let noise = spectrum::rounding(&all);
        let mut kept: Vec<usize> = (0..all.len()).filter(|&idx| all[idx] > noise).collect();
        kept.sort_by(|&a, &b| all[b].total_cmp(&all[a]));
        let sigmas: Vec<f64> = kept.iter().map(|&idx| all[idx].sqrt()).collect();
        let r = kept.len();
        let mut cloud = Self {
            embedding,
            order,
            mean,
            turned: None,
            directions: Mat::new(),
            loadings: Mat::new(),
            sigmas,
            squares,
        };
        if d <= n {
            cloud.directions = Mat::from_fn(d, r, |k, c| vectors[(k, kept[c])]);
            cloud.loadings = Mat::from_fn(d, r, |k, c| cloud.directions[(k, c)] * cloud.sigmas[c]);
        } else {
            let right = Mat::from_fn(n, r, |i, c| vectors[(i, kept[c])]);
            let mut loadings = Mat::<f64>::zeros(d, r);
            let step = (BLOCK / n).max(1);
            for start in (0..d).step_by(step) {
                let block = Mat::from_fn((d - start).min(step), n, |k, i| cloud.entry(i, start + k));
                let part = loadings.as_mut().subrows_mut(start, block.nrows());
                matmul(part, Accum::Replace, &block, &right, 1.0, Par::Seq);
            }
            cloud.loadings = loadings;
            cloud.turned = Some(Mat::from_fn(r, n, |c, i| cloud.sigmas[c] * right[(i, c)]));
            cloud.directions = Mat::identity(r, r);
        }
        Some(cloud)
    }

    /// n.
    fn n(&self) -> usize {
        self.order.len()
    }

    /// Rows of [`Self::block`].
    fn height(&self) -> usize {
        self.turned.as_ref().map_or(self.embedding.d_model(), Mat::nrows)
    }

    fn entry(&self, i: usize, k: usize) -> f64 {
        f64::from(self.embedding.column(self.order[i])[k]) - self.mean[k]
    }

    /// The vectors of some concepts, turned where d > n.
    fn block(&self, concepts: impl ExactSizeIterator<Item = usize>) -> Mat<f64> {
        let concepts: Vec<usize> = concepts.collect();
        match &self.turned {
            Some(turned) => Mat::from_fn(turned.nrows(), concepts.len(), |k, i| turned[(k, concepts[i])]),
            None => Mat::from_fn(self.embedding.d_model(), concepts.len(), |k, i| self.entry(concepts[i], k)),
        }
    }

    /// tr X̃′X̃.
    fn trace(&self) -> f64 {
        self.sigmas.iter().map(|s| s * s).sum()
    }

    /// ‖X̃′X̃‖²_F.
    fn norm2(&self) -> f64 {
        self.sigmas.iter().map(|s| s * s * s * s).sum()
    }

    /// The unbiased estimate of HSIC with another cloud, times n (n − 3), given ‖X̃Ỹ′‖² and Σ ‖x̃ᵢ‖² ‖ỹᵢ‖².
    fn unbiased(&self, other: &Self, product: f64, diagonal: f64) -> f64 {
        let n = self.n() as f64;
        product - diagonal + self.trace() * other.trace() / ((n - 1.0) * (n - 2.0)) - 2.0 / (n - 2.0) * diagonal
    }

    fn own_unbiased(&self) -> f64 {
        self.unbiased(self, self.norm2(), self.squares.iter().map(|x| x * x).sum())
    }

    /// How many directions, the largest first, hold 99 % of the variance.
    fn n_main(&self) -> usize {
        let most = KEPT_VARIANCE * self.trace();
        let mut sum = 0.0;
        1 + self
            .sigmas
            .iter()
            .take_while(|&&s| {
                sum += s * s;
                sum < most
            })
            .count()
            .min(self.sigmas.len() - 1)
    }
}

/// The scores of two clouds of n concepts, the second in its own order or in another one of 0 … n − 1. `None` if singular values do not converge.
///
/// O(n p q + p q min(p, q)) time with p and q their widths, or n where that is less; sequential, for the same bits on any number of threads.
pub fn scores(x: &Cloud, y: &Cloud, shuffled: Option<&[usize]>) -> Option<Scores> {
    let n = x.n();
    let place = |i: usize| shuffled.map_or(i, |order| order[i]);
    let (p, q) = (x.height(), y.height());
    let mut cross = Mat::<f64>::zeros(p, q);
    let step = (BLOCK / p.max(q)).max(1);
    for start in (0..n).step_by(step) {
        let end = (start + step).min(n);
        let (a, b) = (x.block(start..end), y.block((start..end).map(place)));
        matmul(cross.as_mut(), Accum::Add, &a, b.transpose(), 1.0, Par::Seq);
    }
    let product: f64 = squared_norm(cross.as_ref());
    let diagonal: f64 = (0..n).map(|i| x.squares[i] * y.squares[place(i)]).sum();
    let cka_biased = (product / (x.norm2() * y.norm2()).sqrt()).clamp(0.0, 1.0);
    let (own_x, own_y) = (x.own_unbiased(), y.own_unbiased());
    let estimable = n > 3 && own_x > 1e-12 * x.norm2() && own_y > 1e-12 * y.norm2();
    let cka_debiased =
        estimable.then(|| (x.unbiased(y, product, diagonal) / (own_x.sqrt() * own_y.sqrt())).clamp(-1.0, 1.0));

    let nuclear: f64 = decomposition::singular_values(cross.as_ref())?.iter().sum();
    let procrustes = (2.0 - 2.0 * nuclear / (x.trace() * y.trace()).sqrt()).clamp(0.0, 2.0);

    // Products of the orthonormal rows of both: their singular values are the canonical correlations.
    let turned = decomposition::product(x.directions.transpose(), cross.as_ref());
    let mut correlations = decomposition::product(turned.as_ref(), y.directions.as_ref());
    for c in 0..correlations.ncols() {
        for r in 0..correlations.nrows() {
            correlations[(r, c)] /= x.sigmas[r] * y.sigmas[c];
        }
    }
    let main = correlations.as_ref().submatrix(0, 0, x.n_main(), y.n_main());
    let main = decomposition::singular_values(main)?;
    let svcca = main.iter().map(|rho| rho.min(1.0)).sum::<f64>() / main.len() as f64;
    let (left, rhos, right) = decomposition::singular_vectors(correlations.as_ref())?;
    let narrow_is_x = x.sigmas.len() <= y.sigmas.len();
    let (loadings, vectors) = if narrow_is_x { (&x.loadings, left) } else { (&y.loadings, right) };
    let taken = decomposition::product(loadings.as_ref(), vectors.as_ref());
    let (mut weights, mut sum) = (0.0, 0.0);
    for (c, rho) in rhos.into_iter().enumerate() {
        let weight: f64 = (0..taken.nrows()).map(|k| taken[(k, c)].abs()).sum();
        weights += weight;
        sum += weight * rho.min(1.0);
    }
    Some(Scores { cka_biased, cka_debiased, procrustes, svcca, pwcca: sum / weights })
}

fn squared_norm(matrix: MatRef<f64>) -> f64 {
    (0..matrix.ncols()).map(|c| (0..matrix.nrows()).map(|r| matrix[(r, c)] * matrix[(r, c)]).sum::<f64>()).sum()
}

/// Biased CKA over all orders of the concepts of one side, in closed form, for n ≥ 4: with β = (Σλ)²/Σλ², the participation ratio, its expectation is √(β_x β_y)/(n − 1).
///
/// Source: Kazi-Aoual, Hitier, Sabatier & Lebreton (1995), Comput. Stat. Data Anal. 20, for the RV coefficient, which linear CKA is.
pub fn cka_null(x: &Cloud, y: &Cloud) -> Null {
    let n = x.n() as f64;
    let beta = |cloud: &Cloud| cloud.trace() * cloud.trace() / cloud.norm2();
    let (beta_x, beta_y) = (beta(x), beta(y));
    let tau = |cloud: &Cloud, beta: f64| {
        let fourth = cloud.squares.iter().map(|x| x * x).sum::<f64>() / cloud.norm2();
        // Times what stands before it in the product below.
        (n - 1.0) / (n - 3.0) * (n * (n + 1.0) * fourth - (n - 1.0) * (beta + 2.0))
    };
    let (rest_x, rest_y) = (n - 1.0 - beta_x, n - 1.0 - beta_y);
    let factor = 2.0 / ((n + 1.0) * (n - 1.0) * (n - 1.0) * (n - 2.0));
    let variance = factor * (rest_x * rest_y + (n - 3.0) * tau(x, beta_x) * tau(y, beta_y) / (2.0 * n * (n - 1.0)));
    Null { mean: ((beta_x * beta_y).sqrt() / (n - 1.0)).min(1.0), sd: variance.max(0.0).sqrt() }
}

/// Debiased CKA over all orders of the concepts of one side, n ≥ 4: exactly 0 and √(2/(n (n − 3))), whatever the two representations are.
///
/// The U-centred matrices have no diagonal and rows that sum to 0, so all sums over different concepts follow from their norms.
pub fn debiased_cka_null(n: usize) -> Null {
    let n = n as f64;
    Null { mean: 0.0, sd: (2.0 / (n * (n - 3.0))).sqrt() }
}

/// Spearman's correlation of the distances of all pairs of concepts in two embeddings, and its null; `None` for n < 4, and where all distances of one are equal.
///
/// Distances are rounded to f32, so that what is equal but for rounding is a tie; ties share their mean rank. Over all orders of the concepts of one side the expectation is exactly 0, and
/// the variance follows from the sums of ranks by concept (Mantel). O(n² (d + log n)) time; four numbers for each pair.
///
/// Source: Kriegeskorte, Mur & Bandettini (2008), Front. Syst. Neurosci. 2; Mantel (1967), Cancer Res. 27.
pub fn rsa(x: (&Embedding, &[usize]), y: (&Embedding, &[usize])) -> Option<(f64, Null)> {
    let n = x.1.len();
    if n < 4 {
        return None;
    }
    let (a, b) = (ranks(x.0, x.1), ranks(y.0, y.1));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (square_a, square_b) = (dot(&a, &a), dot(&b, &b));
    if square_a == 0.0 || square_b == 0.0 {
        return None;
    }
    let rho = (dot(&a, &b) / (square_a.sqrt() * square_b.sqrt())).clamp(-1.0, 1.0);
    // Sums over ordered pairs: of squares, of products that share one concept, and of those that share none; the ranks sum to 0.
    let moments = |ranks: &[f64], square: f64| {
        let mut rows = vec![0.0; n];
        let mut pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        for &rank in ranks {
            let (i, j) = pairs.next().expect("as many as ranks");
            rows[i] += rank;
            rows[j] += rank;
        }
        let sharing = dot(&rows, &rows) - 2.0 * square;
        (2.0 * square, sharing, -4.0 * square - 4.0 * sharing)
    };
    let (own_a, sharing_a, apart_a) = moments(&a, square_a);
    let (own_b, sharing_b, apart_b) = moments(&b, square_b);
    let m = n as f64;
    let (two, three) = (m * (m - 1.0), m * (m - 1.0) * (m - 2.0));
    let variance =
        2.0 * own_a * own_b / two + 4.0 * sharing_a * sharing_b / three + apart_a * apart_b / (three * (m - 3.0));
    Some((rho, Null { mean: 0.0, sd: (variance.max(0.0) / (own_a * own_b)).sqrt() }))
}

/// The ranks of the distances of all pairs i < j, about their mean.
fn ranks(embedding: &Embedding, order: &[usize]) -> Vec<f64> {
    let (n, d) = (order.len(), embedding.d_model());
    let mut mean = vec![0.0; d];
    for &idx in order {
        mean.iter_mut().zip(embedding.column(idx)).for_each(|(sum, &x)| *sum += f64::from(x) / n as f64);
    }
    let mut gram = Mat::<f64>::zeros(n, n);
    let step = (BLOCK / n).max(1);
    for start in (0..d).step_by(step) {
        let width = (d - start).min(step);
        let block = Mat::from_fn(n, width, |i, k| f64::from(embedding.column(order[i])[start + k]) - mean[start + k]);
        let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
        triangular::matmul(gram.as_mut(), lower, Accum::Add, &block, full, block.transpose(), full, 1.0, Par::Seq);
    }
    // Squares of very short distances are no numbers of f32, but for a factor.
    let largest = (0..n).map(|i| gram[(i, i)]).fold(0.0, f64::max);
    let unit = lift::units(&[largest]).map_or(1.0, |units| units[0]);
    let mut pairs = Vec::with_capacity(n * (n - 1) / 2);
    for i in 0..n {
        for j in i + 1..n {
            let square = (gram[(i, i)] + gram[(j, j)] - 2.0 * gram[(j, i)]).max(0.0);
            let square = (square / unit / unit) as f32;
            // Numbers from 0 have the order of their bits.
            pairs.push(u64::from(square.to_bits()) << 32 | pairs.len() as u64);
        }
    }
    pairs.sort_unstable();
    let mut ranks = vec![0.0; pairs.len()];
    let (mean, mut first) = ((pairs.len() as f64 - 1.0) / 2.0, 0);
    for ties in pairs.chunk_by(|a, b| a >> 32 == b >> 32) {
        let rank = first as f64 + (ties.len() as f64 - 1.0) / 2.0 - mean;
        ties.iter().for_each(|pair| ranks[(pair & 0xffff_ffff) as usize] = rank);
        first += ties.len();
    }
    ranks
}

/// The part of the k nearest neighbours that concepts share in two representations, and its null; `None` for n < 4.
///
/// Over all orders of the concepts of one side the expectation is exactly k/(n − 1). The variance is exact too: it follows from how often two arrows from a concept to a
/// neighbour are each other's reverse, have the same head, or follow each other, so hubs and mutual neighbours are counted in. O(n k²) time.
///
/// Source: Huh, Cheung, Wang & Isola (2024), ICML; the moments are those of Mantel (1967) for arrows.
pub fn mutual_neighbours(x: &Neighbours, y: &Neighbours, k: usize) -> Option<(f64, Null)> {
    let n = x.indices.len() / x.k;
    if n < 4 {
        return None;
    }
    let shared: usize = x
        .lists()
        .zip(y.lists())
        .map(|(a, b)| a[..k].iter().filter(|neighbour| b[..k].contains(neighbour)).count())
        .sum();
    let (m, degree) = (n as f64, k as f64);
    // Of a graph: ordered pairs of arrows that are reversed, have one head, follow each other, and have nothing in common.
    let kinds = |neighbours: &Neighbours| {
        let lists: Vec<&[u32]> = neighbours.lists().map(|list| &list[..k]).collect();
        let mut heads = vec![0_u64; n];
        lists.iter().copied().flatten().for_each(|&head| heads[head as usize] += 1);
        let is_back = |i: usize, j: u32| lists[j as usize].contains(&(i as u32));
        let reversed: usize =
            lists.iter().enumerate().map(|(i, list)| list.iter().filter(|&&j| is_back(i, j)).count()).sum();
        let reversed = reversed as f64;
        let one_head = heads.iter().map(|&n| (n * n.saturating_sub(1)) as f64).sum::<f64>();
        let following = m * degree * degree - reversed;
        let (same, one_tail) = (m * degree, m * degree * (degree - 1.0));
        [reversed, one_tail, one_head, following, same * same - same - reversed - one_tail - one_head - 2.0 * following]
    };
    let ([back_x, tail_x, head_x, follow_x, apart_x], [back_y, tail_y, head_y, follow_y, apart_y]) =
        (kinds(x), kinds(y));
    let (two, three) = (m * (m - 1.0), m * (m - 1.0) * (m - 2.0));
    let arrows = m * degree;
    let second = (arrows * arrows + back_x * back_y) / two
        + (tail_x * tail_y + head_x * head_y + 2.0 * follow_x * follow_y) / three
        + apart_x * apart_y / (three * (m - 3.0));
    let mean = arrows * arrows / two;
    let sd = (second - mean * mean).max(0.0).sqrt();
    Some((shared as f64 / arrows, Null { mean: mean / arrows, sd: sd / arrows }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::kernel::Kernel;
    use crate::geometry::neighbours::{Metric, neighbours};
    use crate::seed::{Rng, Stream};
    use nalgebra::DMatrix;
    use rand::seq::SliceRandom;
    use rand_distr::{Distribution, StandardNormal};

    fn gaussian(n: usize, d: usize, rng: &mut Rng) -> Embedding {
        Embedding::new(DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(rng)))
    }

    fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
        assert!((found - expected).abs() < tolerance, "{what}: {found} against {expected}");
    }

    #[test]
    fn theory_a_turned_moved_and_scaled_copy_is_the_same() {
        let mut rng = Stream::from_seed(1).rng();
        for (n, d) in [(60, 8), (20, 50)] {
            let x = gaussian(n, d, &mut rng);
            let rotation: DMatrix<f64> = DMatrix::from_fn(d, d, |_, _| StandardNormal.sample(&mut rng)).qr().q();
            let y = Embedding::new((rotation * x.matrix().map(f64::from) * 3.0).map(|x| (x + 0.5) as f32));
            let order: Vec<usize> = (0..n).collect();
            let (a, b) = (Cloud::new(&x, &order).unwrap(), Cloud::new(&y, &order).unwrap());
            let found = scores(&a, &b, None).unwrap();
            for (score, expected) in [
                (found.cka_biased, 1.0),
                (found.cka_debiased.unwrap(), 1.0),
                (found.procrustes, 0.0),
                (found.svcca, 1.0),
                (found.pwcca, 1.0),
            ] {
                close(score, expected, 1e-5, &format!("{n} {d} {found:?}"));
            }
            close(rsa((&x, &order), (&y, &order)).unwrap().0, 1.0, 1e-5, "rsa");
        }
    }

    // The mean over all 120 orders of 5 concepts is the expectation itself.
    #[test]
    fn theory_nulls_are_exact_over_all_orders() {
        let mut rng = Stream::from_seed(2).rng();
        for (d_x, d_y) in [(2, 3), (9, 2), (3, 3)] {
            // One long vector, so that nothing is symmetric.
            let (mut x, y) = (gaussian(5, d_x, &mut rng).into_matrix(), gaussian(5, d_y, &mut rng));
            x.column_mut(1).scale_mut(4.0);
            let x = Embedding::new(x);
            let order: Vec<usize> = (0..5).collect();
            let (a, b) = (Cloud::new(&x, &order).unwrap(), Cloud::new(&y, &order).unwrap());
            let near = |e: &Embedding| neighbours(e, None, Metric::Euclidean, 2, Kernel::best(), false);
            let mut all: [Vec<f64>; 4] = Default::default();
            let mut orders = vec![Vec::new()];
            for i in 0..5 {
                let inserted = |o: &Vec<usize>| {
                    (0..=o.len())
                        .map(|at| {
                            let mut o = o.clone();
                            o.insert(at, i);
                            o
                        })
                        .collect::<Vec<_>>()
                };
                orders = orders.iter().flat_map(inserted).collect();
            }
            assert_eq!(orders.len(), 120);
            for shuffled in &orders {
                let found = scores(&a, &b, Some(shuffled)).unwrap();
                let z = Embedding::new(y.matrix().select_columns(shuffled));
                let values = [
                    found.cka_biased,
                    found.cka_debiased.unwrap(),
                    rsa((&x, &order), (&y, shuffled)).unwrap().0,
                    mutual_neighbours(&near(&x), &near(&z), 2).unwrap().0,
                ];
                all.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
            }
            let nulls = [
                cka_null(&a, &b),
                debiased_cka_null(5),
                rsa((&x, &order), (&y, &order)).unwrap().1,
                mutual_neighbours(&near(&x), &near(&y), 2).unwrap().1,
            ];
            for (which, (values, null)) in all.iter().zip(nulls).enumerate() {
                let mean = values.iter().sum::<f64>() / 120.0;
                let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 120.0).sqrt();
                close(null.mean, mean, 1e-12, &format!("mean of {which}, {d_x} {d_y}"));
                close(null.sd, sd, 1e-12, &format!("sd of {which}, {d_x} {d_y}"));
            }
        }
    }

    // Science reference, section 8: biased CKA of independent data is √(p q/((n + p)(n + q))), debiased 0, mutual neighbours k/(n − 1).
    #[test]
    fn theory_independent_gaussian_representations() {
        let (n, p, q) = (100, 50, 30);
        let order: Vec<usize> = (0..n).collect();
        let mut rng = Stream::from_seed(3).rng();
        let mut all: [Vec<f64>; 4] = Default::default();
        for _ in 0..60 {
            let (x, y) = (gaussian(n, p, &mut rng), gaussian(n, q, &mut rng));
            let (a, b) = (Cloud::new(&x, &order).unwrap(), Cloud::new(&y, &order).unwrap());
            let found = scores(&a, &b, None).unwrap();
            let [near_x, near_y] = [&x, &y].map(|e| neighbours(e, None, Metric::Cosine, 10, Kernel::best(), false));
            let values = [
                found.cka_biased,
                found.cka_debiased.unwrap(),
                rsa((&x, &order), (&y, &order)).unwrap().0,
                mutual_neighbours(&near_x, &near_y, 10).unwrap().0,
            ];
            all.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
        }
        let biased = ((p * q) as f64 / ((n + p) * (n + q)) as f64).sqrt();
        // The formula for CKA is one of large n: the exact factor is n/(n − 1), 1 %.
        for (values, (expected, slack)) in
            all.iter().zip([(biased, 0.011 * biased), (0.0, 0.0), (0.0, 0.0), (10.0 / 99.0, 0.0)])
        {
            let mean = values.iter().sum::<f64>() / 60.0;
            let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 59.0).sqrt();
            close(mean, expected, 3.0 * sd / 60f64.sqrt() + slack, "a mean over 60 draws");
        }
    }

    #[test]
    fn law_wide_clouds_are_turned_without_a_trace() {
        let mut rng = Stream::from_seed(4).rng();
        let (x, y) = (gaussian(30, 12, &mut rng), gaussian(30, 9, &mut rng));
        // The same in more units: 60 of them, of which each is a mixture.
        let mix: DMatrix<f64> = DMatrix::from_fn(60, 12, |_, _| StandardNormal.sample(&mut rng)).qr().q();
        let wide = Embedding::new((mix * x.matrix().map(f64::from)).map(|x: f64| x as f32));
        let mut order: Vec<usize> = (0..30).collect();
        order.shuffle(&mut rng);
        let of = |x: &Embedding, y: &Embedding| {
            scores(&Cloud::new(x, &order).unwrap(), &Cloud::new(y, &order).unwrap(), None).unwrap()
        };
        for (narrow, wide) in [(of(&x, &y), of(&wide, &y)), (of(&y, &x), of(&y, &wide))] {
            close(wide.cka_biased, narrow.cka_biased, 1e-6, "biased");
            close(wide.cka_debiased.unwrap(), narrow.cka_debiased.unwrap(), 1e-6, "debiased");
            close(wide.procrustes, narrow.procrustes, 1e-6, "Procrustes");
            close(wide.svcca, narrow.svcca, 1e-6, "SVCCA");
            close(wide.pwcca, narrow.pwcca, 1e-6, "PWCCA");
        }
    }

    #[test]
    fn regress_distances_of_next_to_no_length_are_told_apart() {
        let plain = Embedding::new(DMatrix::from_fn(3, 8, |k, i| ((7 * i + 3 * k) as f32 * 1.3).sin()));
        let small = Embedding::new(plain.matrix() * 2f32.powi(-100));
        let order: Vec<usize> = (0..8).collect();
        assert_eq!(ranks(&small, &order), ranks(&plain, &order));
        assert!((rsa((&small, &order), (&plain, &order)).unwrap().0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn law_what_does_not_vary_is_like_nothing() {
        let equal = Embedding::new(DMatrix::from_element(3, 6, 0.3));
        let order: Vec<usize> = (0..6).collect();
        assert!(Cloud::new(&equal, &order).is_none());
        assert!(rsa((&equal, &order), (&equal, &order)).is_none());
    }
}
