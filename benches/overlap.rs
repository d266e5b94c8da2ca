//! The overlap of all pairs as a person asks for it, `superpose measure`: time and peak memory of a process of its own, on random vectors of two sizes.
//!
//! No criterion: the larger run takes minutes, and a peak of memory is that of a whole process. `cargo bench --bench overlap` prints a table.

#[cfg(unix)]
mod process;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, BufWriter, Write};
    use std::path::Path;
    use std::process::Command;

    use rand_distr::{Distribution, StandardNormal};
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    use crate::process::run;

    /// The tokens of a sentence encoder, and the largest matrix whose pairs are promised exactly.
    const SIZES: [(usize, usize); 2] = [(30_522, 384), (100_000, 1024)];

    /// Writes n × d independent standard normals as NumPy does, a row at a time.
    fn write_npy(path: &Path, n: usize, d: usize) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {d}), }}");
        // Magic, version and length take 10 bytes, and the numbers begin at a multiple of 64.
        let length = (header.len() + 11).next_multiple_of(64) - 10;
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&(length as u16).to_le_bytes())?;
        writeln!(file, "{header:<width$}", width = length - 1)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..n * d {
            let normal: f32 = StandardNormal.sample(&mut rng);
            file.write_all(&normal.to_le_bytes())?;
        }
        file.flush()
    }

    pub fn main() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        println!("| n × d | pairs | processor time | peak memory | the matrix itself |");
        println!("|---|---|---|---|---|");
        for (n, d) in SIZES {
            let path = folder.path().join("v.npy");
            write_npy(&path, n, d)?;
            let measure = ["measure", "v.npy", "--measure", "overlap"];
            let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
            let taken = run(command.args(measure).current_dir(folder.path()))?;
            if taken.code != Some(0) {
                return Err(io::Error::other(taken.said));
            }
            println!(
                "| {n} × {d} | {} | {:.1} s | {:.0} MB | {:.0} MB |",
                n * (n - 1) / 2,
                taken.processor_s,
                taken.peak_bytes / 1e6,
                4e-6 * (n * d) as f64,
            );
        }
        Ok(())
    }
}

#[cfg(unix)]
fn main() -> std::io::Result<()> {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    println!("the memory of a process is asked of a Unix system");
}
