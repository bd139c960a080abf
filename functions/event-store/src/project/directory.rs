//! People by name. Each person stands in the index twice, as `first last` and as `last first`, in lower case.

use domain::{Recorded, event::Event};

use super::{Projection, Write};

pub struct Directory;

/// Ends a name in an index entry, and what follows it. No name holds a control character.
pub(crate) const MARK: char = '\u{1f}';

impl Projection for Directory {
    const NAME: &'static str = "directory";

    fn project(generation: &str, event: &Recorded) -> Vec<Write> {
        let Event::User(changed) = &event.event else { return Vec::new() };
        let user = changed.user();
        let (first, last) = (fold(user.first_name.as_str()), fold(user.last_name.as_str()));
        let id = user.id.to_string();
        let entries = vec![format!("{first} {last}{MARK}f{MARK}{id}"), format!("{last} {first}{MARK}l{MARK}{id}")];
        vec![
            Write::Reindex {
                index: format!("directory:{generation}:index"),
                entries_key: format!("directory:{generation}:entries"),
                id: id.clone(),
                entries,
            },
            Write::Put { key: format!("directory:{generation}:people"), field: id, value: event.event.data() },
        ]
    }
}

/// What is compared: lower case, and the two small sigmas are one letter. A prefix does not know yet whether its last letter is
/// the last one of the word.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}
