//! Plan files out of what the fuzzer writes: what it would never guess is put right.

use jicho::engine::plan::MAGIC;

use super::plans::{self, file};

/// Data enough for the weights of small steps.
const DATA: usize = 1 << 14;

/// An input that begins with the magic is a file as it is. Any other is a program, then, after a zero byte if there is
/// one, data; without, the data is [`tame`], which the second value tells.
pub fn assemble(input: &[u8]) -> (Vec<u8>, bool) {
    if input.starts_with(&MAGIC) {
        return (input.to_vec(), false);
    }
    let (program, data) = match input.iter().position(|b| *b == 0) {
        Some(end) => (&input[..end], Some(input[end + 1..].to_vec())),
        None => (input, None),
    };
    let tame = data.is_none();
    (file::assemble(program, &data.unwrap_or_else(self::tame)), tame)
}

/// Bytes that are moderate numbers however they are read: singles below 1, halves below 2, and any bytes.
fn tame() -> Vec<u8> {
    let mut random = plans::Random(1);
    let words = (0..DATA / 4).flat_map(|_| {
        let bits = random.next();
        let signs = bits & 0x8000_8000;
        let upper = 0x3e00 + (bits >> 16 & 0x17f);
        let lower = 0x3000 + (bits & 0xbff);
        (signs | upper << 16 | lower).to_le_bytes()
    });
    words.collect()
}
