//! A strict reader of the Cypher that an export is made of: statements are cut as cypher-shell cuts them, and strings
//! read as the most eager of the databases reads them, which decodes `\uXXXX` before anything else.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Default)]
pub struct Loaded {
    /// First name, last name, and time of creation of those who are known.
    pub people: Vec<(u64, Option<[String; 3]>)>,
    pub friendships: Vec<[u64; 2]>,
}

const PEOPLE: &str = " AS row MERGE (u:User {id: row.id}) SET u.known = row.known, u.firstName = row.firstName, \
                      u.lastName = row.lastName, u.createdAt = row.createdAt";
const FRIENDSHIPS: &str = " AS row MATCH (a:User {id: row[0]}) MATCH (b:User {id: row[1]}) MERGE (a)-[:FRIEND]->(b)";

pub fn load(text: &str) -> Loaded {
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    let statements = statements(text);
    assert_eq!(statements.len(), lines.len(), "a statement a line");
    assert!(lines.iter().zip(&statements).all(|(line, statement)| *line == format!("{statement};")));
    assert_eq!(statements[0], "CREATE INDEX FOR (u:User) ON (u.id)");
    assert!(statements.last().unwrap().starts_with("RETURN 'complete' AS export, "));
    let mut loaded = Loaded::default();
    for statement in &statements[1..statements.len() - 1] {
        let decoded = decode_unicode(statement);
        let mut reader = Reader(decoded.chars().peekable());
        reader.expect("UNWIND ");
        let Value::List(rows) = reader.value() else { panic!("{statement}") };
        assert!((1..=500).contains(&rows.len()));
        let rest: String = reader.0.collect();
        match &*rest {
            PEOPLE => loaded.people.extend(rows.iter().map(person)),
            FRIENDSHIPS => loaded.friendships.extend(rows.iter().map(friendship)),
            other => panic!("{other}"),
        }
    }
    loaded
}

/// Cut at semicolons outside of strings; what is behind the last must be nothing.
fn statements(text: &str) -> Vec<String> {
    let (mut all, mut statement, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for character in text.chars() {
        match character {
            ';' if !quoted => {
                all.push(std::mem::take(&mut statement).trim_start().to_owned());
                continue;
            }
            '\'' if !escaped => quoted = !quoted,
            '"' | '`' if !quoted => panic!("other quotes are not used: {statement}"),
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        statement.push(character);
    }
    assert_eq!(statement.trim(), "");
    all
}

fn decode_unicode(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        let digits = &rest[at + 2..][..4];
        decoded.push_str(&rest[..at]);
        decoded.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        rest = &rest[at + 6..];
    }
    decoded + rest
}

#[derive(Debug)]
enum Value {
    Number(u64),
    Boolean(bool),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

fn person(row: &Value) -> (u64, Option<[String; 3]>) {
    let Value::Map(fields) = row else { panic!("{row:?}") };
    let text = |value: &Value| if let Value::Text(text) = value { text.clone() } else { panic!("{value:?}") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
    match (&names[..], fields.iter().map(|(_, value)| value).collect::<Vec<_>>().as_slice()) {
        (["id", "known"], [Value::Number(id), Value::Boolean(false)]) => (*id, None),
        (
            ["id", "known", "firstName", "lastName", "createdAt"],
            [Value::Number(id), Value::Boolean(true), first, last, created],
        ) => (*id, Some([text(first), text(last), text(created)])),
        _ => panic!("{row:?}"),
    }
}

fn friendship(row: &Value) -> [u64; 2] {
    match row {
        Value::List(pair) => match pair[..] {
            [Value::Number(a), Value::Number(b)] => [a, b],
            _ => panic!("{row:?}"),
        },
        _ => panic!("{row:?}"),
    }
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn expect(&mut self, text: &str) {
        text.chars().for_each(|wanted| assert_eq!(self.0.next(), Some(wanted), "in {text}"));
    }

    fn value(&mut self) -> Value {
        match self.0.peek().copied().unwrap() {
            '[' => Value::List(self.items('[', ']', Self::value)),
            '{' => Value::Map(self.items('{', '}', |reader| {
                let name = reader.word();
                reader.expect(": ");
                (name, reader.value())
            })),
            '\'' => Value::Text(self.text()),
            _ => match &*self.word() {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                number => Value::Number(number.parse().unwrap()),
            },
        }
    }

    fn items<T>(&mut self, open: char, close: char, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        assert_eq!(self.0.next(), Some(open));
        let mut items = vec![item(self)];
        while self.0.next_if_eq(&close).is_none() {
            self.expect(", ");
            items.push(item(self));
        }
        items
    }

    fn word(&mut self) -> String {
        std::iter::from_fn(|| self.0.next_if(|character| character.is_ascii_alphanumeric())).collect()
    }

    /// One string, or several with a plus between them.
    fn text(&mut self) -> String {
        let mut text = String::new();
        loop {
            self.expect("'");
            loop {
                match self.0.next().expect("a string that ends") {
                    '\'' => break,
                    '\\' => match self.0.next() {
                        Some(quoted @ ('\\' | '\'')) => text.push(quoted),
                        other => panic!("\\{other:?}"),
                    },
                    character => text.push(character),
                }
            }
            if self.0.next_if_eq(&' ').is_none() {
                return text;
            }
            self.expect("+ ");
        }
    }
}
