//! NumPy's .npz: a zip archive of .npy files, stored as they are or packed by deflate. Nothing is unpacked to disk.
//!
//! A zip archive says the size and the place of its members in several ways. Only its directory is asked, and what it says is held against the file:
//! no member may lie over another, unpack to more than deflate can make of its bytes, or have another checksum than it should.

use std::io::{self, BufReader, Read};
use std::rc::Rc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ReaderAt, ZipArchive, ZipLocator};

use super::error::{Flaw, Place};
use super::lines::MAX_NAME_BYTES;
use super::matrix::{Body, Matrix, Numbers};
use super::npy::{HEAD_BYTES, Header};
use super::source::Source;
use super::tensors::{Announced, choose};
use crate::quantity::abridged;

/// The end of an archive has a comment of at most 64 KiB before it.
const END_BYTES: u64 = 22 + (64 << 10);
const MAX_MEMBERS: usize = 10_000;
/// Deflate makes at most 1032 bytes of one.
const MAX_RATIO: u64 = 1032;
const BUFFER_BYTES: usize = 256 * 1024;

/// A member of an archive, as its directory tells it.
#[derive(Clone)]
struct Member {
    name: String,
    crc: u32,
    is_packed: bool,
    /// Where its packed bytes lie in the file.
    begin: u64,
    end: u64,
    /// Its bytes when unpacked.
    n_bytes: u64,
}

/// The array of a name or, without one, the only matrix; and its name.
pub(super) fn find(source: &Source, name: Option<&str>) -> Result<(Matrix, String), Flaw> {
    let members = members(source)?;
    if members.iter().any(|member| member.name == "data.pkl" || member.name.ends_with("/data.pkl")) {
        return Err(Flaw::Foreign { what: super::format::PYTORCH });
    }
    let arrays: Vec<&Member> = members.iter().filter(|member| member.name.ends_with(".npy")).collect();
    // What an array is takes a look at its header; a name that is given is told by the directory.
    let announced = |member: &&Member| {
        let head = if name.is_none() && arrays.len() > 1 { member.head(source).ok() } else { None };
        let (dtype, shape, is_matrix) =
            head.and_then(|head| Header::announced(&head)).unwrap_or((String::new(), Vec::new(), arrays.len() == 1));
        Announced { name: member.array().to_owned(), dtype, shape, is_matrix }
    };
    let tensors: Vec<Announced> = arrays.iter().map(announced).collect();
    let chosen = choose(&tensors.iter().collect::<Vec<_>>(), name)?;
    let member = arrays.iter().find(|member| member.array() == chosen.name).ok_or(Flaw::Changed)?;
    let matrix = member.matrix(source).map_err(|flaw| flaw.of(&chosen.name))?;
    Ok((matrix, chosen.name.clone()))
}

fn damaged(error: rawzip::Error) -> Flaw {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) => error.into(),
        kind => Flaw::Zip { reason: kind.to_string().to_lowercase() },
    }
}

fn members(source: &Source) -> Result<Vec<Member>, Flaw> {
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE.max(1 << 17)];
    let locator = ZipLocator::new().max_search_space(END_BYTES);
    let archive: ZipArchive<Rc<dyn ReaderAt>> =
        locator.locate_in_reader(source.content(), &mut buffer, source.n_bytes).map_err(|(_, error)| damaged(error))?;
    let mut headers = Vec::new();
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        if headers.len() == MAX_MEMBERS {
            return Err(Flaw::untrue(format!("more than {MAX_MEMBERS} members")));
        }
        let name = entry.file_path().as_bytes();
        if name.len() > MAX_NAME_BYTES {
            return Err(Flaw::untrue(format!("a member with a name of more than {MAX_NAME_BYTES} bytes")));
        }
        let name = String::from_utf8_lossy(name).into_owned();
        headers.push((
            name,
            entry.wayfinder(),
            entry.compression_method(),
            entry.flags().is_encrypted(),
            entry.crc32(),
        ));
    }
    let mut members: Vec<Member> = Vec::with_capacity(headers.len());
    for (name, wayfinder, method, is_encrypted, crc) in headers {
        let is_packed = match method {
            _ if is_encrypted => return Err(Flaw::untrue("an encrypted member, which cannot be read").of(&name)),
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            other => {
                let what =
                    format!("a member packed by method {}; allowed are 0 (stored) and 8 (deflate)", other.as_u16());
                return Err(Flaw::untrue(what).of(&name));
            }
        };
        let (begin, end) =
            archive.get_entry(wayfinder).map_err(|error| damaged(error).of(&name))?.compressed_data_range();
        let n_bytes = wayfinder.uncompressed_size_hint();
        let n_packed = end - begin;
        if end > source.n_bytes {
            let what = format!("bytes {begin} to {end} of its own, but the file has {}", source.n_bytes);
            return Err(Flaw::untrue(what).of(&name));
        }
        if !is_packed && n_packed != n_bytes || is_packed && n_bytes > n_packed.saturating_mul(MAX_RATIO) {
            return Err(Flaw::untrue(format!("{n_packed} bytes that unpack to {n_bytes}")).of(&name));
        }
        members.push(Member { name, crc, is_packed, begin, end, n_bytes });
    }
    members.sort_by_key(|member| (member.begin, member.end));
    for pair in members.windows(2) {
        if pair[1].begin < pair[0].end {
            let what = format!("bytes that are also those of {}", abridged(&pair[0].name));
            return Err(Flaw::untrue(what).of(&pair[1].name));
        }
    }
    let mut names = std::collections::HashSet::new();
    if let Some(member) = members.iter().find(|member| !names.insert(member.name.as_str())) {
        return Err(Flaw::untrue(format!("the array {} twice in its directory", abridged(&member.name))));
    }
    Ok(members)
}

impl Member {
    /// The name of the array: that of the member without its ending.
    fn array(&self) -> &str {
        self.name.strip_suffix(".npy").unwrap_or(&self.name)
    }

    fn unpacked(&self, source: &Source) -> Box<dyn Read> {
        let packed = source.range(self.begin, self.end);
        match self.is_packed {
            true => Box::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER_BYTES, packed))),
            false => Box::new(packed),
        }
    }

    fn head(&self, source: &Source) -> Result<Vec<u8>, Flaw> {
        let mut head = Vec::new();
        self.unpacked(source).take(HEAD_BYTES).read_to_end(&mut head).map_err(unpacking)?;
        Ok(head)
    }

    fn matrix(&self, source: &Source) -> Result<Matrix, Flaw> {
        let header = Header::read(&self.head(source)?, self.n_bytes)?;
        if !self.is_packed {
            self.check(source)?;
            return Ok(header.matrix(source, self.begin));
        }
        let (n_lines, n_per_line) = Matrix::stored(header.n_rows, header.n_columns, header.is_fortran);
        let packed = Packed::new(self.clone(), source.clone(), header);
        Ok(Matrix { n_lines, n_per_line, is_across: header.is_fortran, body: Body::Packed(Box::new(packed)) })
    }

    /// Compares the checksum of a member that is stored as it is.
    fn check(&self, source: &Source) -> Result<(), Flaw> {
        let mut crc = Crc::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut at = self.begin;
        while at < self.end {
            let n = (self.end - at).min(BUFFER_BYTES as u64) as usize;
            source.read(&mut buffer[..n], at)?;
            crc.update(&buffer[..n]);
            at += n as u64;
        }
        checksum(self.crc, crc.sum())
    }
}

fn checksum(told: u32, found: u32) -> Result<(), Flaw> {
    if told == found {
        return Ok(());
    }
    Err(Flaw::untrue(format!("the checksum {found:08x}, but its directory says {told:08x}: its bytes are damaged")))
}

/// Packed bytes that cannot be unpacked are those of a damaged file.
fn unpacking(error: io::Error) -> Flaw {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Flaw::Zip { reason: "its packed bytes cannot be unpacked".to_owned() }
        }
        io::ErrorKind::UnexpectedEof => Flaw::Zip { reason: "it unpacks to less than its directory says".to_owned() },
        _ => error.into(),
    }
}

/// Takes the checksum of what is read through it.
struct Checked {
    inner: Box<dyn Read>,
    crc: Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.crc.update(&buffer[..n]);
        Ok(n)
    }
}

/// The numbers of a packed array.
struct Packed {
    member: Member,
    source: Source,
    header: Header,
    reader: BufReader<Checked>,
    /// Bytes that have been unpacked.
    at: u64,
    bytes: Vec<u8>,
}

impl Packed {
    fn new(member: Member, source: Source, header: Header) -> Self {
        let reader =
            BufReader::with_capacity(BUFFER_BYTES, Checked { inner: member.unpacked(&source), crc: Crc::new() });
        Self { member, source, header, reader, at: 0, bytes: Vec::new() }
    }

    /// The byte, of what is unpacked, where a number begins.
    fn position(&self, line: u64, position: u64) -> u64 {
        let Header { n_rows, n_columns, is_fortran, scalar, offset } = self.header;
        let (_, n_per_line) = Matrix::stored(n_rows, n_columns, is_fortran);
        offset + (line * n_per_line + position) * scalar.n_bytes() as u64
    }

    /// Unpacks and forgets what stands before a byte.
    fn skip_to(&mut self, at: u64) -> Result<(), Flaw> {
        let n = at - self.at;
        let found = io::copy(&mut (&mut self.reader).take(n), &mut io::sink()).map_err(unpacking)?;
        self.at += found;
        if found < n { Err(unpacking(io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
    }
}

impl Numbers for Packed {
    fn fill(&mut self, line: u64, values: &mut [f32]) -> Result<(), Flaw> {
        self.skip_to(self.position(line, 0))?;
        let scalar = self.header.scalar;
        for part in values.chunks_mut(BUFFER_BYTES / scalar.n_bytes()) {
            self.bytes.resize(part.len() * scalar.n_bytes(), 0);
            self.reader.read_exact(&mut self.bytes).map_err(unpacking)?;
            scalar.decode(&self.bytes, part);
            self.at += self.bytes.len() as u64;
        }
        Ok(())
    }

    fn place(&self, line: u64, position: u64) -> Place {
        Place::Unpacked(self.position(line, position))
    }

    /// Unpacks again all that stands before it.
    fn exact(&self, line: u64, position: u64) -> Result<f64, Flaw> {
        let mut again = Self::new(self.member.clone(), self.source.clone(), self.header);
        again.skip_to(self.position(line, position))?;
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..self.header.scalar.n_bytes()];
        again.reader.read_exact(bytes).map_err(unpacking)?;
        Ok(self.header.scalar.exact(bytes))
    }

    fn finish(&mut self) -> Result<(), Flaw> {
        self.skip_to(self.member.n_bytes)?;
        let mut byte = [0];
        if self.reader.read(&mut byte).map_err(unpacking)? != 0 {
            return Err(Flaw::Zip { reason: "it unpacks to more than its directory says".to_owned() });
        }
        checksum(self.member.crc, self.reader.get_ref().crc.sum())
    }
}
