//! What is wrong in a file, and where.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something wrong, somewhere in a text.
#[derive(Debug)]
pub struct Fault {
    at: Option<Range<usize>>,
    text: String,
}

impl Fault {
    pub fn at<T>(place: &Spanned<T>, text: impl Into<String>) -> Self {
        Self { at: Some(place.span()), text: text.into() }
    }

    pub fn within(self, file: &Path, text: &str) -> Mistake {
        Mistake { file: file.display().to_string(), place: self.at.map(|at| Place::of(at, text)), text: self.text }
    }
}

impl From<toml::de::Error> for Fault {
    fn from(error: toml::de::Error) -> Self {
        Self { at: error.span(), text: error.message().trim_end().replace('\n', "; ") }
    }
}

/// What a person is told about it.
#[derive(Debug)]
pub struct Mistake {
    file: String,
    place: Option<Place>,
    text: String,
}

#[derive(Debug)]
struct Place {
    line: usize,
    column: usize,
    /// Which key it is about, as far as the text can be read.
    key: Option<String>,
    /// The line itself, and how much of it is meant.
    shown: String,
    width: usize,
}

impl Place {
    fn of(at: Range<usize>, text: &str) -> Self {
        let before = text.get(..at.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let shown = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = before[line_start..].chars().count() + 1;
        let meant = text.get(at.clone()).and_then(|meant| meant.lines().next()).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column,
            key: DeTable::parse(text).ok().and_then(|table| key_in(table.get_ref(), &at)),
            shown: shown.to_owned(),
            width: meant.chars().count().max(1),
        }
    }
}

/// The key that stands at a place, or whose value does, with the tables that it is in.
fn key_in(table: &DeTable<'_>, at: &Range<usize>) -> Option<String> {
    let is_in = |span: Range<usize>| span.start <= at.start && at.end <= span.end;
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref().to_string();
        let deeper = match value.get_ref() {
            DeValue::Table(inner) => key_in(inner, at),
            DeValue::Array(items) => items.iter().find_map(|item| key_in(item.get_ref().as_table()?, at)),
            _ => None,
        };
        match deeper {
            Some(deeper) => Some(format!("{name}.{deeper}")),
            None => {
                let items = value.get_ref().as_array().into_iter().flatten().map(|item| item.span());
                [key.span(), value.span()].into_iter().chain(items).any(is_in).then_some(name)
            }
        }
    })
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else { return write!(f, "{}: {}", self.file, self.text) };
        write!(f, "{}, line {}, column {}: ", self.file, place.line, place.column)?;
        if let Some(key) = &place.key {
            write!(f, "`{key}`: ")?;
        }
        let number = place.line.to_string();
        let (margin, before) = (" ".repeat(number.len()), " ".repeat(place.column - 1));
        write!(f, "{}\n  {number} | {}\n  {margin} | {before}{}", self.text, place.shown, "^".repeat(place.width))
    }
}

impl std::error::Error for Mistake {}

/// The text of a file that a person has named.
pub fn read(file: &Path) -> Result<String, Mistake> {
    std::fs::read_to_string(file).map_err(|error| {
        let text = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::InvalidData => "it is no text in UTF-8".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        Mistake { file: file.display().to_string(), place: None, text }
    })
}
