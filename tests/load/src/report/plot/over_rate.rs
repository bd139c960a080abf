//! Latency and answers against the rate that a ramp has offered.

use plotters::prelude::*;

use super::canvas::{
    Area, BLUE, Curve, Drawn, FAINT, GREEN, GREY, INK, Mark, ORANGE, RED, by_factors, chart, font, legend, lines,
    number, panels, round,
};
use crate::ramp::ENOUGH;
use crate::report::text::whole;
use crate::report::{Latency, RampReport, Report, StepReport};

const CURVES: [Curve<Latency>; 3] =
    [("p99.9", GREY, |ms| ms.p999), ("p99", ORANGE, |ms| ms.p99), ("p50", BLUE, |ms| ms.p50)];

pub fn draw(area: &Area<'_>, report: &Report, ramp: &RampReport) -> Drawn {
    let title = format!("{}: {}", report.scenario.name, summary(ramp));
    let held = format!(
        "A rate is held when {:.0}% of it is answered, p99 is at most {} ms and no call fails",
        100.0 * ENOUGH,
        ramp.p99_ms
    );
    let (upper, lower) = panels(area, &title, [report.scenario.description.trim(), &held])?;
    let rates = || ramp.steps.iter().map(|step| step.offered_per_second);
    let (first, last) = rates().fold((f64::MAX, 0.0_f64), |(a, b), rate| (a.min(rate), b.max(rate)));
    // Room on both sides, also where there is but one step.
    let room = ((last - first) * 0.05).max(last * 0.05).max(1.0);
    let range = match ramp.steps.is_empty() {
        true => 0.0..1.0,
        false => (first - room).max(0.0)..last + room,
    };
    latency(&upper, ramp, range.clone())?;
    answered(&lower, ramp, range)
}

fn summary(ramp: &RampReport) -> String {
    match ramp.breaking_point {
        Some(point) if ramp.open_end => format!("{} calls/s were held, and more was not tried", whole(point)),
        Some(point) => format!("breaking point {} calls/s", whole(point)),
        None => "breaking point below the first rate".to_owned(),
    }
}

fn latency(panel: &Area<'_>, ramp: &RampReport, rates: std::ops::Range<f64>) -> Drawn {
    let limit = format!("p99 allowed: {} ms", ramp.p99_ms);
    let mut entries: Vec<_> = CURVES.iter().map(|(name, colour, _)| (*name, *colour, Mark::Line)).collect();
    entries.extend([
        ("tried once more", GREY, Mark::Ring),
        (limit.as_str(), RED, Mark::Dashes),
        ("breaking point", GREEN, Mark::Dashes),
    ]);
    let panel = legend(panel, "Latency", &entries)?;
    let all = ramp.steps.iter().filter_map(|step| step.phase.latency_ms);
    let range = by_factors(all.flat_map(|ms| [ms.p50, ms.p999]).chain([ramp.p99_ms]));
    let mut chart =
        chart(&panel).build_cartesian_2d(rates.clone(), range.clone().log_scale().with_key_points(lines(&range)))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .label_style(font(13))
        .x_desc("offered calls/s")
        .y_desc("milliseconds")
        .x_label_formatter(&|value| whole(*value))
        .y_label_formatter(&number)
        .draw()?;
    let allowed = [(rates.start, ramp.p99_ms), (rates.end, ramp.p99_ms)];
    chart.draw_series(DashedLineSeries::new(allowed, 5, 4, RED.stroke_width(1)))?;
    if let Some(point) = ramp.breaking_point {
        let line = [(point, range.start), (point, range.end)];
        chart.draw_series(DashedLineSeries::new(line, 5, 4, GREEN.stroke_width(1)))?;
    }
    for (_, colour, of) in CURVES {
        let at = |step: &StepReport| Some((step.offered_per_second, of(&step.phase.latency_ms?)));
        let line: Vec<_> = ramp.steps.iter().filter(|step| counts(step, ramp)).filter_map(at).collect();
        chart.draw_series(line.iter().map(|at| Circle::new(*at, 3, colour.filled())))?;
        chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        let first_tries = ramp.steps.iter().filter(|step| !counts(step, ramp)).filter_map(at);
        chart.draw_series(first_tries.map(|at| Circle::new(at, 3, colour)))?;
    }
    Ok(())
}

/// Whether it is the last try of its rate.
fn counts(step: &StepReport, ramp: &RampReport) -> bool {
    let of_rate = ramp.steps.iter().filter(|other| other.offered_per_second == step.offered_per_second);
    of_rate.map(|other| other.attempt).max() == Some(step.attempt)
}

fn answered(panel: &Area<'_>, ramp: &RampReport, rates: std::ops::Range<f64>) -> Drawn {
    let entries =
        [("held", GREEN, Mark::Dot), ("not held", RED, Mark::Dot), ("as many as are offered", INK, Mark::Dashes)];
    let panel = legend(panel, "Answers", &entries)?;
    let most = ramp.steps.iter().map(|step| step.phase.answered_per_second).chain([rates.end]).fold(1.0, f64::max);
    let mut chart = chart(&panel).build_cartesian_2d(rates.clone(), 0.0..round(most, true))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .label_style(font(13))
        .x_desc("offered calls/s")
        .y_desc("answers/s")
        .y_labels(6)
        .x_label_formatter(&|value| whole(*value))
        .y_label_formatter(&|value| whole(*value))
        .draw()?;
    let equal = [(rates.start, rates.start), (rates.end, rates.end)];
    chart.draw_series(DashedLineSeries::new(equal, 5, 4, INK.stroke_width(1)))?;
    let dots = ramp.steps.iter().map(|step| {
        let colour = if step.held { GREEN } else { RED };
        Circle::new((step.offered_per_second, step.phase.answered_per_second), 4, colour.filled())
    });
    chart.draw_series(dots)?;
    Ok(())
}
