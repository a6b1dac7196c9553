//! How large the subject is: how much of the picture shows detail.

use super::luma::Luma;

/// Differences of luma across a pixel up to this are noise or soft shadows.
const FLAT: u32 = 12;
/// At each end, one part in so many of all detail is ignored, as specks.
const PART: u64 = 20;

/// Pixels from end to end of the detail, along the longer axis; 0 where all is flat.
pub(super) fn extent(luma: &Luma) -> f32 {
    let side = luma.side;
    let mut columns = vec![0u32; side];
    let mut rows = vec![0u32; side];
    let lines: Vec<&[u8]> = luma.rows().collect();
    for (sum, lines) in rows.iter_mut().skip(1).zip(lines.windows(3)) {
        let [above, line, below] = lines else { continue };
        let neighbours = line.iter().zip(line.iter().skip(2));
        let others = above.iter().zip(below.iter()).skip(1);
        for ((column, (left, right)), (above, below)) in columns.iter_mut().skip(1).zip(neighbours).zip(others) {
            let change = u32::from(left.abs_diff(*right)) + u32::from(above.abs_diff(*below));
            let detail = change.saturating_sub(FLAT);
            *column += detail;
            *sum += detail;
        }
    }
    span(&columns).max(span(&rows)) as f32
}

fn span(detail: &[u32]) -> usize {
    let total: u64 = detail.iter().copied().map(u64::from).sum();
    let (mut first, mut last, mut before) = (None, 0, 0);
    for (i, &detail) in detail.iter().enumerate() {
        let start = before;
        before += u64::from(detail);
        if detail > 0 && PART * before > total && PART * start < (PART - 1) * total {
            first.get_or_insert(i);
            last = i;
        }
    }
    first.map_or(0, |first| last - first + 1)
}
