//! Metrics as a Prometheus server gets them: OpenMetrics text, read line by line.

use std::collections::{BTreeMap, BTreeSet};

/// One scrape.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    /// Of each family its type.
    pub types: BTreeMap<String, String>,
    /// Of each family its explanation.
    pub help: BTreeMap<String, String>,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Scrape {
    /// Asks, and holds the answer to what OpenMetrics promises.
    pub async fn of(url: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(url).send().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(answer.status(), 200, "{url}");
        let media_type = answer.headers()["content-type"].to_str().expect("ASCII").to_owned();
        assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Self::parse(&answer.text().await.expect("text"))
    }

    fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        let mut seen = BTreeSet::new();
        let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("no end: {text}"));
        for line in body.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                scrape.comment(comment);
                continue;
            }
            let sample = Sample::parse(line).unwrap_or_else(|| panic!("no sample: {line}"));
            assert!(scrape.family(&sample.name).is_some(), "{} has no type", sample.name);
            assert!(seen.insert((sample.name.clone(), sample.labels.clone())), "twice: {line}");
            scrape.samples.push(sample);
        }
        scrape
    }

    fn comment(&mut self, comment: &str) {
        let (keyword, rest) = comment.split_once(' ').expect("a keyword");
        let (name, text) = rest.split_once(' ').expect("a name");
        let first = match keyword {
            "TYPE" => self.types.insert(name.to_owned(), text.to_owned()).is_none(),
            "HELP" => self.help.insert(name.to_owned(), text.to_owned()).is_none(),
            // The unit is the last word of the name.
            "UNIT" => name.ends_with(&format!("_{text}")),
            _ => panic!("# {comment}"),
        };
        assert!(first, "# {comment}");
    }

    /// The family that a sample of this name belongs to.
    pub fn family(&self, sample: &str) -> Option<&str> {
        let suffixes: [(&str, &[&str]); 4] = [
            ("counter", &["_total"]),
            ("histogram", &["_bucket", "_count", "_sum"]),
            ("info", &["_info"]),
            ("gauge", &[""]),
        ];
        let of = |(name, kind): (&String, &String)| {
            let (_, suffixes) = suffixes.iter().find(|(of, _)| of == kind)?;
            suffixes.iter().any(|suffix| sample == format!("{name}{suffix}")).then_some(())
        };
        self.types.iter().find(|family| of(*family).is_some()).map(|(name, _)| name.as_str())
    }

    /// The samples of this name that have these labels, and perhaps others.
    pub fn matching(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        let has =
            |sample: &Sample| labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value));
        self.samples.iter().filter(|sample| sample.name == name && has(sample)).collect()
    }

    /// The values of such samples, added up. None are 0: what never happened need not be there.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).iter().map(|sample| sample.value).sum()
    }
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let (head, value) = line.rsplit_once(' ')?;
        let (name, labels) = head.split_once('{').unwrap_or((head, "}"));
        let mut rest = labels.strip_suffix('}')?;
        let mut labels = BTreeMap::new();
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, after) = quoted(after)?;
            labels.insert(key.to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        let value = if value == "+Inf" { f64::INFINITY } else { value.parse().ok()? };
        rest.is_empty().then_some(Self { name: name.to_owned(), labels, value })
    }
}

/// Up to the quote that ends it, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_looks_like() {
        let text = "# HELP a Some\n# TYPE a counter\na_total{x=\"1\",y=\"a \\\"b\\\" {c}\"} 2\na_total{x=\"2\"} 3.5\n\
                    # HELP b Other\n# TYPE b gauge\nb 7\n# EOF\n";
        let scrape = Scrape::parse(text);
        assert_eq!(scrape.sum("a_total", &[]), 5.5);
        assert_eq!(scrape.matching("a_total", &[("x", "1")])[0].labels["y"], "a \"b\" {c}");
        assert_eq!((scrape.sum("b", &[]), scrape.family("a_total")), (7.0, Some("a")));
    }
}
