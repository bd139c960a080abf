//! What both pictures are made of: a title, two panels with a legend above each, and curves with gaps.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Drawn = Result<(), Box<dyn Error>>;

pub fn error(error: impl Error + 'static) -> Box<dyn Error> {
    Box::new(error)
}

/// A name, a colour, and what is drawn of each thing.
pub type Curve<T> = (&'static str, RGBColor, fn(&T) -> f64);

pub const INK: RGBColor = RGBColor(40, 40, 40);
pub const FAINT: RGBColor = RGBColor(225, 225, 225);
pub const GREY: RGBColor = RGBColor(150, 150, 150);
/// Colours that the colour-blind can tell apart (Okabe and Ito).
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const SKY: RGBColor = RGBColor(86, 180, 233);
pub const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 130, 95);
pub const RED: RGBColor = RGBColor(190, 0, 60);

const FONT: &str = "sans-serif";
pub const MARGIN: i32 = 20;
/// Room for the numbers and the name of the vertical axis.
const LEFT: u32 = 68;
const BOTTOM: u32 = 46;
const RIGHT: i32 = 28;
const HEAD: u32 = 84;
const LEGEND: u32 = 26;
/// A character's width, of its height: enough to see that two texts do not meet.
const CHARACTER: f64 = 0.54;

pub fn font(size: u32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

pub fn width(text: &str, size: u32) -> i32 {
    (text.chars().count() as f64 * CHARACTER * f64::from(size)).ceil() as i32
}

/// Writes the title and two lines below it, and gives the upper and the lower panel.
pub fn panels<'a>(area: &Area<'a>, title: &str, below: [&str; 2]) -> Result<(Area<'a>, Area<'a>), Box<dyn Error>> {
    area.fill(&WHITE)?;
    area.draw_text(&fitting(title, 19), &font(19), (MARGIN, 12))?;
    for (line, y) in below.into_iter().zip([38, 58]) {
        area.draw_text(&fitting(line, 13), &font(13).color(&RGBColor(90, 90, 90)), (MARGIN, y))?;
    }
    let (_, rest) = area.split_vertically(HEAD);
    let height = rest.dim_in_pixel().1;
    Ok(rest.split_vertically(height * 11 / 20))
}

/// Room for a chart's axes and their names.
pub fn chart<'a, 'b>(panel: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(panel);
    chart.x_label_area_size(BOTTOM).y_label_area_size(LEFT);
    chart.margin_left(MARGIN).margin_right(RIGHT).margin_top(8).margin_bottom(4);
    chart
}

/// As much of a text as the picture is wide.
fn fitting(text: &str, size: u32) -> String {
    let room = super::SIZE.0 as i32 - 2 * MARGIN;
    let most = (f64::from(room) / (CHARACTER * f64::from(size))) as usize;
    match text.chars().count() {
        count if count <= most => text.to_owned(),
        _ => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// How a thing of the legend is drawn.
#[derive(Clone, Copy)]
pub enum Mark {
    Line,
    Dashes,
    Dot,
    Ring,
}

/// Draws the legend of a panel, and gives what is left of it.
pub fn legend<'a>(
    panel: &Area<'a>,
    what: &str,
    entries: &[(&str, RGBColor, Mark)],
) -> Result<Area<'a>, Box<dyn Error>> {
    let (strip, rest) = panel.split_vertically(LEGEND);
    let middle = LEGEND as i32 / 2;
    let style = font(13).pos(Pos::new(HPos::Left, VPos::Center));
    strip.draw_text(what, &style, (MARGIN, middle))?;
    let mut x = 2 * MARGIN + LEFT as i32 + 4;
    for (name, colour, mark) in entries {
        let stroke = colour.stroke_width(2);
        match mark {
            Mark::Line => strip.draw(&PathElement::new([(x, middle), (x + 24, middle)], stroke))?,
            Mark::Dashes => {
                for dash in 0..3 {
                    let from = x + 9 * dash;
                    strip.draw(&PathElement::new([(from, middle), (from + 5, middle)], stroke))?;
                }
            }
            Mark::Ring => strip.draw(&Circle::new((x + 12, middle), 4, *colour))?,
            Mark::Dot => strip.draw(&Circle::new((x + 12, middle), 4, colour.filled()))?,
        }
        strip.draw_text(name, &style, (x + 30, middle))?;
        x += 30 + width(name, 13) + 22;
    }
    Ok(rest)
}

/// Runs of points without a gap.
pub fn runs(points: impl Iterator<Item = (f64, Option<f64>)>) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for (x, y) in points {
        match (y, runs.last_mut()) {
            (Some(y), Some(run)) => run.push((x, y)),
            (None, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Where an axis that grows by factors has its lines: at 1, 2 and 5, or only at 1 where there are many.
pub fn lines(range: &Range<f64>) -> Vec<f64> {
    const WIDE: f64 = 2_000.0;
    let steps: &[f64] = if range.end / range.start > WIDE { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    all.filter(|line| (range.start * 0.999..=range.end * 1.001).contains(line)).collect()
}

/// A range that holds all values with some room, for an axis that grows by factors.
pub fn by_factors(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values.filter(|v| *v > 0.0).fold((f64::MAX, 0.0_f64), |(a, b), v| (a.min(v), b.max(v)));
    match most > 0.0 {
        true => round(least / 1.2, false)..round(most * 1.2, true),
        false => 0.1..10.0,
    }
}

/// The next 1, 2 or 5 with zeros.
pub fn round(value: f64, up: bool) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let found = match up {
        true => steps.into_iter().find(|step| *step >= value * 0.999),
        false => steps.into_iter().rev().find(|step| *step <= value * 1.001),
    };
    found.unwrap_or(value)
}

/// 0.5, 20, 1,000.
pub fn number(value: &f64) -> String {
    if *value >= 1.0 || *value == 0.0 {
        crate::report::text::whole(*value)
    } else {
        // Rounded first: 0.30000000000000004 is 0.3.
        format!("{}", (value * 1e6).round() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        assert_eq!(by_factors([0.7, 33.0].into_iter()), 0.5..50.0);
        assert_eq!(by_factors([0.0].into_iter()), 0.1..10.0);
        assert_eq!((round(1.0, true), round(1.1, true), round(0.9, false)), (1.0, 2.0, 0.5));
    }

    #[test]
    fn lines_are_neither_few_nor_many() {
        assert_eq!(lines(&(5.0..50.0)), [5.0, 10.0, 20.0, 50.0]);
        assert_eq!(lines(&(0.5..500.0)).len(), 10);
        assert_eq!(lines(&(0.1..20_000.0)).len(), 6);
    }

    #[test]
    fn a_gap_ends_a_run() {
        let points = [(0.0, None), (1.0, Some(1.0)), (2.0, Some(2.0)), (3.0, None), (4.0, Some(4.0))];
        assert_eq!(runs(points.into_iter()), [vec![(1.0, 1.0), (2.0, 2.0)], vec![(4.0, 4.0)]]);
    }
}
