//! Which component answers a path. The most specific route wins, segment by segment: a fixed segment before
//! `:name` before the trailing `/...`, as in Spin's router.

use anyhow::{Result, bail};

/// A tree of path segments. A lookup costs a step a segment, and allocates only for what it captures.
#[derive(Debug)]
pub struct Router<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    fixed: Vec<(String, Node<T>)>,
    parameter: Option<Box<Node<T>>>,
    /// A route that ends here.
    end: Option<Leaf<T>>,
    /// A route that ends here with `/...`.
    rest: Option<Leaf<T>>,
}

#[derive(Debug)]
struct Leaf<T> {
    route: String,
    target: T,
}

/// The outcome of a lookup.
#[derive(Debug, PartialEq)]
pub struct Match<'r, 'p, T> {
    pub target: &'r T,
    /// The values of the `:name` segments, in their order.
    pub captures: Vec<&'p str>,
    /// What `/...` stands for; `None` for another route.
    pub rest: Option<&'p str>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { fixed: Vec::new(), parameter: None, end: None, rest: None }
    }
}

impl<T> Router<T> {
    pub fn new() -> Self {
        Self { root: Node::default() }
    }

    pub fn add(&mut self, route: &str, target: T) -> Result<()> {
        if !route.starts_with('/') {
            bail!("the route {route:?} must start with '/'");
        }
        let (path, wildcard) = match route.strip_suffix("/...") {
            Some(path) => (path, true),
            None => (route, false),
        };
        let mut node = &mut self.root;
        for segment in segments(path) {
            node = node.child(route, segment)?;
        }
        let slot = if wildcard { &mut node.rest } else { &mut node.end };
        if let Some(taken) = slot {
            bail!("the route {route:?} is there twice (the other is {:?})", taken.route);
        }
        *slot = Some(Leaf { route: route.to_string(), target });
        Ok(())
    }

    pub fn find<'p>(&self, path: &'p str) -> Option<Match<'_, 'p, T>> {
        let mut captures = Vec::new();
        // Spin ignores slashes at both ends.
        let (leaf, rest) = self.root.find(path.trim_matches('/'), &mut captures)?;
        let rest = rest.map(|rest| with_its_slashes(path, rest));
        Some(Match { target: &leaf.target, captures, rest })
    }
}

/// The names of a route's `:name` segments, in their order.
pub fn parameter_names(route: &str) -> impl Iterator<Item = &str> {
    segments(route).filter_map(|segment| segment.strip_prefix(':'))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_matches('/').split('/').filter(|s| !s.is_empty())
}

/// The end of `path` that `rest` is, with the slash before it and the slash after it, if any.
fn with_its_slashes<'p>(path: &'p str, rest: &'p str) -> &'p str {
    if rest.is_empty() {
        return if path.ends_with('/') { "/" } else { "" };
    }
    let start = rest.as_ptr() as usize - path.as_ptr() as usize;
    let end = start + rest.len();
    let trailing = usize::from(path[end..].starts_with('/'));
    &path[start - 1..end + trailing]
}

impl<T> Node<T> {
    fn child(&mut self, route: &str, segment: &str) -> Result<&mut Self> {
        if let Some(name) = segment.strip_prefix(':') {
            let usable = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(usable) {
                bail!("the route {route:?}: ':' must be followed by a name of letters, digits, '_' and '-'");
            }
            return Ok(self.parameter.get_or_insert_default());
        }
        if segment == "..." || segment.contains('*') {
            bail!("the route {route:?}: '...' must be its last segment, and '*' is not supported");
        }
        let index = match self.fixed.iter().position(|(s, _)| s == segment) {
            Some(index) => index,
            None => {
                self.fixed.push((segment.to_string(), Self::default()));
                self.fixed.len() - 1
            }
        };
        Ok(&mut self.fixed[index].1)
    }

    /// `path` is what is left of the path, without a slash before or after it.
    fn find<'p>(&self, path: &'p str, captures: &mut Vec<&'p str>) -> Option<(&Leaf<T>, Option<&'p str>)> {
        if path.is_empty()
            && let Some(leaf) = &self.end
        {
            return Some((leaf, None));
        }
        let found = if path.is_empty() { None } else { self.descend(path, captures) };
        found.or_else(|| self.rest.as_ref().map(|leaf| (leaf, Some(path))))
    }

    fn descend<'p>(&self, path: &'p str, captures: &mut Vec<&'p str>) -> Option<(&Leaf<T>, Option<&'p str>)> {
        let (segment, tail) = path.split_once('/').unwrap_or((path, &path[path.len()..]));
        if let Some((_, node)) = self.fixed.iter().find(|(s, _)| s == segment)
            && let Some(found) = node.find(tail, captures)
        {
            return Some(found);
        }
        let node = self.parameter.as_ref()?;
        captures.push(segment);
        let found = node.find(tail, captures);
        if found.is_none() {
            captures.pop();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&'static str]) -> Router<&'static str> {
        let mut router = Router::new();
        for route in routes {
            router.add(route, *route).expect("valid");
        }
        router
    }

    #[test]
    fn unmatched_paths() {
        let router = router(&["/a", "/a/:id/b", "/c/..."]);
        for path in ["/", "", "/a/1", "/b", "/a/1/c", "/aa", "/a/1/b/c", "/A"] {
            assert_eq!(router.find(path), None, "{path}");
        }
    }

    #[test]
    fn refused_routes() {
        let mut router = router(&["/a/:id", "/b/..."]);
        for bad in ["a", "/a/:other", "/b/...", "/:", "/x/.../y", "/*", "/a/:id/"] {
            let error = router.add(bad, "x").expect_err(bad).to_string();
            assert!(error.contains(bad), "{error}");
        }
    }

    #[test]
    fn the_most_specific_route_wins() {
        let router = router(&["/...", "/user/:id", "/user/me", "/user/:id/friends", "/user/me/...", "/user"]);
        for (path, route) in [
            ("/", "/..."),
            ("/user", "/user"),
            ("/user/", "/user"),
            ("/user/1", "/user/:id"),
            ("/user/me", "/user/me"),
            ("/user/me/friends", "/user/me/..."),
            ("/user/1/friends", "/user/:id/friends"),
            ("/user/1/enemies", "/..."),
            ("/other", "/..."),
        ] {
            assert_eq!(router.find(path).map(|m| *m.target), Some(route), "{path}");
        }
    }

    #[test]
    fn captures() {
        let router = router(&["/u/:id/f/:other", "/files/..."]);
        assert_eq!(router.find("/u/1/f/a.b").expect("matches").captures, ["1", "a.b"]);
        for (path, rest) in [("/files", ""), ("/files/", "/"), ("/files/a/b", "/a/b"), ("/files/a/", "/a/")] {
            assert_eq!(router.find(path).expect("matches").rest, Some(rest));
        }
        assert_eq!(parameter_names("/u/:id/f/:other").collect::<Vec<_>>(), ["id", "other"]);
    }
}
