//! Mutations of a program that leave it JSON, so that more of them get past the parser.

use serde_json::{Map, Number, Value};

use super::plans::Random;

const NUMBERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    9,
    15,
    16,
    17,
    31,
    64,
    127,
    1023,
    1024,
    1 << 14,
    1 << 17,
    1 << 26,
    1 << 29,
    1 << 31,
    1 << 32,
    1 << 61,
    u64::MAX,
];
const WORDS: [&str; 22] = [
    "none",
    "relu",
    "hard-swish",
    "sigmoid",
    "silu",
    "tanh",
    "sqrt",
    "abs",
    "f32",
    "f16",
    "max",
    "mean",
    "paddedmean",
    "add",
    "subtract",
    "multiply",
    "divide",
    "min",
    "clamp",
    "hard-sigmoid",
    "leaky-relu",
    "i8",
];

/// Another program, with the same data; `None` where the input holds no JSON, and sometimes, for the fuzzer's own
/// mutations.
pub fn mutate(input: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut random = Random(seed);
    if one_in(&mut random, 4) {
        return None;
    }
    let end = input.iter().position(|b| *b == 0).unwrap_or(input.len());
    let mut program: Value = serde_json::from_slice(&input[..end]).ok()?;
    for _ in 0..=(random.next() % 4) {
        change(&mut program, &mut random);
    }
    if one_in(&mut random, 2) {
        place(&mut program);
    }
    let mut output = serde_json::to_vec(&program).ok()?;
    output.extend(&input[end..]);
    Some(output)
}

fn one_in(random: &mut Random, count: u32) -> bool {
    random.next().is_multiple_of(count)
}

fn change(program: &mut Value, random: &mut Random) {
    // Any part of it, or that but for the tensors.
    let donor = {
        let from = random.next();
        let count = nodes(program);
        node(program, &mut (from as usize % count)).cloned()
    };
    let at = random.next() as usize % nodes(program);
    let Some(target) = node_mut(program, &mut { at }) else { return };
    match target {
        Value::Number(number) if !one_in(random, 8) => {
            if let Some(n) = number.as_u64() {
                *number = changed(n, random).into();
            } else if let Some(n) = number.as_f64().and_then(|n| Number::from_f64(n * 2.0 - 0.5)) {
                *number = n;
            }
        }
        Value::String(word) if word.len() < 32 && !one_in(random, 8) => {
            *word = WORDS[random.next() as usize % WORDS.len()].to_owned();
        }
        Value::Array(items) if !items.is_empty() && !one_in(random, 8) => {
            let (at, to) = (random.next() as usize % items.len(), random.next() as usize % items.len());
            match random.next() % 4 {
                0 => items.swap(at, to),
                1 => drop(items.remove(at)),
                _ => items.insert(to, items[at].clone()),
            }
        }
        Value::Object(fields) if fields.len() > 1 && one_in(random, 8) => drop_one(fields, random),
        _ => {
            if let Some(donor) = donor {
                *target = donor;
            }
        }
    }
}

fn drop_one(fields: &mut Map<String, Value>, random: &mut Random) {
    let at = random.next() as usize % fields.len();
    if let Some(key) = fields.keys().nth(at).cloned() {
        fields.remove(&key);
    }
}

fn changed(n: u64, random: &mut Random) -> u64 {
    match random.next() % 8 {
        0 => NUMBERS[random.next() as usize % NUMBERS.len()],
        1 | 2 => n.wrapping_add(1),
        3 => n.saturating_sub(1),
        4 => n.wrapping_mul(2),
        5 => n / 2,
        6 => n.wrapping_add(8),
        _ => u64::from(random.next() % 16),
    }
}

/// Gives every tensor a place and a stride that fit its shape, and as much memory.
fn place(program: &mut Value) {
    let mut end = 0u64;
    let Some(tensors) = program.get_mut("tensors").and_then(Value::as_array_mut) else { return };
    for (index, tensor) in tensors.iter_mut().enumerate() {
        let field = |name: &str| tensor.get(name).and_then(Value::as_u64).unwrap_or(1);
        let channels = field("channels");
        let stride = if index == 0 { channels } else { channels.saturating_add(7) & !7 };
        let extent = field("height").saturating_mul(field("width")).saturating_mul(stride);
        if let Some(fields) = tensor.as_object_mut() {
            fields.insert("stride".into(), stride.into());
            fields.insert("offset".into(), end.into());
        }
        end = end.saturating_add(extent);
    }
    if let Some(fields) = program.as_object_mut() {
        fields.insert("arena".into(), end.into());
    }
}

/// How many values a value has in it, itself included.
fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        _ => 0,
    }
}

fn node<'v>(value: &'v Value, at: &mut usize) -> Option<&'v Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| node(item, at)),
        Value::Object(fields) => fields.values().find_map(|field| node(field, at)),
        _ => None,
    }
}

fn node_mut<'v>(value: &'v mut Value, at: &mut usize) -> Option<&'v mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node_mut(item, at)),
        Value::Object(fields) => fields.values_mut().find_map(|field| node_mut(field, at)),
        _ => None,
    }
}
