//! Format: how a file is written, by what it begins with, and where that does not tell by its ending.

use super::error::Flaw;
use super::source::Source;
use super::text::number;
use super::{Format, safetensors, word2vec};

pub(super) const PYTORCH: &str = "a PyTorch pickle, which runs code when it is read; convert it with safetensors.torch.save_file or, one tensor, with numpy.save";
const PICKLE: &str = "a Python pickle, which runs code when it is read; convert it with numpy.save";

/// What files of vectors that we do not read begin with, and what to do with them.
const FOREIGN: [(&[u8], &str); 12] = [
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (b"GGUF", "a GGUF model, whose numbers are quantized; convert it to .safetensors"),
    (b"PAR1", "a Parquet table; convert it with pandas: numpy.save(\"v.npy\", table.to_numpy())"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file; convert it with h5py: numpy.save(\"v.npy\", file[name][:])"),
    (b"\xba\x16\x4f\x2f", "a fastText model; use its vectors as text, the .vec file beside it"),
    (b"\x1f\x8b", "packed by gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd; unpack it first"),
    (b"BZh", "packed by bzip2; unpack it first"),
    (b"ARROW1", "an Arrow table; convert it with pandas: numpy.save(\"v.npy\", table.to_numpy())"),
];

/// How many bytes are looked at.
const HEAD_BYTES: u64 = 4096;

/// The format of a file, and whether it is the index of a sharded model.
pub(super) fn tell(source: &Source, ending: Option<&str>, asked: Option<Format>) -> Result<(Format, bool), Flaw> {
    let head = source.head(HEAD_BYTES)?;
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Flaw::Foreign { what });
    }
    let ending = ending.map(str::to_ascii_lowercase);
    let begins_json = head.trim_ascii_start().first() == Some(&b'{');
    if let Some(format) = asked {
        return Ok((format, format == Format::Safetensors && begins_json));
    }
    if head.starts_with(b"\x93NUMPY") {
        return Ok((Format::Npy, false));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok((Format::Npz, false));
    }
    if safetensors::is_likely(&head, source.n_bytes) {
        return Ok((Format::Safetensors, false));
    }
    let format = match ending.as_deref() {
        Some("npy") => Format::Npy,
        Some("npz") => Format::Npz,
        Some("safetensors") => Format::Safetensors,
        Some("json") => return Ok((Format::Safetensors, true)),
        Some("csv") => Format::Csv,
        Some("tsv" | "tab") => Format::Tsv,
        Some("vec") => Format::Text,
        Some("bin") => Format::Word2vec,
        _ => text(&head).ok_or(Flaw::Unknown {})?,
    };
    Ok((format, false))
}

/// The format of a file that begins like text.
fn text(head: &[u8]) -> Option<Format> {
    if let Some((_, _, offset)) = word2vec::header(head) {
        return Some(if ends_in_numbers(&head[offset as usize..]) { Format::Text } else { Format::Word2vec });
    }
    let first = &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())];
    // What is cut off at the end of the piece may be half a letter.
    let is_utf8 = str::from_utf8(first).map_or_else(|error| error.error_len().is_none(), |_| true);
    if head.is_empty() || memchr::memchr(0, head).is_some() || !is_utf8 {
        return None;
    }
    let has = |byte: u8| memchr::memchr(byte, first).is_some();
    Some(match () {
        // Before commas, because a comma is a word of GloVe.
        () if has(b' ') && ends_in_numbers(head) => Format::Text,
        () if has(b',') => Format::Csv,
        () if has(b'\t') => Format::Tsv,
        () if has(b' ') => Format::Text,
        () => Format::Csv,
    })
}

/// Whether the last of the fields of the first line, which spaces separate, are numbers.
fn ends_in_numbers(head: &[u8]) -> bool {
    let end = memchr::memchr(b'\n', head);
    let line = head[..end.unwrap_or(head.len())].trim_ascii_end();
    let mut fields = line.rsplit(|byte| *byte == b' ').filter(|field| !field.is_empty());
    if end.is_none() {
        // The last one may be cut.
        fields.next();
    }
    let last: Vec<&[u8]> = fields.take(3).collect();
    !last.is_empty() && last[..last.len().min(2)].iter().all(|field| number(field).is_some())
        || last.len() == 2 && number(last[0]).is_some()
}
