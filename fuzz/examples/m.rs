fn main(){ for p in std::env::args().skip(1){ println!("{p}: {:?}", jicho::Manifest::parse(&std::fs::read(&p).unwrap()).map(|m|m.files.len()).map_err(|e|e.to_string())); } }
