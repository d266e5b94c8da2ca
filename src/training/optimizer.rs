//! Optimiser: what follows from a gradient.

use super::Optimizer;
use crate::geometry::kernel::lanes::Chunk;

/// What parameters come in: one by one, or several side by side.
pub trait Parameters: Copy {
    /// All zero.
    const ZERO: Self;

    fn numbers(&self) -> &[f32];

    fn numbers_mut(&mut self) -> &mut [f32];
}

impl Parameters for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn numbers(&self) -> &[f32] {
        std::slice::from_ref(self)
    }

    #[inline(always)]
    fn numbers_mut(&mut self) -> &mut [f32] {
        std::slice::from_mut(self)
    }
}

impl Parameters for Chunk {
    const ZERO: Self = Self::ZERO;

    #[inline(always)]
    fn numbers(&self) -> &[f32] {
        &self.0
    }

    #[inline(always)]
    fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

/// The memory of an optimiser over one list of parameters.
#[derive(Clone, Debug)]
pub struct Moments<P> {
    first: Vec<P>,
    second: Vec<P>,
    /// β₁ᵗ and β₂ᵗ.
    powers: (f64, f64),
}

/// β₁ and β₂ of Adam.
const BETA: (f64, f64) = (0.9, 0.999);

/// ε of Adam.
const EPSILON: f32 = 1e-8;

impl<P: Parameters> Moments<P> {
    /// Nothing is remembered yet.
    pub fn new(n_parameters: usize) -> Self {
        Self { first: vec![P::ZERO; n_parameters], second: vec![P::ZERO; n_parameters], powers: (1.0, 1.0) }
    }

    /// Moves the parameters by one step. `decay` is the weight decay: part of the gradient (Adam, SGD), or taken off before the step (AdamW).
    /// O(parameters) time. Each number is rounded as written, without fusing.
    #[inline(always)]
    pub fn step(&mut self, kind: Optimizer, weights: &mut [P], gradient: &[P], rate: f64, decay: f64) {
        let (coupled, factor) = match kind {
            Optimizer::Adamw => (0.0, (1.0 - rate * decay) as f32),
            Optimizer::Adam | Optimizer::Sgd => (decay as f32, 1.0),
        };
        if kind == Optimizer::Sgd {
            let rate = rate as f32;
            for (weights, gradient) in weights.iter_mut().zip(gradient) {
                for (w, slope) in weights.numbers_mut().iter_mut().zip(gradient.numbers()) {
                    let g = slope + coupled * *w;
                    *w -= rate * g;
                }
            }
            return;
        }
        self.powers = (self.powers.0 * BETA.0, self.powers.1 * BETA.1);
        let (b1, b2) = (BETA.0 as f32, BETA.1 as f32);
        let (a1, a2) = ((1.0 - BETA.0) as f32, (1.0 - BETA.1) as f32);
        let rate = (rate / (1.0 - self.powers.0)) as f32;
        let correction = (1.0 / (1.0 - self.powers.1)).sqrt() as f32;
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((weights, gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(moments) {
            let moments = first.numbers_mut().iter_mut().zip(second.numbers_mut());
            for ((w, slope), (m, v)) in weights.numbers_mut().iter_mut().zip(gradient.numbers()).zip(moments) {
                let g = slope + coupled * *w;
                *m = b1 * *m + a1 * g;
                *v = b2 * *v + a2 * (g * g);
                *w = factor * *w - rate * *m / (correction * v.sqrt() + EPSILON);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::kernel::lanes::LANES;

    /// The weight after two steps from 1 with the gradients 0.5 and −0.25.
    fn after(kind: Optimizer, decay: f64) -> f64 {
        let (mut weights, mut moments) = ([Chunk([1.0; LANES])], Moments::new(1));
        for gradient in [0.5, -0.25] {
            moments.step(kind, &mut weights, &[Chunk([gradient; LANES])], 0.1, decay);
        }
        assert!(weights[0].0.iter().all(|&w| w == weights[0].0[0]));
        let (mut one, mut moments) = ([1.0], Moments::new(1));
        for gradient in [0.5, -0.25] {
            moments.step(kind, &mut one, &[gradient], 0.1, decay);
        }
        assert_eq!(one[0], weights[0].0[0]);
        f64::from(one[0])
    }

    #[test]
    fn theory_two_steps_by_hand() {
        // Adam: m₁ = 0.05, v₁ = 2.5e-4: a step of 0.1. Then m₂ = 0.02, v₂ = 3.1225e-4; m̂ = 0.02/0.19, v̂ = 3.1225e-4/0.001999: 0.1 · 0.105263/0.395226 = 0.0266337.
        let second = 0.1 * (0.02 / 0.19) / (3.1225e-4f64 / 0.001_999).sqrt();
        assert!((after(Optimizer::Adam, 0.0) - (0.9 - second)).abs() < 3e-7);
        // AdamW with the decay 0.5 takes 5 % off before each step, and has the same moments.
        assert!((after(Optimizer::Adamw, 0.5) - ((0.95 - 0.1) * 0.95 - second)).abs() < 3e-7);
        assert!((after(Optimizer::Sgd, 0.0) - (1.0 - 0.05 + 0.025)).abs() < 3e-7);
        // With a decay of 0.5 the gradients are 0.5 + 0.5 · 1 and −0.25 + 0.5 · 0.9.
        assert!((after(Optimizer::Sgd, 0.5) - (0.9 - 0.1 * (0.2))).abs() < 3e-7);
    }
}
