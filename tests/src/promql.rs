//! As much of PromQL as it takes to see which series an expression is about, and what it compares. Prometheus itself
//! judges whether it is valid.

/// The series that a selector asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    /// Label, operator, value.
    pub matchers: Vec<(String, String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Number,
    Mark(String),
}

/// Two characters before one.
const MARKS: [&str; 23] = [
    "==", "!=", ">=", "<=", "=~", "!~", ">", "<", "=", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}", "[", "]", ",",
    "@",
];
const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
/// Words after which a list of labels stands.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "start", "end", "atan2"];

fn tokens(expression: &str) -> Vec<(Token, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < expression.len() {
        let rest = &expression[at..];
        let first = rest.chars().next().expect("there is more");
        let length = match first {
            '"' | '\'' => 2 + rest[1..].find(first).unwrap_or_else(|| panic!("no end of text: {rest}")),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_whitespace() => c.len_utf8(),
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' => {
                run(rest, |c| c.is_ascii_alphanumeric() || "_:".contains(c))
            }
            c if c.is_ascii_digit() => run(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            _ => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
                mark.unwrap_or_else(|| panic!("{first:?} in {expression}")).len()
            }
        };
        let word = rest[..length].to_owned();
        match first {
            '"' | '\'' => tokens.push((Token::Text(word[1..length - 1].to_owned()), at)),
            '#' => {}
            c if c.is_whitespace() => {}
            c if c.is_ascii_digit() => tokens.push((Token::Number, at)),
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' => tokens.push((Token::Name(word), at)),
            _ => tokens.push((Token::Mark(word), at)),
        }
        at += length;
    }
    tokens
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Every selector, in the order in which they stand.
pub fn selectors(expression: &str) -> Vec<Selector> {
    let tokens: Vec<Token> = tokens(expression).into_iter().map(|(token, _)| token).collect();
    let is = |index: usize, mark: &str| matches!(tokens.get(index), Some(Token::Mark(found)) if found == mark);
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let Token::Name(name) = &tokens[index] else {
            // A duration, which has no names in it that are metrics.
            index = if is(index, "[") { after(&tokens, index, "]") } else { index + 1 };
            continue;
        };
        if BEFORE_LABELS.contains(&name.as_str()) && is(index + 1, "(") {
            index = after(&tokens, index, ")");
        } else if WORDS.contains(&name.as_str())
            || BEFORE_LABELS.contains(&name.as_str())
            || is(index + 1, "(")
            || aggregates(tokens.get(index + 1))
        {
            index += 1;
        } else {
            let end = if is(index + 1, "{") { after(&tokens, index, "}") } else { index + 1 };
            found.push(Selector { metric: name.clone(), matchers: matchers(&tokens[index + 1..end]) });
            index = end;
        }
    }
    found
}

/// The name before `by (…)` is that of a function.
fn aggregates(next: Option<&Token>) -> bool {
    matches!(next, Some(Token::Name(word)) if ["by", "without"].contains(&word.as_str()))
}

fn after(tokens: &[Token], from: usize, mark: &str) -> usize {
    let closing = tokens[from..].iter().position(|token| *token == Token::Mark(mark.to_owned()));
    from + closing.unwrap_or_else(|| panic!("no {mark}: {tokens:?}")) + 1
}

fn matchers(tokens: &[Token]) -> Vec<(String, String, String)> {
    let three = |window: &[Token]| match window {
        [Token::Name(label), Token::Mark(operator), Token::Text(value)] => {
            Some((label.clone(), operator.clone(), value.clone()))
        }
        _ => None,
    };
    tokens.windows(3).filter_map(three).collect()
}

/// What stands left of the comparison that is outermost, if there is exactly one.
pub fn compared(expression: &str) -> Option<&str> {
    let mut depth = 0;
    let mut comparisons = Vec::new();
    for (token, at) in tokens(expression) {
        let Token::Mark(mark) = token else { continue };
        match mark.as_str() {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth -= 1,
            mark if depth == 0 && COMPARISONS.contains(&mark) => comparisons.push(at),
            _ => {}
        }
    }
    match comparisons[..] {
        [at] => Some(expression[..at].trim()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(expression: &str) -> Vec<String> {
        selectors(expression).into_iter().map(|selector| selector.metric).collect()
    }

    #[test]
    fn selectors_are_told_from_functions_labels_and_words() {
        assert_eq!(metrics("sum by (component, le) (rate(a_total{x=\"b\",y=~\"c|d\"}[5m])) or vector(0)"), ["a_total"]);
        assert_eq!(metrics("max(a:b:c) unless on (x) resets(d[1m]) > 0"), ["a:b:c", "d"]);
        assert_eq!(metrics("a - (a offset 15m or 0 * b)"), ["a", "a", "b"]);
        assert_eq!(metrics("1 + 2 # a\n* c"), ["c"]);
        let selector = &selectors("a{x=\"b\", y!~'c{d'}")[0];
        assert_eq!(selector.matchers[1], ("y".to_owned(), "!~".to_owned(), "c{d".to_owned()));
    }

    #[test]
    fn what_is_compared_stands_left_of_the_outermost_comparison() {
        assert_eq!(compared("up{job=\"a\"} == 0"), Some("up{job=\"a\"}"));
        assert_eq!(compared("(sum(a > 1) or vector(0)) / b\n> 0.2"), Some("(sum(a > 1) or vector(0)) / b"));
        assert_eq!(compared("a"), None);
        assert_eq!(compared("a > 1 and b > 2"), None);
    }
}
