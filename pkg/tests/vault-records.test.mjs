import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { source } from './source.mjs';

const { plainJson } = await source('vault/plain-json');
const { pack, unpack } = await source('vault/records');
const { vaultSettings } = await source('vault/options');

class Price {
  amount = 5;
}

const cycle = { lines: [] };
cycle.lines.push(cycle);

const REFUSED = {
  'a Map': new Map([['a', 1]]),
  'a Set': new Set([1]),
  'a Date': new Date(0),
  NaN: NaN,
  infinity: -Infinity,
  'a bigint': 5n,
  'undefined in an array': [undefined],
  'a hole in an array': new Array(1),
  'a typed array': new Uint8Array(2),
  'a buffer': new ArrayBuffer(2),
  'a function': () => 1,
  'a symbol': Symbol('a'),
  'a field named by a symbol': { [Symbol('a')]: 1 },
  'an instance of a class': new Price(),
  'an object with a prototype of its own': Object.create({ total: 1 }),
  'a boxed number': new Number(1),
  'a toJSON of its own': { toJSON: () => 1 },
  'a Map of another window': runInNewContext('new Map()'),
  'half a character': '\ud83d',
  'what contains itself': cycle,
};

for (const [what, value] of Object.entries(REFUSED)) {
  test(`a sale with ${what} is refused, and the place is named`, async () => {
    for (const order of [value, { lines: [{ price: value }] }]) {
      await assert.rejects(pack({ kind: 'sale', order }), (error) => {
        assert.equal(error.code, 'INVALID_ARGUMENT');
        assert.match(error.message, /^the record\.order/);
        return true;
      });
    }
  });
}

test('what is kept reads back as the same', async () => {
  const shared = { id: 'mango' };
  const nothing = Object.assign(Object.create(null), { deep: [[[]]] });
  const order = { total: 0.1 + 0.2, none: null, yes: true, text: 'åpple 🥭', lines: [shared, shared], nothing };
  const { json } = await pack({ kind: 'sale', order });
  assert.deepEqual(JSON.parse(json).order, JSON.parse(JSON.stringify(order)));
  assert.equal(JSON.parse(json).order.total, order.total);
  // A field that is left out reads back as undefined, too; and another window's objects are objects.
  assert.equal(plainJson('it', { a: undefined }), '{}');
  assert.equal(plainJson('it', -0), '0');
  assert.equal(plainJson('it', runInNewContext('({ a: [1] })')), '{"a":[1]}');
});

test('an object 100 levels deep is kept, and a deeper one refused', () => {
  const nested = (depth) => (depth === 0 ? 1 : [nested(depth - 1)]);
  assert.doesNotThrow(() => plainJson('it', nested(100)));
  assert.throws(() => plainJson('it', nested(101)), { code: 'INVALID_ARGUMENT' });
});

test('names that a model or a person chose change no prototype', () => {
  const fields = JSON.parse('{"attributes": {"__proto__": {"admin": true}}, "quality": {"__proto__": 1, "blur": 2}}');
  const scan = unpack({ id: 'a', time: 1, kind: 'scan', blobBytes: 0, blob: undefined, ...fields });
  assert.equal(scan.attributes.admin, undefined);
  assert.deepEqual(Object.keys(scan.attributes), ['__proto__']);
  assert.deepEqual([Object.getPrototypeOf(scan.attributes), Object.getPrototypeOf(scan.quality)], [null, null]);
  assert.equal(scan.quality.blur, 2);
});

test('a vault is told of the retention that the app names alone', () => {
  const days = (retentionDays) => vaultSettings({ name: 'a', unlock: 'device', retentionDays }).retentionDays;
  assert.deepEqual(days(undefined), {});
  assert.deepEqual(days({ scans: 7, corrections: undefined }), { scans: 7 });
  assert.deepEqual(days({ prototypes: null }), { lessons: null });
  assert.deepEqual(days({ lessons: 5, prototypes: 9 }), { lessons: 5 });
  for (const wrong of [{ scans: 0 }, { lessons: 1.5 }, { sales: 1 }, { prototypes: 'x' }]) {
    assert.throws(() => days(wrong), { code: 'INVALID_ARGUMENT' });
  }
});
