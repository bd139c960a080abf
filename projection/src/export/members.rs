//! Who is in an export: everybody, or a set of people by index, one bit each.

const BITS: u32 = u64::BITS;

pub enum Members {
    /// Everybody with a smaller index.
    Everybody(u32),
    Only(Vec<u64>),
}

impl Members {
    /// Nobody yet, of so many.
    pub fn nobody(people: u32) -> Self {
        Self::Only(vec![0; people.div_ceil(BITS) as usize])
    }

    pub fn insert(&mut self, index: u32) {
        if let Self::Only(words) = self {
            words[(index / BITS) as usize] |= 1 << (index % BITS);
        }
    }

    pub fn contains(&self, index: u32) -> bool {
        match self {
            Self::Everybody(people) => index < *people,
            Self::Only(words) => words.get((index / BITS) as usize).is_some_and(|word| word >> (index % BITS) & 1 == 1),
        }
    }

    /// The first of them from `index` on.
    pub fn from(&self, index: u32) -> Option<u32> {
        let Self::Only(words) = self else {
            return Some(index).filter(|&index| self.contains(index));
        };
        let first = (index / BITS) as usize;
        let rest = words.get(first)? >> (index % BITS);
        if rest != 0 {
            return Some(index + rest.trailing_zeros());
        }
        let later = words[first + 1..].iter().position(|&word| word != 0)?;
        let at = first + 1 + later;
        Some(at as u32 * BITS + words[at].trailing_zeros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_through_them_in_order() {
        let mut members = Members::nobody(200);
        let all = [0, 1, 63, 64, 130, 199];
        all.iter().rev().for_each(|&index| members.insert(index));
        let walk = |members: &Members| {
            std::iter::successors(members.from(0), |&last| members.from(last + 1)).collect::<Vec<_>>()
        };
        assert_eq!(walk(&members), all);
        assert!((0..300).all(|index| members.contains(index) == all.contains(&index)));
        assert_eq!(walk(&Members::Everybody(3)), [0, 1, 2]);
        assert!(walk(&Members::nobody(0)).is_empty());
    }
}
