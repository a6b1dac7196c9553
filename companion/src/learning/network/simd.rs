//! Loops compiled twice: as they stand, and for AVX2 with FMA, chosen when the program runs.

/// Defines a function whose loops the compiler may vectorise for the CPU at hand. Its sums and products stay as they are
/// written, so both forms give the same bits. The form for every CPU is also `<name>::plain`.
macro_rules! vectorized {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        pub(super) mod $name {
            #[allow(unused_imports)]
            use super::*;
            #[allow(clippy::too_many_arguments)]
            #[inline(always)]
            pub(in super::super) fn plain($($argument: $type),*) $body
        }

        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        pub(super) fn $name($($argument: $type),*) {
            pulp::Arch::new().dispatch(|| $name::plain($($argument),*));
        }
    };
}
pub(super) use vectorized;
