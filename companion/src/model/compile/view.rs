//! How a tensor of any rank lies over an image: transposes, reshapes and shuffles of channels only relabel axes, so
//! they cost nothing until something needs the channels in order.

use super::graph::{Id, Shape};

/// Which coordinate of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Row,
    Column,
    Channel,
}

/// A digit of an axis: its index times the stride counts towards the coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Atom {
    pub role: Role,
    pub size: usize,
    pub stride: usize,
}

/// A tensor's axes over an image, each from the most significant digit to the least. Every value of the image appears
/// exactly once; axes of size 1 have no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub id: Id,
    pub axes: Vec<Vec<Atom>>,
}

/// Coordinates: row, column, channel.
pub type Place = [usize; 3];

impl View {
    /// Axes of whole coordinates, `None` for an axis of size 1.
    pub fn plain(id: Id, shape: Shape, roles: &[Option<Role>]) -> View {
        let axis = |role: &Option<Role>| role.map(|role| whole(role, shape)).unwrap_or_default();
        View { id, axes: roles.iter().map(axis).collect() }
    }

    /// Sizes of the axes.
    pub fn dims(&self) -> Vec<usize> {
        self.axes.iter().map(|a| size(a)).collect()
    }

    /// The axis of all rows, that of all columns and that of all channels, in any order, are where they are said to be.
    pub fn has_image(&self, shape: Shape, rows: usize, columns: usize, channels: usize) -> bool {
        let all = |axis: usize, role| self.axes[axis] == whole(role, shape);
        let inside = |axis: usize, role| self.axes[axis].iter().all(|a| a.role == role);
        let rest = self.axes.iter().enumerate().filter(|(i, _)| ![rows, columns, channels].contains(i));
        all(rows, Role::Row)
            && all(columns, Role::Column)
            && inside(channels, Role::Channel)
            && rest.into_iter().all(|(_, axis)| axis.is_empty())
    }

    /// Splits and joins axes `at..at + from` to such of sizes `to`; `None` when a digit does not split so.
    pub fn reshape(&mut self, at: usize, from: usize, to: &[usize]) -> Option<()> {
        if at + from > self.axes.len() {
            return None;
        }
        let mut atoms = self.axes[at..at + from].concat().into_iter();
        let mut pending: Option<Atom> = None;
        let mut axes = Vec::new();
        for &wanted in to {
            let (mut need, mut axis) = (wanted, Vec::new());
            while need > 1 {
                let atom = pending.take().or_else(|| atoms.next())?;
                if need.is_multiple_of(atom.size) {
                    need /= atom.size;
                    axis.push(atom);
                } else if atom.size.is_multiple_of(need) {
                    let inner = atom.size / need;
                    axis.push(Atom { size: need, stride: atom.stride * inner, ..atom });
                    pending = Some(Atom { size: inner, ..atom });
                    need = 1;
                } else {
                    return None;
                }
            }
            axes.push(merged(axis));
        }
        if pending.is_some() || atoms.next().is_some() {
            return None;
        }
        self.axes.splice(at..at + from, axes);
        Some(())
    }

    /// The only axis that has a size, if there is one.
    pub fn only_axis(&self) -> Option<usize> {
        let mut sized = (0..self.axes.len()).filter(|i| !self.axes[*i].is_empty());
        let first = sized.next()?;
        sized.next().is_none().then_some(first)
    }

    /// Axes whose digits are of this role, and of no other.
    pub fn axes_of(&self, role: Role) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        for (i, axis) in self.axes.iter().enumerate() {
            match axis.iter().filter(|a| a.role == role).count() {
                0 => {}
                n if n == axis.len() => found.push(i),
                _ => return None,
            }
        }
        Some(found)
    }
}

/// The digits of a whole coordinate.
pub fn whole(role: Role, shape: Shape) -> Vec<Atom> {
    let size = match role {
        Role::Row => shape.height,
        Role::Column => shape.width,
        Role::Channel => shape.channels,
    };
    if size == 1 { Vec::new() } else { vec![Atom { role, size, stride: 1 }] }
}

/// How many indices an axis has.
pub fn size(axis: &[Atom]) -> usize {
    axis.iter().map(|a| a.size).product()
}

/// Which coordinates each index of an axis adds.
pub fn places(axis: &[Atom]) -> Vec<Place> {
    let mut places = vec![[0; 3]];
    for atom in axis {
        let mut finer = Vec::with_capacity(places.len() * atom.size);
        for place in &places {
            for i in 0..atom.size {
                let mut next = *place;
                next[atom.role as usize] += i * atom.stride;
                finer.push(next);
            }
        }
        places = finer;
    }
    places
}

/// How many values of a coordinate the digits pass through.
pub fn extent<'a>(atoms: impl Iterator<Item = &'a Atom>, role: Role) -> usize {
    atoms.filter(|a| a.role == role).map(|a| a.size).product()
}

fn merged(axis: Vec<Atom>) -> Vec<Atom> {
    let mut merged: Vec<Atom> = Vec::with_capacity(axis.len());
    for atom in axis {
        match merged.last_mut() {
            Some(last) if last.role == atom.role && last.stride == atom.size * atom.stride => {
                *last = Atom { size: last.size * atom.size, ..atom };
            }
            _ => merged.push(atom),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Channel, Column, Row};

    const SHAPE: Shape = Shape { height: 2, width: 3, channels: 6 };

    fn image() -> View {
        View::plain(0, SHAPE, &[None, Some(Channel), Some(Row), Some(Column)])
    }

    #[test]
    fn a_shuffle_of_channels_is_a_view() {
        let mut view = image();
        view.reshape(1, 1, &[2, 3]).unwrap();
        view.axes.swap(1, 2);
        view.reshape(1, 2, &[6]).unwrap();
        let channels: Vec<usize> = places(&view.axes[1]).iter().map(|p| p[2]).collect();
        assert_eq!(channels, [0, 3, 1, 4, 2, 5]);
        assert!(view.has_image(SHAPE, 2, 3, 1));
        // Shuffled back it is the plain image again.
        view.reshape(1, 1, &[3, 2]).unwrap();
        view.axes.swap(1, 2);
        view.reshape(1, 2, &[6]).unwrap();
        assert_eq!(view, image());
    }

    #[test]
    fn what_is_flattened_can_be_unflattened() {
        let mut view = image();
        view.reshape(1, 3, &[36]).unwrap();
        assert_eq!((view.dims(), view.only_axis()), (vec![1, 36], Some(1)));
        assert_eq!(places(&view.axes[1])[7], [0, 1, 1]);
        assert!(view.clone().reshape(1, 1, &[5, 7]).is_none());
        view.reshape(1, 1, &[6, 2, 3]).unwrap();
        assert_eq!(view, image());
    }

    #[test]
    fn axes_of_mixed_digits_are_not_taken_for_channels() {
        let mut view = image();
        assert_eq!(view.axes_of(Channel), Some(vec![1]));
        view.reshape(2, 2, &[6]).unwrap();
        assert_eq!((view.axes_of(Channel), view.axes_of(Row)), (Some(vec![1]), None));
    }
}
