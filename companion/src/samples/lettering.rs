//! A stroke alphabet: enough letters to print a brand and a name on a pack without a font file.

/// The strokes of one letter on a grid 4 wide and 6 high (y grows downwards): points as digit pairs, strokes apart by commas.
/// Characters outside the alphabet have no strokes and print as a space.
fn strokes(letter: char) -> &'static str {
    match letter {
        'A' => "06 20 46,14 34",
        'B' => "00 06 36 45 44 33 03,33 42 41 30 00",
        'C' => "41 30 10 01 05 16 36 45",
        'D' => "00 06 26 44 42 20 00",
        'E' => "40 00 06 46,03 33",
        'F' => "40 00 06,03 33",
        'G' => "41 30 10 01 05 16 36 45 43 23",
        'H' => "00 06,40 46,03 43",
        'I' => "10 30,20 26,16 36",
        'J' => "40 45 36 16 05",
        'K' => "00 06,40 03 46",
        'L' => "00 06 46",
        'M' => "06 00 23 40 46",
        'N' => "06 00 46 40",
        'O' => "10 01 05 16 36 45 41 30 10",
        'P' => "06 00 30 41 42 33 03",
        'Q' => "10 01 05 16 36 45 41 30 10,34 46",
        'R' => "06 00 30 41 42 33 03,23 46",
        'S' => "41 30 10 01 02 13 33 44 45 36 16 05",
        'T' => "00 40,20 26",
        'U' => "00 05 16 36 45 40",
        'V' => "00 26 40",
        'W' => "00 16 23 36 40",
        'X' => "00 46,40 06",
        'Y' => "00 23 40,23 26",
        'Z' => "00 40 06 46",
        _ => "",
    }
}

/// The strokes of one letter as polylines in grid units.
pub fn polylines(letter: char) -> impl Iterator<Item = Vec<(f32, f32)>> {
    strokes(letter).split(',').filter(|s| !s.is_empty()).map(|stroke| {
        stroke
            .split(' ')
            .map(|pair| {
                let digits = pair.as_bytes();
                (f32::from(digits[0] - b'0'), f32::from(digits[1] - b'0'))
            })
            .collect()
    })
}
