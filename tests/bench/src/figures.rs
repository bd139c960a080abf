//! Arithmetic on measurements.

/// The middle one; between the two middle ones of an even number. 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The value that this share of the values does not exceed: 0.99 of a hundred is the 99th.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The least and the most. Of none: from the most to the least that there is.
pub fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)))
}

/// 0 where there is nothing to divide by: no ratio is taken for a good one.
pub fn ratio(of: f64, to: f64) -> f64 {
    if to > 0.0 { of / to } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!((median(&[]), median(&[3.0]), median(&[9.0, 1.0, 2.0]), median(&[4.0, 1.0])), (0.0, 3.0, 2.0, 2.5));
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(
            (percentile(&hundred, 0.5), percentile(&hundred, 0.99), percentile(&hundred, 1.0)),
            (50.0, 99.0, 100.0)
        );
        assert_eq!(range(&[2.0, -1.0, 3.0]), (-1.0, 3.0));
        assert_eq!((percentile(&[7.0], 0.01), percentile(&[], 0.5)), (7.0, 0.0));
    }

    #[test]
    fn a_ratio_to_nothing_is_nothing() {
        assert_eq!((ratio(1.0, 2.0), ratio(1.0, 0.0)), (0.5, 0.0));
    }
}
