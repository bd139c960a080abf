//! Latency and rate over the time of a run.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{
    Area, BLUE, Curve, Drawn, FAINT, GREEN, GREY, INK, Mark, ORANGE, RED, SKY, by_factors, chart, font, legend, lines,
    number, panels, round, runs, width,
};
use crate::record::{Percentiles, Point};
use crate::report::text::whole;
use crate::report::{PhaseReport, Report};
use crate::scenario::Model;

const CURVES: [Curve<Percentiles>; 4] =
    [("max", GREY, |ms| ms.max), ("p99", ORANGE, |ms| ms.p99), ("p90", SKY, |ms| ms.p90), ("p50", BLUE, |ms| ms.p50)];

/// A phase, and when it begins: the time between two phases, in which read models catch up, is left out.
struct Span<'a> {
    phase: &'a PhaseReport,
    from: f64,
    to: f64,
}

pub fn draw(area: &Area<'_>, report: &Report) -> Drawn {
    let mut end = 0.0;
    let spans: Vec<Span<'_>> = report
        .phases
        .iter()
        .map(|phase| {
            let from = end;
            end += phase.timeline.last().map_or(phase.seconds, |point| point.seconds.max(phase.seconds));
            Span { phase, from, to: end }
        })
        .collect();
    let names = spans.iter().zip(1..).map(|(span, n)| format!("{n} {}", span.phase.name));
    let phases = format!("Phases: {}", names.collect::<Vec<_>>().join(" · "));
    let (upper, lower) = panels(area, &report.scenario.name, [report.scenario.description.trim(), &phases])?;
    let end = end.max(0.001);
    latency(&upper, &spans, end)?;
    rate(&lower, &spans, end)
}

fn latency(panel: &Area<'_>, spans: &[Span<'_>], end: f64) -> Drawn {
    let entries = CURVES.map(|(name, colour, _)| (name, colour, Mark::Line));
    let panel = legend(panel, "Latency", &entries)?;
    let points = || spans.iter().flat_map(|span| &span.phase.timeline).filter_map(|point| point.latency_ms);
    let range = by_factors(points().flat_map(|ms| [ms.p50, ms.max]));
    let mut chart =
        chart(&panel).build_cartesian_2d(0.0..end, range.clone().log_scale().with_key_points(lines(&range)))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .label_style(font(13))
        .x_desc("seconds, without the time between phases")
        .x_label_formatter(&number)
        .y_desc("milliseconds")
        .y_label_formatter(&number)
        .draw()?;
    for (_, colour, of) in CURVES {
        for span in spans {
            let curve =
                span.phase.timeline.iter().map(|point| (span.from + point.seconds, point.latency_ms.as_ref().map(of)));
            draw_runs(&mut chart, runs(curve), colour)?;
        }
    }
    for (span, n) in spans.iter().zip(1..) {
        if span.from > 0.0 {
            chart.draw_series([PathElement::new([(span.from, range.start), (span.from, range.end)], GREY)])?;
        }
        let name = n.to_string();
        let (left, top) = chart.backend_coord(&(span.from, range.end));
        let room = chart.backend_coord(&(span.to, range.end)).0 - left;
        // Where it is too short for a number, its neighbours' say which it is.
        if room > width(&name, 13) + 6 {
            let style = font(13).pos(Pos::new(HPos::Center, VPos::Top));
            let (x, y) = panel.get_base_pixel();
            panel.draw_text(&name, &style, (left + room / 2 - x, top + 3 - y))?;
        }
    }
    Ok(())
}

type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>;

fn draw_runs<Y>(chart: &mut Chart<'_, '_, Y>, runs: Vec<Vec<(f64, f64)>>, colour: RGBColor) -> Drawn
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    for run in runs {
        // A line of one point would not be seen.
        match run[..] {
            [one] => chart.draw_series([Circle::new(one, 2, colour.filled())])?,
            _ => chart.draw_series(LineSeries::new(run, colour.stroke_width(2)))?,
        };
    }
    Ok(())
}

fn rate(panel: &Area<'_>, spans: &[Span<'_>], end: f64) -> Drawn {
    let offered = |span: &Span<'_>| match span.phase.model {
        Model::Open { per_second, .. } => Some(per_second),
        Model::Closed { .. } => None,
    };
    let failed = |points: &[Point]| points.iter().any(|point| point.failed > 0);
    let mut entries = vec![("answered", GREEN, Mark::Line)];
    if spans.iter().any(|span| offered(span).is_some()) {
        entries.push(("offered", INK, Mark::Dashes));
    }
    if spans.iter().any(|span| failed(&span.phase.timeline)) {
        entries.push(("failed", RED, Mark::Dot));
    }
    let panel = legend(panel, "Rate", &entries)?;
    let answered = spans.iter().flat_map(|span| &span.phase.timeline).map(|point| point.per_second);
    let most = answered.chain(spans.iter().filter_map(offered)).fold(1.0, f64::max);
    let mut chart = chart(&panel).build_cartesian_2d(0.0..end, 0.0..round(most * 1.05, true))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .label_style(font(13))
        .x_desc("seconds, without the time between phases")
        .x_label_formatter(&number)
        .y_desc("calls/s")
        .y_labels(6)
        .y_label_formatter(&|value| whole(*value))
        .draw()?;
    for span in spans {
        let curve = span.phase.timeline.iter().map(|point| (span.from + point.seconds, Some(point.per_second)));
        draw_runs(&mut chart, runs(curve), GREEN)?;
        if let Some(offered) = offered(span) {
            let line = [(span.from, offered), (span.from + span.phase.seconds, offered)];
            chart.draw_series(DashedLineSeries::new(line, 5, 4, INK.stroke_width(2)))?;
        }
        let mut since = 0.0;
        for point in &span.phase.timeline {
            let seconds = point.seconds - since;
            since = point.seconds;
            if point.failed > 0 && seconds > 0.0 {
                let at = (span.from + point.seconds, point.failed as f64 / seconds);
                chart.draw_series([Circle::new(at, 3, RED.filled())])?;
            }
        }
    }
    Ok(())
}
