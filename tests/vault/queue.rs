//! Sales wait in their order.

use super::*;

#[test]
fn a_full_queue_drops_nothing() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&store, &device);
    for number in 0..100 {
        add(&vault, &sale(number));
    }
    let error = refused(block_on(vault.add(&sale(100), None)), ErrorKind::QueueFull);
    assert_eq!(error.code(), "QUEUE_FULL");
    add(&vault, &scan("scans have room", None));
    assert_eq!(all(&vault, Kind::Sale).len(), 100);
    let oldest = list(&vault, &Query { descending: false, limit: 1, ..Query::all(Kind::Sale) });
    assert!(block_on(vault.delete(oldest.entries[0].id)).unwrap());
    add(&vault, &sale(100));
}

#[test]
fn sales_of_one_moment_wait_in_their_order() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let (here, there) = (open(&store, &device), open(&store, &device));
    for number in 0..20 {
        add(if number % 3 == 0 { &here } else { &there }, &sale(number));
    }
    let oldest_first = Query { descending: false, ..Query::all(Kind::Sale) };
    let order = |entry: Entry| if let Record::Sale(sale) = entry.record { sale.order["number"].as_u64() } else { None };
    let orders: Vec<u64> = list(&here, &oldest_first).entries.into_iter().filter_map(order).collect();
    assert_eq!(orders, (0..20).collect::<Vec<u64>>());
}

#[test]
fn an_idempotency_key_is_queued_once() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(2));
    let vault = open(&store, &device);
    let key: RecordId = "0191d3a0-7c1b-7b60-8e0a-5d1f3c9ab001".parse().unwrap();
    assert_eq!(key.to_string().parse(), Ok(key));
    assert_eq!(block_on(vault.add_as(key, &sale(1), None)), Ok(true));
    assert_eq!(block_on(vault.add_as(key, &sale(1), None)), Ok(false));
    refused(block_on(vault.add_as(key, &scan("a", None), None)), ErrorKind::InvalidArgument);
    assert_eq!(all(&vault, Kind::Sale).len(), 1);
    for wrong in ["", "0191d3a0", "g191d3a0-7c1b-7b60-8e0a-5d1f3c9ab001", "0191d3a07c1b7b608e0a5d1f3c9ab00100"] {
        refused(wrong.parse::<RecordId>(), ErrorKind::InvalidArgument);
    }
}
