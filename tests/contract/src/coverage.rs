//! Which documented answers have been seen.

use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeSet<(String, u16)>);

impl Coverage {
    pub fn note(&mut self, operation: &str, status: u16) {
        self.0.insert((operation.to_owned(), status));
    }

    /// Those of the documented ones that nobody has seen, readably.
    pub fn missing(&self, documented: &[(String, u16)]) -> Vec<String> {
        let unseen = documented.iter().filter(|answer| !self.0.contains(*answer));
        unseen.map(|(operation, status)| format!("{operation} {status}")).collect()
    }
}
