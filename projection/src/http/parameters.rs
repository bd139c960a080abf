//! What a request may say, and what is wrong with it: every field at once.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query};
use axum::http::Uri;
use domain::UserId;
use domain::event::Stream;

use super::problem::{FieldError, Problem};
use crate::export::Format;
use crate::graph::{Rank, Standing};
use crate::view::Positions;

/// A page of more than this is of no use to anybody.
pub const MAX_LIMIT: usize = 1000;

type Field<T> = Result<T, FieldError>;

fn invalid<T>(field: &'static str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Field<T> {
    Err(FieldError { field, detail: detail.into() })
}

/// The person in the path.
pub fn id(path: Result<Path<String>, PathRejection>) -> Field<u64> {
    match path {
        Ok(Path(text)) => user_id("id", &text),
        Err(_) => invalid("id", domain::InvalidId.to_string()),
    }
}

fn user_id(field: &'static str, text: &str) -> Field<u64> {
    match text.parse::<UserId>() {
        Ok(id) => Ok(id.get()),
        Err(error) => invalid(field, error.to_string()),
    }
}

/// All three, or everything that is wrong with any of them.
pub fn all3<A, B, C>(a: Field<A>, b: Field<B>, c: Field<C>) -> Result<(A, B, C), Vec<FieldError>> {
    match (a, b, c) {
        (Ok(a), Ok(b), Ok(c)) => Ok((a, b, c)),
        (a, b, c) => Err([a.err(), b.err(), c.err()].into_iter().flatten().collect()),
    }
}

/// Both, or everything that is wrong with either.
pub fn all2<A, B>(a: Field<A>, b: Field<B>) -> Result<(A, B), Vec<FieldError>> {
    all3(a, b, Ok(())).map(|(a, b, ())| (a, b))
}

/// Both groups, or everything that is wrong with any of them.
pub fn both<A, B>(a: Result<A, Vec<FieldError>>, b: Result<B, Vec<FieldError>>) -> Result<(A, B), Problem> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(Problem::fields([a.err(), b.err()].into_iter().flatten().flatten().collect())),
    }
}

/// The query string, decoded. What we do not know in it is passed over.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn parse(query: Option<&str>) -> Self {
        // Decoding puts a replacement character for what is not UTF-8, which no field accepts.
        let uri = Uri::builder().path_and_query(format!("/?{}", query.unwrap_or_default())).build();
        let pairs = uri.ok().and_then(|uri| Query::try_from_uri(&uri).ok());
        Self(pairs.map(|Query(pairs)| pairs).unwrap_or_default())
    }

    fn get(&self, field: &'static str) -> Field<Option<&str>> {
        let mut values = self.0.iter().filter(|(name, _)| name == field).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => invalid(field, "must not be given twice"),
        }
    }

    /// How many at most.
    pub fn limit(&self, default: usize) -> Field<usize> {
        let Some(text) = self.get("limit")? else {
            return Ok(default);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(limit) if digits && (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => invalid("limit", format!("must be a decimal number from 1 to {MAX_LIMIT}")),
        }
    }

    /// By what recommendations are ranked.
    pub fn rank(&self) -> Field<Rank> {
        match self.get("rank")? {
            None => Ok(Rank::default()),
            Some(name) => match Rank::from_name(name) {
                Some(rank) => Ok(rank),
                None => invalid("rank", format!("must be one of {}", Rank::ALL.map(Rank::name).join(", "))),
            },
        }
    }

    /// As what the graph is exported.
    pub fn format(&self) -> Field<Format> {
        match self.get("format")? {
            None => Ok(Format::default()),
            Some(name) => match Format::from_name(name) {
                Some(format) => Ok(format),
                None => invalid("format", format!("must be one of {}", Format::ALL.map(Format::name).join(", "))),
            },
        }
    }

    /// How far a neighbourhood reaches.
    pub fn steps(&self) -> Field<u8> {
        match self.get("steps")? {
            None | Some("1") => Ok(1),
            Some("2") => Ok(2),
            Some(_) => invalid("steps", "must be 1 or 2"),
        }
    }

    /// After which place in that ranking the page begins.
    pub fn standing(&self, rank: Rank) -> Field<Option<Standing>> {
        let Some(text) = self.get("cursor")? else {
            return Ok(None);
        };
        let place = text.strip_prefix(rank.name()).and_then(|rest| rest.strip_prefix('.')?.parse().ok());
        match place {
            Some(standing) => Ok(Some(standing)),
            None => invalid("cursor", "must be one that a page of the same ranking gave"),
        }
    }

    /// After which id the page begins.
    pub fn after_id(&self) -> Field<u64> {
        match self.get("cursor")? {
            None => Ok(0),
            Some(text) => user_id("cursor", text),
        }
    }

    /// The other person of two.
    pub fn friend(&self, id: Option<u64>) -> Field<u64> {
        match self.get("friendId")? {
            None => invalid("friendId", "is missing"),
            Some(text) => match user_id("friendId", text)? {
                friend if Some(friend) == id => invalid("friendId", "must be another person"),
                friend => Ok(friend),
            },
        }
    }

    /// Which events the answer has to include, as in `Last-Event`: none by default.
    pub fn after(&self) -> Field<Positions> {
        let mut positions = Positions::default();
        let Some(text) = self.get("after")? else {
            return Ok(positions);
        };
        let mut seen = [false; 2];
        for part in text.split(',') {
            let parsed = part.split_once(':').and_then(|(name, position)| {
                let stream = Stream::from_name(name)?;
                Some((stream, position.parse().ok()?))
            });
            match parsed {
                Some((stream, position)) if !std::mem::replace(&mut seen[stream as usize], true) => {
                    positions.set(stream, position);
                }
                _ => {
                    return invalid(
                        "after",
                        "must be a Last-Event: user:<position>, friend:<position>, or both, separated by a comma",
                    );
                }
            }
        }
        Ok(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Parameters {
        Parameters::parse(Some(query))
    }

    #[test]
    fn limits() {
        assert_eq!(Parameters::parse(None).limit(100), Ok(100));
        assert_eq!(of("limit=1000&x=%ff").limit(100), Ok(1000));
        for bad in ["0", "1001", "-1", "+1", "", "1.0", "x", "99999999999999999999", "%ff", "1&limit=2"] {
            assert!(of(&format!("limit={bad}")).limit(100).is_err(), "{bad}");
        }
    }

    #[test]
    fn rankings_and_places_in_them() {
        assert_eq!(of("").rank(), Ok(Rank::Mutual));
        assert_eq!(of("rank=adamic-adar").rank(), Ok(Rank::AdamicAdar));
        for bad in ["", "Mutual", "mutual+", "x", "mutual&rank=mutual"] {
            assert_eq!(of(&format!("rank={bad}")).rank().unwrap_err().field, "rank", "{bad}");
        }
        let place = of("cursor=jaccard.3.7.42").standing(Rank::Jaccard).unwrap().unwrap();
        assert_eq!(place.to_string(), "3.7.42");
        for bad in ["", "3.7.42", "mutual.3.7.42", "jaccard.3.7", "jaccard.3.0.42", "jaccard.3.7.42.1", "jaccard.3.7.x"]
        {
            assert!(of(&format!("cursor={bad}")).standing(Rank::Jaccard).is_err(), "{bad}");
        }
    }

    #[test]
    fn formats_and_steps() {
        assert_eq!((of("").format(), of("").steps()), (Ok(Format::Json), Ok(1)));
        assert_eq!((of("format=graphml&steps=2").format(), of("steps=2").steps()), (Ok(Format::GraphMl), Ok(2)));
        for bad in ["", "JSON", "xml", "csv&format=csv"] {
            assert_eq!(of(&format!("format={bad}")).format().unwrap_err().field, "format", "{bad}");
        }
        for bad in ["", "0", "3", "01", "x", "1&steps=1"] {
            assert_eq!(of(&format!("steps={bad}")).steps().unwrap_err().field, "steps", "{bad}");
        }
    }

    #[test]
    fn positions_to_wait_for() {
        assert_eq!(of("").after(), Ok(Positions::default()));
        assert_eq!(of("after=user:17-0").after().unwrap().to_string(), "user:17-0,friend:0-0");
        assert_eq!(of("after=friend%3A5-1%2Cuser%3A17-0").after().unwrap().to_string(), "user:17-0,friend:5-1");
        for bad in ["", "17-0", "user:", "user:17", "people:17-0", "user:1-0,", "user:1-0,user:2-0", "user:x-0"] {
            assert!(of(&format!("after={bad}")).after().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_other_person() {
        assert_eq!(of("friendId=2").friend(Some(1)), Ok(2));
        for bad in ["", "friendId=", "friendId=0", "friendId=01", "friendId=9007199254740992", "friendId=1"] {
            assert_eq!(of(bad).friend(Some(1)).unwrap_err().field, "friendId", "{bad}");
        }
    }
}
