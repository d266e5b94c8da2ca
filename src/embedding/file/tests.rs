//! What holds for every format: the same matrix, the same choice, and the refusals.
