//! Where tensors lie: those that are never needed at the same time may share memory.

/// Every tensor begins at a multiple of this many values.
const ALIGNMENT: usize = 16;

/// A tensor's length in values, and the first and the last step that needs it.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub length: usize,
    pub first: usize,
    pub last: usize,
}

impl Life {
    fn meets(&self, other: &Life) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The tensors' offsets, and how much they take together.
pub fn place(lives: &[Life]) -> (Vec<usize>, usize) {
    let by_length = |i: &usize| (usize::MAX - lives[*i].length, lives[*i].first);
    let by_time = |i: &usize| (lives[*i].first, usize::MAX - lives[*i].length);
    let by_span = |i: &usize| {
        let life = lives[*i];
        (usize::MAX - life.length * (life.last - life.first + 1), life.first)
    };
    let ordered = |key: &dyn Fn(&usize) -> (usize, usize)| {
        let mut order: Vec<usize> = (0..lives.len()).collect();
        order.sort_by_key(key);
        first_fit(lives, &order)
    };
    // No order is best for all networks, and each is quickly tried.
    let tried = [ordered(&by_length), ordered(&by_time), ordered(&by_span)];
    tried.into_iter().min_by_key(|(_, total)| *total).unwrap_or_default()
}

fn first_fit(lives: &[Life], order: &[usize]) -> (Vec<usize>, usize) {
    let mut offsets = vec![0; lives.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for &tensor in order {
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|other| lives[**other].meets(&lives[tensor]))
            .map(|other| (offsets[*other], offsets[*other] + lives[*other].length))
            .collect();
        taken.sort_unstable();
        let mut offset = 0usize;
        for (start, end) in taken {
            if offset + lives[tensor].length <= start {
                break;
            }
            offset = offset.max(end.next_multiple_of(ALIGNMENT));
        }
        offsets[tensor] = offset;
        total = total.max(offset + lives[tensor].length);
        placed.push(tensor);
    }
    (offsets, total.next_multiple_of(ALIGNMENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_takes_its_two_largest_neighbours() {
        let lives: Vec<Life> = [160, 320, 80, 480, 16]
            .iter()
            .enumerate()
            .map(|(i, length)| Life { length: *length, first: i, last: i + 1 })
            .collect();
        assert_eq!(place(&lives).1, 80 + 480);
    }

    proptest! {
        #[test]
        fn tensors_that_meet_never_overlap(lives in prop::collection::vec((1usize..300, 0usize..20, 0usize..6), 1..40)) {
            let lives: Vec<Life> =
                lives.into_iter().map(|(length, first, more)| Life { length, first, last: first + more }).collect();
            let (offsets, total) = place(&lives);
            for (i, a) in lives.iter().enumerate() {
                prop_assert!(offsets[i] % ALIGNMENT == 0 && offsets[i] + a.length <= total);
                for (j, b) in lives.iter().enumerate().skip(i + 1) {
                    let apart = offsets[i] + a.length <= offsets[j] || offsets[j] + b.length <= offsets[i];
                    prop_assert!(apart || !a.meets(b));
                }
            }
        }
    }
}
