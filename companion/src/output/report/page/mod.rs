//! The report as one HTML file without scripts, fonts or anything from elsewhere; photos and charts are inside.
//!
//! The template escapes photos' names and labels, and the page's own policy forbids scripts.

mod charts;
mod matrix;
mod text;
mod thumbnail;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::photos::Seen;
use super::{Input, Product, Report, Share};
use text::{count, name, percent, plural, short};

/// How many entries a list shows; the rest is folded away or only in the JSON.
const ADVICE: usize = 12;
const WORST: usize = 24;
const SUSPECTS: usize = 12;
const NEIGHBOURS: usize = 4;
const GROUPS: usize = 12;
const GROUP: usize = 6;
const CONFUSIONS: usize = 20;

const STYLE: &str = include_str!("style.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The page of a report. `input` is what the report was computed from, with the photos to show.
pub fn html(report: &Report, input: &Input) -> String {
    let pictures = thumbnail::all(input, shown(report));
    let title = format!("{} {}: training report", input.channel, input.version);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (name(input.channel)) }
                    p.muted {
                        "Version " (name(input.version)) ", trained " (input.trained_at) " on backbone "
                        (name(input.backbone)) "."
                    }
                    (figures(report, input))
                }
                main {
                    (promises(input))
                    (advice(report))
                    (suspects(report, &pictures))
                    (worst(report, &pictures))
                    (confusion(report, input))
                    (products(report))
                    (calibration(report))
                    (rejection(report))
                    (duplicates(report, &pictures))
                    (attributes(report))
                    (notes(report))
                }
            }
        }
    }
    .into_string()
}

type Pictures = BTreeMap<usize, String>;

/// The indices of the photos that the page shows.
fn shown(report: &Report) -> Vec<usize> {
    let worst = report.worst.iter().take(WORST).map(|w| &w.seen);
    let suspects = report.mislabelled.iter().take(SUSPECTS);
    let suspects = suspects.flat_map(|s| std::iter::once(&s.seen).chain(s.neighbours.iter().take(NEIGHBOURS)));
    let groups = report.duplicates.iter().take(GROUPS).flat_map(|g| g.photos.iter().take(GROUP));
    worst.chain(suspects).chain(groups).map(|seen| seen.index).collect()
}

fn figures(report: &Report, input: &Input) -> Markup {
    let figure = |value: String, what: &str, more: String| {
        html! { div.figure { b { (value) } span { (what) } small { (more) } } }
    };
    html! {
        div.figures {
            @if let Some(expected) = &input.expected {
                (figure(percent(expected.share), "right at first on another day",
                    format!("{}–{}", percent(expected.low).trim_end_matches("\u{a0}%"), percent(expected.high))))
            }
            @if let Some(accuracy) = &report.accuracy {
                (figure(percent(accuracy.top1.share), "right at first, of these photos", interval(&accuracy.top1)))
                (figure(percent(accuracy.top5.share), "among the first five", interval(&accuracy.top5)))
                (figure(percent(accuracy.mean_recall), "mean of the products", "each counts the same".into()))
            }
            @if let Some(calibration) = &report.calibration {
                (figure(percent(calibration.ece), "calibration error", "0 is best".into()))
            }
            @if let Some(rejection) = &report.rejection {
                @let more = format!("{} false accepts at 95 %", percent(rejection.fpr95));
                (figure(format!("{:.2}", rejection.auroc), "AUROC of unknown products", more))
            }
            (figure(count(input.labels.len()), plural(input.labels.len(), "product", "products"),
                format!("{} {}", count(input.photos.len()), plural(input.photos.len(), "photo", "photos"))))
        }
        @match &report.accuracy {
            Some(accuracy) => p.muted {
                "Measured on " (count(accuracy.top1.of)) " photos that the measured model had not seen. Below them: 95 % \
                 intervals (Wilson 1927), which take photos as independent; photos taken in a row are not, so expect \
                 somewhat less from other photos."
            },
            None => p.muted {
                "The accuracy was not measured: that takes two products, and a second photo of one of them."
            },
        }
    }
}

/// What a match takes, and how many photos get one.
fn promises(input: &Input) -> Markup {
    if input.promises.is_empty() {
        return html! {};
    }
    let is_own = |precision: f32| input.match_precision.is_some_and(|own| (precision - own).abs() < 1e-6);
    html! {
        section #promises {
            h2 { "What a match promises" }
            p.muted {
                "On photos that stand for another day: models that learnt from some of each product's photos answered the \
                 others. An app may ask for each of these promises when it recognises. Where nothing is told as measured, \
                 there were too few photos to promise so much (a promise takes eight or more of most products): a match then needs the confidence itself."
            }
            table {
                tr { th { "Right matches" } th { "Confidence" } th { "Photos with a match" } th { "Measured" } }
                @for promise in input.promises {
                    tr {
                        td {
                            (format!("{:.1}\u{a0}%", 100.0 * promise.precision))
                            @if is_own(promise.precision) { " (default)" }
                        }
                        td { (format!("{:.2}", promise.confidence)) }
                        td { (promise.coverage.map_or("–".into(), percent)) }
                        td { (promise.interval.map_or("–".into(), |[low, high]| format!("{}–{}", percent(low), percent(high)))) }
                    }
                }
            }
        }
    }
}

fn interval(share: &Share) -> String {
    format!("{}–{}", percent(share.low).trim_end_matches("\u{a0}%"), percent(share.high))
}

fn advice(report: &Report) -> Markup {
    let list = |from: usize, to: usize| {
        html! { ul.advice { @for advice in &report.advice[from..to] { li dir="auto" { (text::visible(&advice.text)) } } } }
    };
    let total = report.advice.len();
    html! {
        section {
            h2 { "What to photograph next" }
            @if total == 0 { p { "Nothing stands out." } } @else { (list(0, total.min(ADVICE))) }
            @if total > ADVICE {
                details { summary { (count(total - ADVICE)) " more" } (list(ADVICE, total)) }
            }
        }
    }
}

fn picture(pictures: &Pictures, seen: &Seen) -> Markup {
    let alt = format!("photo {}", text::visible(&seen.image));
    html! {
        @match pictures.get(&seen.index) {
            Some(data) => img src=(data) alt=(alt) width="144" height="144" loading="lazy";,
            None => div.gone { "cannot be read any more" },
        }
    }
}

fn label(seen: &Seen) -> Markup {
    html! { @match &seen.label { Some(label) => (name(label)), None => i { "no product" } } }
}

fn suspects(report: &Report, pictures: &Pictures) -> Markup {
    if report.mislabelled.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Probably mislabelled" }
            p.muted {
                "The answer contradicts the label and is sure of it, and the photos most like it (the small ones) bear the \
                 answer's label."
            }
            div.cards {
                @for suspect in report.mislabelled.iter().take(SUSPECTS) {
                    figure {
                        (picture(pictures, &suspect.seen))
                        figcaption {
                            span { "labelled " b { (label(&suspect.seen)) } }
                            span { "looks like " b.wrong { (name(&suspect.answer)) } " " (percent(suspect.confidence)) }
                            div.neighbours {
                                @for seen in suspect.neighbours.iter().take(NEIGHBOURS) { (picture(pictures, seen)) }
                            }
                            small { (name(&suspect.seen.image)) }
                        }
                    }
                }
            }
            (left_out(report.mislabelled.len(), SUSPECTS))
        }
    }
}

fn worst(report: &Report, pictures: &Pictures) -> Markup {
    if report.worst.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Worst photos" }
            p.muted { "Held-out photos that were answered wrongly, as the recogniser sees them; the gravest first." }
            div.cards {
                @for wrong in report.worst.iter().take(WORST) {
                    figure {
                        (picture(pictures, &wrong.seen))
                        figcaption {
                            span { b { (label(&wrong.seen)) } " " (percent(wrong.label_confidence)) }
                            span { "answered " b.wrong { (name(&wrong.answer)) } " " (percent(wrong.confidence)) }
                            small { (name(&wrong.seen.image)) }
                        }
                    }
                }
            }
            (left_out(report.worst.len(), WORST))
        }
    }
}

fn left_out(total: usize, shown: usize) -> Markup {
    html! { @if total > shown { p.muted { (count(total - shown)) " more are in report.json." } } }
}

fn confusion(report: &Report, input: &Input) -> Markup {
    if report.accuracy.is_none() {
        return html! {};
    }
    let total = report.confusions.len();
    html! {
        section {
            h2 { "What is taken for what" }
            @if total == 0 {
                p { "No held-out photo was taken for another product." }
            } @else {
                div.wide {
                    table {
                        thead { tr {
                            th scope="col" { "Product" } th scope="col" { "Taken for" } th.number scope="col" { "Photos" }
                        } }
                        tbody {
                            @for confusion in report.confusions.iter().take(CONFUSIONS) {
                                tr {
                                    th scope="row" { (name(&confusion.label)) }
                                    td { (name(&confusion.answer)) }
                                    td.number { (count(confusion.images)) " of " (count(confusion.of)) }
                                }
                            }
                        }
                    }
                }
                (left_out(total, CONFUSIONS))
            }
            (matrix::picture(report, input))
        }
    }
}

fn products(report: &Report) -> Markup {
    if report.per_product.is_empty() {
        return html! {};
    }
    let mut rows: Vec<&Product> = report.per_product.iter().collect();
    let key = |p: &Product| p.recall.map_or(2.0, |r| r.share);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)).then(b.photos.cmp(&a.photos)).then(a.label.cmp(&b.label)));
    let cell = |share: &Option<Share>| {
        html! {
            @match share {
                Some(s) => { span.bar style=(format!("--share:{:.3}", s.share)) { (percent(s.share)) }
                    small { (s.hits) "/" (s.of) } },
                None => span.muted { "–" },
            }
        }
    };
    html! {
        section {
            h2 { "Products" }
            p.muted {
                "The least recognised first. Recall: of a product's held-out photos, those that are answered with it. \
                 Precision: of the photos answered with it, those that show it."
            }
            div.wide {
                table.products {
                    thead { tr {
                        th scope="col" { "Product" } th.number scope="col" { "Photos" }
                        th.number scope="col" { "Recall" } th.number scope="col" { "Precision" }
                    } }
                    tbody {
                        @for product in rows {
                            tr {
                                th scope="row" { (name(&product.label)) }
                                td.number { (count(product.photos)) }
                                td.number { (cell(&product.recall)) }
                                td.number { (cell(&product.precision)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn calibration(report: &Report) -> Markup {
    let Some(calibration) = &report.calibration else { return html! {} };
    html! {
        section.half {
            h2 { "Can confidences be believed?" }
            (charts::reliability(calibration))
            p.muted {
                "Where bars end on the line, answers of 80 % confidence are right in 80 % of cases. The expected \
                 calibration error (15 bins, Guo 2017) is " (percent(calibration.ece)) "."
            }
        }
    }
}

fn rejection(report: &Report) -> Markup {
    html! {
        section.half {
            h2 { "Are unknown products refused?" }
            @match &report.rejection {
                Some(rejection) => {
                    (charts::roc(rejection))
                    p.muted {
                        "The threshold in force (" (format!("{:.3}", rejection.threshold)) ") accepts "
                        (percent(rejection.true_accepts.share)) " of known products' photos and "
                        (percent(rejection.false_accepts.share)) " of those of products that were left out. AUROC "
                        (format!("{:.3}", rejection.auroc)) "; " (percent(rejection.fpr95))
                        " false accepts where 95 % of the known are accepted (FPR95)."
                    }
                },
                None => p { "Not measured: that takes products that can be left out, and held-out photos." },
            }
        }
    }
}

fn duplicates(report: &Report, pictures: &Pictures) -> Markup {
    if report.duplicates.is_empty() {
        return html! {};
    }
    let photos: usize = report.duplicates.iter().map(|g| g.photos.len()).sum();
    html! {
        section {
            h2 { "Near-duplicates" }
            p.muted {
                (count(photos)) " photos in " (count(report.duplicates.len())) " "
                (plural(report.duplicates.len(), "group", "groups"))
                " show the same in the same way. They teach little, and flatter the accuracy where one is trained on and the \
                 other held out."
            }
            @for group in report.duplicates.iter().take(GROUPS) {
                div.group {
                    p {
                        (count(group.photos.len())) " photos of "
                        @if group.contradict() { b.wrong { "different products" } } @else { b { (label(&group.photos[0])) } }
                        @if group.equal { ", equal files" }
                    }
                    div.strip {
                        @for seen in group.photos.iter().take(GROUP) {
                            figure {
                                (picture(pictures, seen))
                                figcaption {
                                    @if group.contradict() { span { (label(seen)) } }
                                    small { (name(&seen.image)) }
                                }
                            }
                        }
                    }
                }
            }
            (left_out(report.duplicates.len(), GROUPS))
        }
    }
}

fn attributes(report: &Report) -> Markup {
    if report.attributes.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Attributes" }
            div.wide {
                table {
                    thead { tr {
                        th scope="col" { "Attribute" } th scope="col" { "Kind" } th.number scope="col" { "Photos" }
                        th.number scope="col" { "Right" } th.number scope="col" { "MAE" } th.number scope="col" { "RMSE" }
                    } }
                    tbody {
                        @for attribute in &report.attributes {
                            tr {
                                th scope="row" { (name(&attribute.name)) }
                                td { (attribute.kind) }
                                td.number { (count(attribute.images)) }
                                td.number { (attribute.accuracy.map_or("–".into(), percent)) }
                                td.number { (attribute.mae.map_or("–".into(), short)) }
                                td.number { (attribute.rmse.map_or("–".into(), short)) }
                            }
                        }
                    }
                }
            }
            p.muted { "MAE and RMSE (mean absolute and root mean squared error) are in the attribute's own unit." }
        }
    }
}

fn notes(report: &Report) -> Markup {
    html! {
        @if !report.notes.is_empty() {
            section { h2 { "Notes" } ul { @for note in &report.notes { li dir="auto" { (text::visible(note)) } } } }
        }
    }
}
