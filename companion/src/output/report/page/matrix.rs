//! The confusion matrix as a picture. Products that are taken for each other or look alike are side by side.

use maud::{Markup, html};

use super::text::{plural, shortened, visible};
use crate::output::report::{Input, Report};

/// At most this many products are shown: those with the most errors.
const MOST: usize = 240;
/// Weight of similarity beside confusions. It orders products that are never confused.
const LOOKS: f32 = 0.2;
/// Side of all cells together, approximately, and the limits of one cell's side.
const WIDTH: f64 = 900.0;
const CELL: (f64, f64) = (4.0, 34.0);
/// Cells with at least this side show their count.
const COUNTED: f64 = 20.0;
/// Height of a label, and its largest length in characters.
const LINE: f64 = 10.0;
const LABEL: usize = 22;
const MARGIN: f64 = 150.0;

/// The picture, with a description in words.
pub fn picture(report: &Report, input: &Input) -> Markup {
    let labels = chosen(report);
    let count = labels.len();
    if count < 2 {
        return html! {};
    }
    let place: Vec<Option<usize>> = {
        let mut place = vec![None; input.labels.len()];
        labels.iter().enumerate().for_each(|(i, label)| place[*label] = Some(i));
        place
    };
    let mut cells = vec![vec![0usize; count]; count];
    for (i, label) in labels.iter().enumerate() {
        cells[i][i] = report.per_product[*label].recall.map_or(0, |r| r.hits);
    }
    for confusion in &report.confusions {
        if let (Some(row), Some(column)) = (place[confusion.place.0], place[confusion.place.1]) {
            cells[row][column] = confusion.images;
        }
    }
    let order = order(&similarity(&cells, &means(input, &labels)));
    let labels: Vec<usize> = order.iter().map(|i| labels[*i]).collect();
    let cells: Vec<Vec<usize>> = order.iter().map(|i| order.iter().map(|j| cells[*i][*j]).collect()).collect();
    let of: Vec<usize> = labels.iter().map(|l| report.per_product[*l].recall.map_or(0, |r| r.of)).collect();

    let cell = (WIDTH / count as f64).clamp(CELL.0, CELL.1).floor();
    let side = cell * count as f64;
    let (width, height) = (MARGIN + side + 4.0, MARGIN + side + 4.0);
    let name = |i: usize| shortened(&input.labels[labels[i]], LABEL);
    let full = |i: usize| visible(&input.labels[labels[i]]);
    let middle = |i: usize| MARGIN + cell * (i as f64 + 0.5);
    let what = format!("Confusion matrix of {count} products; the table above names what is confused most");
    html! {
        p.muted {
            "Rows are what photos show, columns what was answered; similar products stand side by side. Blue: right; \
             orange: wrong. The stronger, the larger the share of the row."
            @if count < input.labels.len() { " Shown are the " (count) " products with the most errors." }
        }
        div.wide tabindex="0" role="region" aria-label="Confusion matrix" {
            svg class=(if cell >= COUNTED { "matrix large" } else { "matrix" }) role="img" aria-label=(what) viewBox=(format!("0 0 {width} {height}"))
                style=(format!("width:{width}px")) {
                rect.plot x=(MARGIN) y=(MARGIN) width=(side) height=(side) {}
                @for i in labelled(&cells, cell) {
                    @let at = format!("{:.1}", middle(i) + 3.0);
                    text.tick x=(MARGIN - 4.0) y=(at) text-anchor="end" { (name(i)) }
                    text.tick transform=(format!("translate({at} {}) rotate(-90)", MARGIN - 4.0)) { (name(i)) }
                    @if cell < LINE {
                        line.grid x1=(MARGIN) x2=(MARGIN + side) y1=(middle(i)) y2=(middle(i)) {}
                        line.grid y1=(MARGIN) y2=(MARGIN + side) x1=(middle(i)) x2=(middle(i)) {}
                    }
                }
                @for (i, row) in cells.iter().enumerate() {
                    @for (j, images) in row.iter().enumerate().filter(|(_, images)| **images > 0) {
                        @let share = *images as f64 / of[i].max(1) as f64;
                        // Full colour stands for half of a row or more; even a single error is visible.
                        @let opacity = if i == j { 0.15 + 0.85 * share } else { 0.4 + 0.6 * (2.0 * share).min(1.0) };
                        g {
                            title {
                                (full(i)) @if i == j { " is right" } @else { " is taken for " (full(j)) } " in " (images)
                                " of " (of[i]) " " (plural(of[i], "photo", "photos"))
                            }
                            rect class=(if i == j { "right" } else { "wrong" })
                                x=(MARGIN + cell * j as f64) y=(MARGIN + cell * i as f64) width=(cell) height=(cell)
                                fill-opacity=(format!("{opacity:.2}")) {}
                            @if cell >= COUNTED {
                                text class=(if i == j && share > 0.5 { "cell right-cell" } else { "cell" }) x=(middle(j)) y=(middle(i) + 4.0) text-anchor="middle" { (images) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The products with held-out photos or answers; if there are too many, the most confused of them.
fn chosen(report: &Report) -> Vec<usize> {
    let rows = report.per_product.iter().enumerate();
    let mut labels: Vec<usize> =
        rows.filter(|(_, p)| p.recall.is_some() || p.precision.is_some()).map(|(label, _)| label).collect();
    if labels.len() > MOST {
        let mut errors = vec![0usize; report.per_product.len()];
        for confusion in &report.confusions {
            errors[confusion.place.0] += confusion.images;
            errors[confusion.place.1] += confusion.images;
        }
        labels.sort_by(|a, b| errors[*b].cmp(&errors[*a]).then(a.cmp(b)));
        labels.truncate(MOST);
        labels.sort_unstable();
    }
    labels
}

/// Which rows and columns show their label: all if there is room, otherwise those with the most errors whose labels do not
/// overlap.
fn labelled(cells: &[Vec<usize>], cell: f64) -> Vec<usize> {
    let errors = |i: usize| -> usize {
        let row: usize = cells[i].iter().sum();
        let column: usize = cells.iter().map(|row| row[i]).sum();
        row + column - 2 * cells[i][i]
    };
    let mut by_errors: Vec<usize> = (0..cells.len()).collect();
    by_errors.sort_by_key(|i| (std::cmp::Reverse(errors(*i)), *i));
    let mut chosen: Vec<usize> = Vec::new();
    for i in by_errors {
        if cell < LINE && errors(i) == 0 {
            break;
        }
        if chosen.iter().all(|other| cell * i.abs_diff(*other) as f64 >= LINE.min(cell.max(LINE - 0.5))) {
            chosen.push(i);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// The mean features of each product, centred and normalised to length 1.
fn means(input: &Input, labels: &[usize]) -> Vec<Vec<f32>> {
    let length = input.photos.first().map_or(0, |p| p.features.len());
    let mut place = vec![None; input.labels.len()];
    labels.iter().enumerate().for_each(|(i, label)| place[*label] = Some(i));
    let mut means = vec![vec![0f32; length]; labels.len()];
    for photo in input.photos {
        if let Some(i) = photo.example.label.and_then(|label| place[label]) {
            means[i].iter_mut().zip(photo.features).for_each(|(m, v)| *m += v);
        }
    }
    means.iter_mut().for_each(|m| jicho::recognize::normalize(m));
    let center: Vec<f32> = (0..length).map(|i| means.iter().map(|m| m[i]).sum::<f32>() / means.len() as f32).collect();
    for mean in &mut means {
        mean.iter_mut().zip(&center).for_each(|(m, c)| *m -= c);
        jicho::recognize::normalize(mean);
    }
    means
}

/// How close two products should be placed: how often they are confused, and how similar their photos are.
fn similarity(cells: &[Vec<usize>], means: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let sums: Vec<f32> = cells.iter().map(|row| row.iter().sum::<usize>().max(1) as f32).collect();
    let share = |i: usize, j: usize| cells[i][j] as f32 / sums[i];
    let looks = |i: usize, j: usize| means[i].iter().zip(&means[j]).map(|(a, b)| a * b).sum::<f32>();
    let one = |i: usize, j: usize| share(i, j) + share(j, i) + LOOKS * looks(i, j);
    (0..cells.len()).map(|i| (0..cells.len()).map(|j| one(i.min(j), i.max(j))).collect()).collect()
}

/// The leaves of the tree of average linkage (Sokal & Michener 1958), turned so that neighbours are similar.
fn order(similarity: &[Vec<f32>]) -> Vec<usize> {
    let mut linkage = similarity.to_vec();
    let mut groups: Vec<Option<Vec<usize>>> = (0..similarity.len()).map(|i| Some(vec![i])).collect();
    loop {
        let alive: Vec<usize> = (0..groups.len()).filter(|g| groups[*g].is_some()).collect();
        let pairs = alive.iter().enumerate().flat_map(|(n, a)| alive[n + 1..].iter().map(move |b| (*a, *b)));
        let Some((a, b)) =
            pairs.reduce(|best, pair| if linkage[pair.0][pair.1] > linkage[best.0][best.1] { pair } else { best })
        else {
            return groups.into_iter().flatten().next().unwrap_or_default();
        };
        let (Some(first), Some(second)) = (groups[a].take(), groups[b].take()) else { return Vec::new() };
        let (n, m) = (first.len() as f32, second.len() as f32);
        for other in alive.into_iter().filter(|other| *other != a && *other != b) {
            let mean = (n * linkage[a][other] + m * linkage[b][other]) / (n + m);
            linkage[a][other] = mean;
            linkage[other][a] = mean;
        }
        groups[a] = Some(joined(first, second, similarity));
    }
}

/// Both lists end to end, each reversed or not, so that the two that meet are as similar as possible.
fn joined(mut first: Vec<usize>, mut second: Vec<usize>, similarity: &[Vec<f32>]) -> Vec<usize> {
    let ends = |list: &[usize]| (list[0], list[list.len() - 1]);
    let ((a, b), (c, d)) = (ends(&first), ends(&second));
    let choices = [(b, c), (b, d), (a, c), (a, d)];
    let best = choices
        .iter()
        .copied()
        .reduce(|best, pair| if similarity[pair.0][pair.1] > similarity[best.0][best.1] { pair } else { best });
    if best.is_some_and(|(end, _)| end != b) {
        first.reverse();
    }
    if best.is_some_and(|(_, start)| start != c) {
        second.reverse();
    }
    first.extend(second);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_confused_stands_side_by_side() {
        // 0 and 3 are confused, 1 and 4, and 3 looks a little like 1.
        let mut cells = vec![vec![0usize; 5]; 5];
        (0..5).for_each(|i| cells[i][i] = 8);
        (cells[0][3], cells[4][1]) = (2, 2);
        let mut means = vec![vec![0.0; 5]; 5];
        (0..5).for_each(|i| means[i][i] = 1.0);
        means[1] = vec![0.0, 0.8, 0.0, 0.6, 0.0];
        let order = order(&similarity(&cells, &means));
        let place = |product: usize| order.iter().position(|p| *p == product).unwrap();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4], "{order:?}");
        assert_eq!((place(0).abs_diff(place(3)), place(1).abs_diff(place(4))), (1, 1), "{order:?}");
        assert_eq!(place(3).abs_diff(place(1)), 1, "{order:?}");
    }

    #[test]
    fn labels_do_not_run_into_each_other() {
        let mut cells = vec![vec![0usize; 200]; 200];
        (0..50).for_each(|i| cells[i][i + 100] = i + 1);
        let chosen = labelled(&cells, 5.0);
        assert!(chosen.contains(&49) && chosen.contains(&149), "the most confused");
        assert!(chosen.windows(2).all(|two| two[1] - two[0] >= 2), "{chosen:?}");
        assert_eq!(labelled(&cells[..5], 30.0).len(), 5);
    }
}
