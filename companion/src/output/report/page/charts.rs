//! Charts as SVG, in the page's colours.

use maud::{Markup, html};

use super::text::percent;
use crate::output::report::{Calibration, Rejection};

/// Side of a chart's square, and the room around it for the axes.
const SIDE: f64 = 240.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 12.0;
const BELOW: f64 = 40.0;

fn x(share: f64) -> f64 {
    LEFT + SIDE * share
}

fn y(share: f64) -> f64 {
    TOP + SIDE * (1.0 - share)
}

/// A square from 0 to 100 % in both directions with its diagonal, and `inside` in it.
fn frame(what: &str, across: &str, up: &str, inside: &Markup) -> Markup {
    let (width, height) = (LEFT + SIDE + 14.0, TOP + SIDE + BELOW);
    html! {
        svg.chart role="img" aria-label=(what) viewBox=(format!("0 0 {width} {height}")) {
            rect.plot x=(LEFT) y=(TOP) width=(SIDE) height=(SIDE) {}
            @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.grid x1=(x(0.0)) x2=(x(1.0)) y1=(y(tick)) y2=(y(tick)) {}
                line.grid y1=(y(0.0)) y2=(y(1.0)) x1=(x(tick)) x2=(x(tick)) {}
                text.tick x=(x(0.0) - 5.0) y=(y(tick) + 3.5) text-anchor="end" { (format!("{:.0} %", 100.0 * tick)) }
                text.tick x=(x(tick)) y=(y(0.0) + 14.0) text-anchor="middle" { (format!("{:.0} %", 100.0 * tick)) }
            }
            line.diagonal x1=(x(0.0)) y1=(y(0.0)) x2=(x(1.0)) y2=(y(1.0)) {}
            (inside)
            text.axis x=(x(0.5)) y=(y(0.0) + 32.0) text-anchor="middle" { (across) }
            text.axis transform=(format!("translate(11 {}) rotate(-90)", y(0.5))) text-anchor="middle" { (up) }
        }
    }
}

/// Accuracy over confidence. Bars that stand for fewer photos are fainter.
pub fn reliability(calibration: &Calibration) -> Markup {
    let most = calibration.bins.iter().map(|b| b.images).max().unwrap_or(0).max(1) as f64;
    let width = 1.0 / calibration.bins.len() as f64;
    let bars = html! {
        @for (i, bin) in calibration.bins.iter().enumerate().filter(|(_, bin)| bin.images > 0) {
            @let opacity = format!("{:.2}", 0.25 + 0.75 * (bin.images as f64 / most).sqrt());
            g {
                title {
                    (bin.images) " photos of " (percent(bin.confidence)) " confidence, " (percent(bin.accuracy)) " right"
                }
                rect.right x=(format!("{:.1}", x(i as f64 * width) + 1.0)) y=(format!("{:.1}", y(bin.accuracy)))
                    width=(format!("{:.1}", SIDE * width - 2.0)) height=(format!("{:.1}", SIDE * bin.accuracy))
                    fill-opacity=(opacity) {}
                circle.wrong cx=(format!("{:.1}", x(bin.confidence))) cy=(format!("{:.1}", y(bin.accuracy))) r="3" {}
            }
        }
    };
    let what = format!("Accuracy over confidence; the expected calibration error is {}", percent(calibration.ece));
    frame(&what, "confidence", "right", &bars)
}

/// True accepts over false accepts, with the threshold of the release.
pub fn roc(rejection: &Rejection) -> Markup {
    let mut path = format!("M{:.1} {:.1}", x(0.0), y(0.0));
    for point in &rejection.curve {
        path += &format!(" L{:.1} {:.1}", x(point.false_accepts), y(point.true_accepts));
    }
    let (false_accepts, true_accepts) = (rejection.false_accepts.share, rejection.true_accepts.share);
    let (across, up) = (x(false_accepts), y(true_accepts));
    // The text is placed where the square is emptier.
    let (words, anchor) = if false_accepts < 0.5 { (across + 9.0, "start") } else { (across, "middle") };
    let curve = html! {
        path.curve d=(path) {}
        line.limit x1=(x(0.0)) x2=(x(1.0)) y1=(y(0.95)) y2=(y(0.95)) { title { "95 % of the known are accepted" } }
        circle.threshold cx=(format!("{across:.1}")) cy=(format!("{up:.1}")) r="5" { title { "the threshold in force" } }
        text.tick x=(format!("{words:.1}")) y=(format!("{:.1}", up + 19.0)) text-anchor=(anchor) { "in force" }
    };
    let what = format!(
        "True accepts over false accepts; the area below is {:.3}, the threshold in force accepts {} of the known and {} of \
         the unknown",
        rejection.auroc,
        percent(true_accepts),
        percent(false_accepts)
    );
    frame(&what, "unknown products accepted", "known products accepted", &curve)
}
