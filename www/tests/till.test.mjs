import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { EMPTY, add, correctLast, count, setQuantity, total } = await source('till/basket');
const { digitsOf, formatMoney, likelyNotes, parseAmount, toMinor } = await source('till/money');
const { productsOf, withCatalogue } = await source('till/catalogue');
const { search } = await source('till/search');
const { saleOf, saleNumber } = await source('till/sale');
const { viewOf } = await source('till/view');

const apple = { label: 'apple', name: 'Apple', price: 30, recognition: 'r1' };
const pear = { label: 'pear', name: 'Pear', price: 45 };
const bread = { label: null, name: 'Bread', price: 200 };
const filled = (...items) => items.reduce(add, EMPTY);
const lines = (basket) => basket.lines.map(({ name, quantity }) => `${quantity} ${name}`);

test('a product that is there already gets a higher quantity, and things typed in stay apart', () => {
  const basket = filled(apple, pear, apple, bread, bread);
  assert.deepEqual(lines(basket), ['2 Apple', '1 Pear', '1 Bread', '1 Bread']);
  assert.deepEqual([count(basket), total(basket)], [5, 505]);
  assert.equal(filled(apple, { ...apple, price: 25 }).lines.length, 2, 'another price is another line');
});

test('a quantity of zero removes the line, and then there is no last one to correct', () => {
  const basket = filled(pear, apple);
  const without = setQuantity(basket, basket.last, 0);
  assert.deepEqual([without.lines.length, without.last], [1, null]);
  assert.equal(correctLast(without, apple), without);
});

test('a correction takes one of the last line and leaves the basket before it as it was', () => {
  const basket = filled(apple, apple);
  assert.deepEqual(lines(correctLast(basket, pear)), ['1 Apple', '1 Pear']);
  assert.deepEqual(lines(basket), ['2 Apple']);
  assert.deepEqual(lines(correctLast(filled(apple), pear)), ['1 Pear']);
});

test('amounts are whole numbers of the smallest unit, read as people type them', () => {
  assert.deepEqual(['EUR', 'JPY', 'KWD', 'not a currency'].map(digitsOf), [2, 0, 3, 2]);
  assert.deepEqual([toMinor(0.1 + 0.2, 'EUR'), toMinor(120, 'JPY')], [30, 120]);
  assert.equal(formatMoney(1250, 'EUR', 'en-GB'), '€12.50');
  assert.equal(formatMoney(1250, 'cowries', 'en-GB'), '12.5 cowries');
  const typed = ['2.50', '2,5', ' 3 ', '.5', '١٫٥', '', '-1', '1.2.3', 'free'];
  assert.deepEqual(
    typed.map((text) => parseAmount(text, 'EUR')),
    [250, 250, 300, 50, 150, null, null, null, null],
  );
  assert.deepEqual(likelyNotes(350, 'EUR'), [400, 500, 1000]);
  assert.deepEqual(likelyNotes(500, 'EUR'), [1000, 2000, 5000]);
});

const model = {
  labels: ['red-apple', 'pear', 'cafe'],
  facts: {
    'red-apple': { price: 0.3, currency: 'EUR', barcode: '4006381333931' },
    pear: { name: 'Pear', price: 'cheap', picture: 'https://elsewhere.example/pear.jpg' },
    cafe: { name: 'Café au lait' },
    kiwi: { name: 'Kiwi', price: 1, picture: 'data:image/jpeg;base64,AA==' },
  },
};

test('the catalogue has what the model and this device know, and believes no odd facts', () => {
  const products = productsOf(model, 'KES');
  assert.deepEqual([...products.keys()], ['cafe', 'kiwi', 'pear', 'red-apple']);
  const { name, price, currency, barcode } = products.get('red-apple');
  assert.deepEqual([name, price, currency, barcode], ['Red apple', 30, 'EUR', '4006381333931']);
  assert.deepEqual([products.get('pear').price, products.get('pear').picture], [null, null]);
  assert.deepEqual([products.get('kiwi').price, products.get('kiwi').currency], [100, 'KES']);
  assert.equal(productsOf(null, 'EUR').size, 0);
});

test('the catalogue of the service says names and prices of today, and the model what it lacks', () => {
  const catalogue = {
    currency: 'KES',
    products: [
      { id: 'red-apple', name: 'Apple, red', price: '45.5', barcode: '123', picture: '/thumbnail' },
      { id: 'soap', name: 'Soap', price: null, currency: 'EUR' },
    ],
  };
  const products = withCatalogue(productsOf(model, 'EUR'), catalogue, new Map([['red-apple', 'blob:1']]), 'EUR');
  assert.deepEqual([...products.keys()].sort(), ['cafe', 'kiwi', 'pear', 'red-apple', 'soap']);
  const { name, price, currency, barcode, picture } = products.get('red-apple');
  assert.deepEqual([name, price, currency, barcode, picture], ['Apple, red', 4550, 'KES', '123', 'blob:1']);
  assert.deepEqual([products.get('soap').price, products.get('soap').currency], [null, 'EUR']);
  assert.deepEqual([...withCatalogue(productsOf(model, 'EUR'), null, new Map(), 'EUR').keys()].length, 4);
});

test('products are found by the beginning of a word, without accents, and by the digits of a barcode', () => {
  const products = [...productsOf(model, 'EUR').values()];
  const found = (typed) => search(products, typed).map(({ label }) => label);
  assert.deepEqual(['cafe', 'LAIT', 'apple', '40063', 'xyz'].map(found), [
    ['cafe'],
    ['cafe'],
    ['red-apple'],
    ['red-apple'],
    [],
  ]);
  assert.equal(found('').length, 4);
});

test('a sale tells what was sold in the main unit, with its change', () => {
  const about = { number: 'n', channel: 'T_1', version: 'v1', at: new Date(0), currency: 'EUR' };
  const sale = saleOf(filled(apple, apple, bread), { method: 'cash', given: 500 }, about);
  assert.deepEqual([sale.total, sale.at], [2.6, '1970-01-01T00:00:00.000Z']);
  assert.deepEqual(sale.payment, { method: 'cash', given: 5, change: 2.4 });
  assert.deepEqual(sale.lines[0], { label: 'apple', name: 'Apple', quantity: 2, price: 0.3, total: 0.6 });
  assert.equal(saleNumber(new Date(0), new Uint8Array([0, 31, 32, 255])), '700101-2Z2Z');
});

test('the till offers a match, three where the camera is unsure, and advice where it is no match', () => {
  const products = productsOf(model, 'EUR');
  const predictions = ['stranger', 'pear', 'kiwi', 'cafe', 'red-apple'].map((label) => ({ label, confidence: 0.2 }));
  const quality = { findings: [{ defect: 'too-dark' }] };
  const seen = (decision) => viewOf({ decision, predictions, quality }, products);
  assert.deepEqual(
    seen('unsure').products.map(({ label }) => label),
    ['pear', 'kiwi', 'cafe'],
  );
  assert.deepEqual([seen('match').products.length, seen('match').hint], [1, null]);
  assert.deepEqual([seen('unknown').products.length, seen('unknown').hint], [0, 'too-dark']);
});
