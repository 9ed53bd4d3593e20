//! A reader of SQLite's file format: the rows of one table, without indexes and without SQL.

use std::collections::HashSet;

/// A database file.
#[derive(Debug)]
pub struct Database<'d> {
    bytes: &'d [u8],
    page_size: usize,
    /// The bytes of a page that are used.
    usable: usize,
}

/// Values of a row, as far as they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Integer(i64),
    Bytes(Vec<u8>),
    Other,
}

/// The most bytes of a row.
const ROW: usize = 32 << 20;
/// The deepest tree.
const DEPTH: usize = 20;

type Row = Vec<Value>;

impl<'d> Database<'d> {
    /// Reads the header.
    pub fn open(bytes: &'d [u8]) -> Result<Self, String> {
        if !bytes.starts_with(b"SQLite format 3\0") {
            return Err("it is no SQLite database".to_owned());
        }
        let page_size = match number(bytes, 16, 2) {
            Some(1) => 65536,
            Some(size) if size >= 512 && size.is_power_of_two() => size,
            _ => return Err("the page size of the database is wrong".to_owned()),
        };
        let reserved = bytes.get(20).copied().unwrap_or_default();
        Ok(Self { bytes, page_size, usable: page_size.saturating_sub(reserved.into()).max(480) })
    }

    /// Calls `each` with every row of the table, until it returns false.
    pub fn rows(&self, table: &str, mut each: impl FnMut(Row) -> bool) -> Result<(), String> {
        let mut root = None;
        Walk::new(self, &mut |row| {
            let is_table = row.first() == Some(&Value::Bytes(b"table".to_vec()));
            if is_table
                && row.get(1) == Some(&Value::Bytes(table.as_bytes().to_vec()))
                && let Some(Value::Integer(page)) = row.get(3)
            {
                root = usize::try_from(*page).ok();
            }
            true
        })
        .page(1, DEPTH)?;
        let root = root.ok_or_else(|| format!("the database has no table `{table}`"))?;
        Walk::new(self, &mut each).page(root, DEPTH)
    }

    fn page(&self, number: usize) -> Option<&'d [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page_size)?;
        self.bytes.get(start..start.checked_add(self.page_size)?)
    }
}

/// A walk through a tree of pages. No page is read twice, so that a broken file ends it.
struct Walk<'w, 'd> {
    database: &'w Database<'d>,
    each: &'w mut dyn FnMut(Row) -> bool,
    seen: HashSet<usize>,
    stopped: bool,
}

const BROKEN: &str = "the database is broken";

impl<'w, 'd> Walk<'w, 'd> {
    fn new(database: &'w Database<'d>, each: &'w mut dyn FnMut(Row) -> bool) -> Self {
        Self { database, each, seen: HashSet::new(), stopped: false }
    }

    fn page(&mut self, number_of_page: usize, depth: usize) -> Result<(), String> {
        let page = self.database.page(number_of_page).filter(|_| depth > 0 && self.seen.insert(number_of_page));
        let page = page.ok_or(BROKEN)?;
        // The first page begins with the header of the file.
        let header = if number_of_page == 1 { 100 } else { 0 };
        let count = number(page, header + 3, 2).ok_or(BROKEN)?;
        let (is_leaf, cells) = match page.get(header) {
            Some(0x0d) => (true, header + 8),
            Some(0x05) => (false, header + 12),
            _ => return Err(BROKEN.to_owned()),
        };
        for cell in (0..count).map(|index| cells + 2 * index) {
            if self.stopped {
                return Ok(());
            }
            let at = number(page, cell, 2).ok_or(BROKEN)?;
            if is_leaf {
                let payload = self.payload(page, at).ok_or(BROKEN)?;
                self.stopped = !(self.each)(row(&payload).ok_or(BROKEN)?);
            } else {
                self.page(number(page, at, 4).ok_or(BROKEN)?, depth - 1)?;
            }
        }
        if is_leaf { Ok(()) } else { self.page(number(page, header + 8, 4).ok_or(BROKEN)?, depth - 1) }
    }

    /// The bytes of a row: in the page, and in further pages if it is long.
    fn payload(&mut self, page: &[u8], at: usize) -> Option<Vec<u8>> {
        let (length, size) = varint(page, at)?;
        let (_, key_size) = varint(page, at + size)?;
        let start = at + size + key_size;
        let length = usize::try_from(length).ok().filter(|length| *length <= ROW)?;
        let usable = self.database.usable;
        let most = usable - 35;
        if length <= most {
            return page.get(start..start + length).map(<[u8]>::to_vec);
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let wanted = least + (length - least) % (usable - 4);
        let local = if wanted <= most { wanted } else { least };
        let mut payload = page.get(start..start + local)?.to_vec();
        let mut next = number(page, start + local, 4)?;
        while payload.len() < length {
            let page = self.database.page(next).filter(|_| self.seen.insert(next))?;
            let rest = page.get(4..usable)?;
            payload.extend_from_slice(rest.get(..length - payload.len()).unwrap_or(rest));
            next = number(page, 0, 4)?;
        }
        Some(payload)
    }
}

/// The values of a row.
fn row(payload: &[u8]) -> Option<Row> {
    let (header, mut at) = varint(payload, 0)?;
    let header = usize::try_from(header).ok()?;
    let (mut row, mut data) = (Row::new(), header);
    while at < header {
        let (kind, size) = varint(payload, at)?;
        at += size;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            _ => usize::try_from((kind - 12) / 2).ok()?,
        };
        let bytes = payload.get(data..data.checked_add(length)?)?;
        data += length;
        row.push(match kind {
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(integer(bytes)),
            10.. => Value::Bytes(bytes.to_vec()),
            _ => Value::Other,
        });
    }
    Some(row)
}

/// A signed number, the highest byte first.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte))
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

/// A number of one to nine bytes, and how many bytes it has.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for size in 1..=9 {
        let byte = *bytes.get(at + size - 1)?;
        if size == 9 {
            return Some((value << 8 | u64::from(byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, size));
        }
    }
    None
}
