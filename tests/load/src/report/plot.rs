//! The report as a picture: latency and rate over time, or against the offered rate where there was a ramp.

mod canvas;
mod over_rate;
mod over_time;

use anyhow::{Result, anyhow};
use plotters::prelude::{IntoDrawingArea, SVGBackend};

use super::Report;

/// What a browser window shows without scrolling.
const SIZE: (u32, u32) = (1_000, 700);

pub fn svg(report: &Report) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        match &report.ramp {
            Some(ramp) => over_rate::draw(&area, report, ramp),
            None => over_time::draw(&area, report),
        }
        .and_then(|()| area.present().map_err(canvas::error))
        .map_err(|error| anyhow!("{error}"))?;
    }
    Ok(svg)
}
