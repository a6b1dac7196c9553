//! Writes small plans, and the choices they come from, into the folders `plan` and `engine` of the folder it is given: what
//! the fuzzer starts from.

#[path = "../../tests/plans/mod.rs"]
mod plans;

use std::path::Path;

use plans::*;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: seeds FOLDER");
    let (plans, engine) = (Path::new(&folder).join("plan"), Path::new(&folder).join("engine"));
    std::fs::create_dir_all(&plans)?;
    std::fs::create_dir_all(&engine)?;
    let limits = Limits { steps: 4, side: 6, channels: 12, macs: 4000 };
    for seed in 0..300 {
        let mut random = Random(seed);
        let choices: Vec<u32> = (0..60).map(|_| random.next() & 0xff).collect();
        let mut choose = Choices::given(&choices);
        // Some plans compute with bytes.
        let plan = if seed % 6 == 5 { bytes::case(&mut choose).plan } else { case(&mut choose, limits).plan };
        if plan.data.len() > 1 << 14 {
            continue;
        }
        if seed < 60 {
            std::fs::write(engine.join(format!("seed{seed}")), choices.iter().map(|&c| c as u8).collect::<Vec<_>>())?;
        }
        let whole = seed % 25 == 0 && plan.data.len() < 2000;
        let mut input = serde_json::to_vec(&plan.program)?;
        if whole {
            input.push(0);
            input.extend(&plan.data);
        }
        std::fs::write(plans.join(format!("seed{seed}")), input)?;
    }
    Ok(())
}
