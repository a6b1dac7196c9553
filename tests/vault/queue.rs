//! Sales wait in their order, and arrive once each.

use std::cell::RefCell;

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
    let delivery = block_on(vault.deliver(async |_, _| Ok(()))).unwrap();
    assert_eq!(delivery.delivered, 100);
    add(&vault, &sale(100));
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

/// Whatever call of the store dies and whatever delivery fails: in the end the receiver, which takes a key once, has each
/// sale once and in order.
#[test]
fn delivered_once_and_in_order_whatever_dies() {
    for death in 0..40 {
        let (store, device) = (FakeStore::default(), FakeDevice::new(death));
        let vault = open(&store, &device);
        for number in 0..6 {
            add(&vault, &sale(number));
            device.wait(1);
        }
        let received = RefCell::new(Vec::new());
        let receive = async |key: RecordId, sale: &Sale| {
            if !received.borrow().iter().any(|(known, _)| *known == key) {
                received.borrow_mut().push((key, sale.order["number"].clone()));
            }
            // The answer may be lost, though the sale arrived.
            if received.borrow().len() as u64 == death % 7 {
                Err(Error::new(ErrorKind::Network, "cut"))
            } else {
                Ok(())
            }
        };
        store.dies_at(Some(death), death % 2 == 0);
        let _ = block_on(vault.deliver(receive));
        store.dies_at(None, false);
        let vault = open(&store, &device);
        block_on(vault.deliver(async |key, sale: &Sale| receive(key, sale).await.or(Ok(())))).unwrap();
        let numbers: Vec<u64> = received.borrow().iter().map(|(_, number)| number.as_u64().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "death at {death}");
        assert_eq!(all(&vault, Kind::Sale), []);
    }
}

#[test]
fn a_delivery_that_fails_keeps_the_rest() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let vault = open(&store, &device);
    for number in 0..3 {
        add(&vault, &sale(number));
        device.wait(1);
    }
    let second = async |_, sale: &Sale| {
        if sale.order["number"] == 1 { Err(Error::new(ErrorKind::Network, "cut")) } else { Ok(()) }
    };
    refused(block_on(vault.deliver(second)), ErrorKind::Network);
    assert_eq!(all(&vault, Kind::Sale).len(), 2);
}
