//! Memory stays flat, however often a network runs or is loaded: the heap natively, the module's memory in Chromium.

#[path = "plans/allocations.rs"]
mod allocations;
mod plans;

use jicho::engine::plan::Window;

const WINDOW: Window = Window { size: [1, 1], stride: [1, 1], dilation: [1, 1], padding: [1; 4] };
const RUNS: usize = if cfg!(miri) { 30 } else { 10_000 };
const LOADS: usize = if cfg!(miri) { 8 } else { 100 };

/// Weights of a few pages of memory, so that one that is kept shows.
fn case() -> plans::Case {
    let channels = if cfg!(miri) { 8 } else { 256 };
    plans::chain(5, 2, |b| {
        let image = plans::convolve(b, 0, WINDOW, 128, None);
        plans::convolve(b, image, Window { padding: [0; 4], ..WINDOW }, channels, None);
    })
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use jicho::engine::CompiledEngine;

    use super::allocations::{Counting, live};
    use super::plans::run;
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn runs_keep_nothing() {
        let case = case();
        let bytes = case.plan.to_bytes().unwrap();
        for kernels in CompiledEngine::kernels() {
            let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
            run(&engine, &case.image);
            let before = live();
            (0..RUNS).for_each(|_| drop(run(&engine, &case.image)));
            assert_eq!(live(), before, "{kernels}");
        }
    }

    #[test]
    fn loads_keep_nothing() {
        let case = case();
        let bytes = case.plan.to_bytes().unwrap();
        for kernels in CompiledEngine::kernels() {
            let before = live();
            for _ in 0..LOADS {
                run(&CompiledEngine::load_with(&bytes, kernels).unwrap(), &case.image);
            }
            assert_eq!(live(), before, "{kernels}");
        }
    }

    #[test]
    fn refused_plans_keep_nothing() {
        let bytes = case().plan.to_bytes().unwrap();
        let before = live();
        for length in (0..bytes.len()).step_by(bytes.len() / LOADS) {
            drop(CompiledEngine::load(&bytes[..length]).err().unwrap());
        }
        assert_eq!(live(), before);
    }
}

#[cfg(target_arch = "wasm32")]
mod wasm {
    use std::arch::wasm32::memory_size;

    use jicho::web::Network;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen_test]
    fn runs_take_no_more_memory() {
        let case = case();
        let network = Network::load(&case.plan.to_bytes().unwrap()).unwrap();
        (0..10).for_each(|_| drop(network.run(&case.image).unwrap()));
        let before = memory_size(0);
        (10..RUNS).for_each(|_| drop(network.run(&case.image).unwrap()));
        assert_eq!(memory_size(0), before);
    }

    #[wasm_bindgen_test]
    fn loads_take_no_more_memory() {
        let case = case();
        let bytes = case.plan.to_bytes().unwrap();
        let mut before = 0;
        for load in 0..LOADS {
            let network = Network::load(&bytes).unwrap();
            drop(network.run(&case.image).unwrap());
            drop(network);
            if load == 5 {
                before = memory_size(0);
            }
        }
        assert_eq!(memory_size(0), before);
    }
}
