#[path = "../../tests/plans/mod.rs"]
mod plans;
use plans::*;
fn main() {
    let mut count = 0;
    for seed in 0..3000u32 {
        let mut random = Random(seed);
        let choices: Vec<u32> = (0..60).map(|_| random.next() & 0xff).collect();
        let limits = Limits { steps: 4, side: 6, channels: 12, macs: 4000 };
        let case = case(&mut Choices::given(&choices), limits);
        if case.plan.data.len() > 1 << 14 || count >= 250 { continue; }
        count += 1;
        let mut json = serde_json::to_vec(&case.plan.program).unwrap();
        if count % 25 == 0 && case.plan.data.len() < 2000 { json.push(0); json.extend(case.plan.data.iter()); }
        std::fs::write(format!("/tmp/w/seedplan/seed{seed}"), json).unwrap();
        if seed < 60 { std::fs::write(format!("/tmp/w/seedeng/seed{seed}"), choices.iter().map(|c| *c as u8).collect::<Vec<_>>()).unwrap(); }
        if count == 7 { std::fs::write("/tmp/w/seedplan/raw", case.plan.to_bytes().unwrap()).unwrap(); }
    }
}
