//! exploratory
use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::manifest::Layout;

use super::compile::{self, Storage};

#[test]
fn sweep() {
    let Ok(dir) = std::env::var("SWEEP") else { return };
    let raw = std::fs::read(format!("{dir}/image.f32")).unwrap();
    let image: Vec<f32> = raw.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let cases: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(format!("{dir}/cases.json")).unwrap()).unwrap();
    let mut out = String::new();
    for c in cases {
        let bytes = std::fs::read(format!("{dir}/{}", c["file"].as_str().unwrap())).unwrap();
        let expected: Vec<f64> =
            c["expected"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect();
        let told = |got: Result<Vec<f32>, String>| match got {
            Err(e) => format!("REFUSED {}", e.replace('\n', " ")),
            Ok(g) if g.len() != expected.len() => format!("LENGTH {} {}", g.len(), expected.len()),
            Ok(g) => {
                let d = g.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                let m = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
                if d / m < 1e-4 { "ok".into() } else { format!("DIFFERS {d:e} of {m}") }
            }
        };
        let t = told(
            TractEngine::load(&bytes, Layout::Nchw, 8)
                .and_then(|e| e.run(&mut |_, t| t.copy_from_slice(&image)))
                .map_err(|e| e.to_string()),
        );
        let p = compile::compile(&bytes, Layout::Nchw, 8, Storage::F32).map_err(|e| e.to_string());
        let p = told(p.and_then(|p| {
            let e = CompiledEngine::load(&p.to_bytes().unwrap()).map_err(|e| e.to_string())?;
            e.run(&mut |_, t| {
                let stride = t.len() / 64;
                for p in 0..64 {
                    for c in 0..3 {
                        t[p * stride + c] = image[c * 64 + p];
                    }
                }
            })
            .map_err(|e| e.to_string())
        }));
        out += &format!(
            "{}|{}|{}|{t}|{p}\n",
            c["operator"].as_str().unwrap(),
            c["case"].as_str().unwrap(),
            c["opset"]
        );
    }
    std::fs::write(format!("{dir}/results.txt"), out).unwrap();
}
