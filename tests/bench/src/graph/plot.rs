//! The plot of cost against work, as SVG: both axes logarithmic.

use std::fmt::Write;

use super::cost::Point;
use crate::figures::median;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 620.0;
/// Around the axes, for labels: left, top, right, bottom.
const MARGIN: [f64; 4] = [86.0, 78.0, 48.0, 62.0];
const BASELINE: &str = "#b3541e";
const OURS: &str = "#1f6fb2";
const BOUND: &str = "#222222";

/// Powers of ten around all values.
struct Axis {
    from: i32,
    to: i32,
    start: f64,
    length: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64> + Clone, start: f64, length: f64) -> Self {
        let least = values.clone().fold(f64::MAX, f64::min);
        let most = values.fold(f64::MIN_POSITIVE, f64::max);
        let (from, to) = (least.min(most).log10().floor() as i32, most.log10().ceil() as i32);
        Self { from, to: to.max(from + 1), start, length }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + self.length * (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from)
    }
}

/// `10^n` nanoseconds, as it is read.
fn duration(exponent: i32) -> String {
    let (unit, of) = match exponent {
        ..=2 => ("ns", 0),
        3..=5 => ("µs", 3),
        6..=8 => ("ms", 6),
        _ => ("s", 9),
    };
    format!("{} {unit}", 10_f64.powi(exponent - of))
}

fn count(exponent: i32) -> String {
    crate::report::whole(10_f64.powi(exponent))
}

pub fn draw(title: &str, points: &[Point]) -> String {
    let points: Vec<&Point> = points.iter().filter(|point| point.edges > 0).collect();
    let [left, top, right, bottom] = MARGIN;
    let x = Axis::around(points.iter().map(|point| point.edges as f64), left, WIDTH - left - right);
    // In nanoseconds, from the bottom to the top.
    let times = points.iter().flat_map(|p| [p.ours, p.bound].into_iter().chain(p.plain)).map(|us| us * 1e3);
    let y = Axis::around(times, HEIGHT - bottom, top + bottom - HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"24\" font-size=\"17\">{title}</text>\n"
    );
    axes(&mut svg, &x, &y);
    let mut dots = |colour: &str, time: &dyn Fn(&Point) -> Option<f64>| {
        let _ = writeln!(svg, "<g fill=\"{colour}\" fill-opacity=\"0.55\">");
        for point in &points {
            if let Some(time) = time(point) {
                let (x, y) = (x.at(point.edges as f64), y.at(time * 1e3));
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\"/>");
            }
        }
        svg.push_str("</g>\n");
    };
    dots(BASELINE, &|point| point.plain);
    dots(OURS, &|point| Some(point.ours));
    let each = median(&points.iter().map(|point| 1e3 * point.bound / point.edges as f64).collect::<Vec<_>>());
    line(&mut svg, &x, &y, each);
    legend(&mut svg, left, top - 22.0, each);
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, x: &Axis, y: &Axis) {
    let [left, top, right, bottom] = MARGIN;
    let (end, base) = (WIDTH - right, HEIGHT - bottom);
    svg.push_str("<g stroke=\"#dddddd\">\n");
    for exponent in x.from..=x.to {
        let at = x.at(10_f64.powi(exponent));
        let _ = writeln!(svg, "<path d=\"M{at:.1} {top}V{base}\"/>");
    }
    for exponent in y.from..=y.to {
        let at = y.at(10_f64.powi(exponent));
        let _ = writeln!(svg, "<path d=\"M{left} {at:.1}H{end}\"/>");
    }
    svg.push_str("</g>\n");
    let _ = writeln!(svg, "<path d=\"M{left} {top}V{base}H{end}\" fill=\"none\" stroke=\"black\"/>");
    for exponent in x.from..=x.to {
        let (at, label) = (x.at(10_f64.powi(exponent)), count(exponent));
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", base + 20.0);
    }
    for exponent in y.from..=y.to {
        let (at, label) = (y.at(10_f64.powi(exponent)) + 5.0, duration(exponent));
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{at:.1}\" text-anchor=\"end\">{label}</text>", left - 8.0);
    }
    let (middle, low) = (f64::midpoint(left, end), HEIGHT - 14.0);
    let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">two-hop edges of the person</text>");
    let upright = f64::midpoint(top, base);
    let _ = writeln!(
        svg,
        "<text transform=\"translate(20 {upright}) rotate(-90)\" text-anchor=\"middle\">time of a recommendation</text>"
    );
}

/// Where each edge costs `each` nanoseconds.
fn line(svg: &mut String, x: &Axis, y: &Axis, each: f64) {
    // Within both axes.
    let least = 10_f64.powi(x.from).max(10_f64.powi(y.from) / each);
    let most = 10_f64.powi(x.to).min(10_f64.powi(y.to) / each);
    let [from, to] = [least, most].map(|edges| format!("{:.1} {:.1}", x.at(edges), y.at(edges * each)));
    let _ = writeln!(svg, "<path d=\"M{from}L{to}\" stroke=\"{BOUND}\" stroke-width=\"1.6\"/>");
}

/// In one line above the plot.
fn legend(svg: &mut String, x: f64, y: f64, each: f64) {
    for (x, colour, label) in [(x, BASELINE, "hash map of hash sets"), (x + 190.0, OURS, "the worker's graph")] {
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"5\" fill=\"{colour}\"/>", x + 6.0, y - 5.0);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{y}\">{label}</text>", x + 18.0);
    }
    let x = x + 350.0;
    let _ = writeln!(svg, "<path d=\"M{x} {}h20\" stroke=\"{BOUND}\" stroke-width=\"1.6\"/>", y - 5.0);
    let label = format!("the bound: an increment at a random place, {each:.2} ns an edge");
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{y}\">{label}</text>", x + 28.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_units() {
        let labels = [duration(2), duration(3), duration(5), duration(6), duration(9)];
        assert_eq!(labels, ["100 ns", "1 µs", "100 µs", "1 ms", "1 s"]);
        assert_eq!(count(4), "10,000");
        let axis = Axis::around([15.0, 900.0].into_iter(), 0.0, 200.0);
        assert_eq!((axis.at(10.0), axis.at(100.0), axis.at(1000.0)), (0.0, 100.0, 200.0));
    }
}
