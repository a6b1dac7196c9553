//! Loops that are compiled twice, for any CPU and for AVX2 with FMA. Which one runs is chosen at run time.

/// Defines a function whose loops the compiler may vectorise for the CPU at hand. Sums and products keep the order in which
/// they are written, so both builds give the same bits. The build for any CPU is also available as `<name>::plain`.
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
