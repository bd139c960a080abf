//! What two sorted lists have in common.

use super::rows::Slices;

/// From this ratio of lengths on, searching the longer list for each of the shorter beats walking through both.
const GALLOP_FROM: usize = 16;

/// The elements of both lists, ascending. `lengths` are those of the lists.
pub fn intersect(left: Slices<'_>, right: Slices<'_>, lengths: [usize; 2]) -> Vec<u32> {
    let [short, long] = if lengths[0] <= lengths[1] { [left, right] } else { [right, left] };
    let gallops = lengths[0].max(lengths[1]) / GALLOP_FROM >= lengths[0].min(lengths[1]);
    let mut common = Vec::new();
    let mut long = long;
    let mut rest = long.next().unwrap_or_default();
    for mut run in short {
        while let (Some(&first), Some(&last)) = (run.first(), rest.last()) {
            if last < first {
                rest = long.skip_to(first).unwrap_or_default();
                continue;
            }
            let taken = if gallops { gallop(run, rest, &mut common) } else { merge(run, rest, &mut common) };
            run = &run[taken[0]..];
            rest = &rest[taken[1]..];
            if rest.is_empty() {
                rest = long.next().unwrap_or_default();
            }
        }
    }
    common
}

/// Walks through both; says how far it came in each when one of them ended.
fn merge(short: &[u32], long: &[u32], common: &mut Vec<u32>) -> [usize; 2] {
    let (mut i, mut j) = (0, 0);
    while i < short.len() && j < long.len() {
        let (a, b) = (short[i], long[j]);
        if a == b {
            common.push(a);
        }
        // Without branches: which of the two is smaller cannot be predicted.
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    [i, j]
}

/// Searches the long one for each of the short one, in growing steps from where the last was found.
fn gallop(short: &[u32], long: &[u32], common: &mut Vec<u32>) -> [usize; 2] {
    let mut j = 0;
    for (i, &wanted) in short.iter().enumerate() {
        let mut step = 1;
        while j + step < long.len() && long[j + step] < wanted {
            j += step;
            step *= 2;
        }
        let end = (j + step + 1).min(long.len());
        j += long[j..end].partition_point(|&other| other < wanted);
        if j == long.len() {
            return [i, j];
        }
        if long[j] == wanted {
            common.push(wanted);
        }
    }
    [short.len(), j]
}
