//! Files that lie, are damaged or are no files of vectors, some of them a gigabyte long: each must be refused in under a second and 100 MB.
//!
//! A check of time and memory, and so no test: `cargo bench --bench refusals` prints each sentence with what it took, and ends with 1 if one took too much.

#[cfg(unix)]
mod process;

#[cfg(unix)]
mod unix {
    use std::fs::{self, File};
    use std::io::{self, BufWriter, Write};
    use std::path::Path;
    use std::process::{Command, ExitCode};

    use crate::process::run;

    const GIGABYTE: u64 = 1 << 30;
    const MOST_SECONDS: f64 = 1.0;
    const MOST_BYTES: f64 = 100e6;

    /// The head of a .npy file of f32.
    fn npy(descr: &str, n: u64, d: u64) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({n}, {d}), }}");
        let length = (header.len() + 11).next_multiple_of(64) - 10;
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((length as u16).to_le_bytes());
        bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
        bytes
    }

    /// A .safetensors file of a header and so many zero bytes.
    fn safetensors(header: &str, n_bytes: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.resize(bytes.len() + n_bytes, 0);
        bytes
    }

    /// A file with a beginning and zeros to a gigabyte; it takes no room on most disks.
    fn to_a_gigabyte(path: &Path, begin: &[u8]) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(begin)?;
        file.set_len(GIGABYTE)
    }

    /// One line of a gigabyte, after a beginning.
    fn one_line(path: &Path, begin: &[u8], piece: &[u8]) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(begin)?;
        for _ in 0..GIGABYTE / piece.len() as u64 {
            file.write_all(piece)?;
        }
        file.flush()
    }

    /// A .npz archive of less than a megabyte, whose one array unpacks to so many zeros of 4 bytes.
    fn bomb(n: u64, d: u64) -> io::Result<Vec<u8>> {
        let mut crc = flate2::Crc::new();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        let head = npy("<f4", n, d);
        crc.update(&head);
        encoder.write_all(&head)?;
        let (zeros, mut n_left) = (vec![0; 1 << 20], 4 * n * d);
        while n_left > 0 {
            let part = &zeros[..n_left.min(zeros.len() as u64) as usize];
            crc.update(part);
            encoder.write_all(part)?;
            n_left -= part.len() as u64;
        }
        let packed = encoder.finish()?;
        // Of the two headers of a member, what they have in common.
        let sizes = [crc.sum(), packed.len() as u32, (head.len() as u64 + 4 * n * d) as u32];
        let common =
            [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &sizes.map(u32::to_le_bytes).concat(), &[5, 0, 0, 0]].concat();
        let mut file = [b"PK\x03\x04", &common[..], b"w.npy", &packed].concat();
        let begin = file.len() as u32;
        file.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 14], b"w.npy"].concat());
        let n_bytes = file.len() as u32 - begin;
        file.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
        file.extend([n_bytes, begin].map(u32::to_le_bytes).concat());
        file.extend([0; 2]);
        Ok(file)
    }

    fn write_all(folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut place = |name: &str| {
            names.push(name.to_owned());
            folder.join(name)
        };
        for (name, content) in [
            ("lying-shape.npy", [npy("<f4", 1 << 40, 1 << 20), vec![0; 64]].concat()),
            ("unreal-shape.npy", [npy("<f4", u64::MAX, u64::MAX), vec![0; 64]].concat()),
            ("objects.npy", [npy("|O", 2, 2), vec![0; 64]].concat()),
            ("pickle.bin", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system".to_vec()),
            (
                "overlapping.safetensors",
                safetensors(
                    r#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}}"#,
                    24,
                ),
            ),
            (
                "lying-shape.safetensors",
                safetensors(r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}"#, 16),
            ),
            ("long-header.safetensors", [&(GIGABYTE - 8).to_le_bytes()[..], b"{"].concat()),
            ("climbing.safetensors.index.json", br#"{"weight_map":{"a":"../../../etc/passwd"}}"#.to_vec()),
            ("ragged.csv", b"1.5,2\n3,4,5\n".to_vec()),
            ("ragged.txt", b"a 1 2\nb 3\n".to_vec()),
            ("lying-header.bin", b"1000000000000 300\na \x00\x00".to_vec()),
            ("lying-header.txt", b"1000000000000 300\na 1 2\n".to_vec()),
            ("truncated.npz", b"PK\x03\x04\x14\x00\x00\x00".to_vec()),
        ] {
            fs::write(place(name), content)?;
        }
        to_a_gigabyte(&place("truncated-1GB.npy"), &npy("<f4", GIGABYTE, 1))?;
        to_a_gigabyte(&place("zero-rows-1GB.npy"), &npy("<f4", (GIGABYTE - 128) / 128, 32))?;
        to_a_gigabyte(&place("zeros-after-a-word-1GB.vec"), b"the 1.5 2.5\n")?;
        to_a_gigabyte(&place("zeros-after-a-row-1GB.csv"), b"1.5,2.5\n")?;
        to_a_gigabyte(&place("zeros-after-a-brace-1GB.json"), b"{")?;
        for ending in ["npy", "npz", "safetensors", "bin", "vec", "txt", "csv", "tsv", "json", "dat"] {
            to_a_gigabyte(&place(&format!("zeros-1GB.{ending}")), b"")?;
        }
        let fortran = String::from_utf8_lossy(&npy("<f4", (GIGABYTE - 128) / 128, 32)[10..]).replace("False", "True ");
        to_a_gigabyte(&place("zero-columns-1GB.npy"), &[b"\x93NUMPY\x01\x00v\x00", fortran.as_bytes()].concat())?;
        to_a_gigabyte(&place("zero-row-1GB.npy"), &npy("<f4", 1, (GIGABYTE - 128) / 4))?;
        fs::write(place("bomb-1GB.npz"), bomb(240_000, 1000)?)?;
        fs::write(place("narrow-bomb-1GB.npz"), bomb(240_000_000, 1)?)?;
        one_line(&place("empty-lines-1GB.txt"), b"a 1 2\n", b"\n\n\n\n\n\n\n\n")?;
        one_line(&place("empty-lines-1GB.csv"), b"1.5,2\n", b"\n\n\n\n\n\n\n\n")?;
        one_line(&place("line-1GB.csv"), b"x,y\n", b"1.25,")?;
        one_line(&place("quote-1GB.csv"), b"x,y\n1,\"", b"1.25,")?;
        one_line(&place("line-1GB.txt"), b"the ", b"1.25 ")?;
        one_line(&place("line-1GB.json"), b"{\"weight_map\":{\"", b"name")?;
        for ending in ["tsv", "vec", "bin", "dat", "npy", "npz", "safetensors"] {
            fs::hard_link(folder.join("line-1GB.txt"), place(&format!("line-1GB.{ending}")))?;
        }
        Ok(names)
    }

    pub fn main() -> io::Result<ExitCode> {
        let folder = tempfile::tempdir()?;
        let names = write_all(folder.path())?;
        fs::write(folder.path().join("right.npy"), [npy("<f4", 2, 1), 1.0_f32.to_le_bytes().repeat(2)].concat())?;
        let mut n_faults = 0;
        let plain = names.iter().map(|name| vec!["measure", name]);
        let as_names = ["line-1GB.txt", "zeros-1GB.txt"].map(|name| vec!["measure", "right.npy", "--names", name]);
        let dropping = ["bomb-1GB.npz", "narrow-bomb-1GB.npz", "zero-rows-1GB.npy", "zero-columns-1GB.npy"];
        let dropping = dropping.map(|name| vec!["measure", name, "--drop", "zero"]);
        let all: Vec<_> = plain.chain(as_names).chain(dropping).collect();
        for words in &all {
            let taken = run(Command::new(env!("CARGO_BIN_EXE_superpose")).args(words).current_dir(folder.path()))?;
            let is_right = [3, 4, 5].map(Some).contains(&taken.code);
            let is_in_time = taken.elapsed_s < MOST_SECONDS && taken.peak_bytes < MOST_BYTES;
            let mark = if is_right && is_in_time { "   " } else { "!! " };
            n_faults += u32::from(!is_right || !is_in_time);
            let (milliseconds, megabytes) = (1e3 * taken.elapsed_s, taken.peak_bytes / 1e6);
            println!("{mark}{milliseconds:5.0} ms {megabytes:4.0} MB  {}", taken.said.trim_end());
        }
        println!("{n_faults} of {} took too much or were not refused", all.len());
        Ok(ExitCode::from(u8::from(n_faults > 0)))
    }
}

#[cfg(unix)]
fn main() -> std::io::Result<std::process::ExitCode> {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    println!("the memory of a process is asked of a Unix system");
}
