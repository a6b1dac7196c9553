use super::*;

/// A field of a protobuf message that is a message itself.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}

/// A model whose graph has a node with a graph, and so on: bodies of `If` within each other.
fn nested(depth: usize) -> Vec<u8> {
    let node = |content: &[u8]| field(1, content);
    let graph = (0..depth).fold(node(&field(4, b"Relu")), |graph, _| node(&field(5, &field(6, &graph))));
    let opset = field(8, &[2 << 3, 13]);
    [field(7, &graph), opset].concat()
}

#[test]
fn graphs_within_graphs_end_in_an_error_and_not_the_stack() {
    decode(&nested(3)).unwrap();
    for depth in [100, 3000] {
        let error = decode(&nested(depth)).unwrap_err();
        assert!(error.code() == "INVALID_MODEL" && error.to_string().contains("recursion limit"), "{error}");
    }
}
