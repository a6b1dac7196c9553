import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Measures } = await source('upkeep/measures');
const NOW = Date.UTC(2025, 0, 2);

test('the accuracy counts right and wrong answers, survives JSON, and is null before the first', () => {
  const measures = new Measures(1);
  assert.deepEqual([measures.report().corrections, measures.report().accuracy], [0, null]);
  for (const right of [true, true, false]) measures.verdict(right);
  const later = Measures.read(JSON.parse(JSON.stringify(measures)), 2);
  later.verdict(false);
  measures.add(later);
  const { corrections, accuracy } = measures.report();
  assert.deepEqual([corrections, accuracy], [3, 4 / 7]);
});

test('median and 95th percentile cover the last 100 times, the count covers all', () => {
  const measures = new Measures(NOW);
  assert.deepEqual(measures.report().inferences, { count: 0, median: null, p95: null });
  for (let ms = 1; ms <= 250; ms += 1) measures.inference(ms, 0.5);
  assert.deepEqual(measures.report().inferences, { count: 250, median: 200, p95: 245 });
  measures.load(7);
  assert.deepEqual(measures.report().loads, { count: 1, median: 7, p95: 7 });
});

test('confidences fall into ten bins', () => {
  const measures = new Measures(NOW);
  for (const confidence of [0, 0.05, 0.1, 0.55, 0.999, 1, undefined]) measures.inference(1, confidence);
  assert.deepEqual(measures.report().confidence, [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]);
});

test('errors are counted by code', () => {
  const measures = new Measures(NOW);
  for (const code of ['NETWORK', 'STORAGE', 'NETWORK']) measures.error(code);
  assert.deepEqual(measures.report().errors, { NETWORK: 2, STORAGE: 1 });
});

test('measures of two periods are added in order', () => {
  const [first, later] = [new Measures(NOW), new Measures(NOW + 1000)];
  for (let ms = 1; ms <= 80; ms += 1) first.inference(ms, 0.2);
  for (let ms = 81; ms <= 120; ms += 1) later.inference(ms, 0.9);
  first.error('NETWORK');
  later.error('NETWORK');
  first.add(later);
  const { inferences, confidence, errors, since } = first.report();
  assert.deepEqual(inferences, { count: 120, median: 70, p95: 115 });
  assert.deepEqual([confidence[2], confidence[9]], [80, 40]);
  assert.deepEqual(errors, { NETWORK: 2 });
  assert.equal(since, new Date(NOW).toISOString());
});

test('measures survive JSON', () => {
  const measures = new Measures(NOW);
  for (let ms = 1; ms <= 130; ms += 1) measures.inference(ms, ms / 130);
  measures.load(3);
  measures.error('HASH_MISMATCH');
  const read = Measures.read(JSON.parse(JSON.stringify(measures)), NOW + 5000);
  assert.deepEqual(read.report(), measures.report());
});

test('JSON of another shape is ignored', () => {
  const empty = new Measures(NOW).report();
  const junk = [
    null,
    7,
    'text',
    [],
    {
      since: 'yesterday',
      loads: 5,
      inferences: { count: -1, last: ['x', null, -3, Infinity] },
      confidence: 'high',
      errors: 9,
    },
    { confidence: [-1, 0.5, null, {}], errors: { NETWORK: 'many', FIVE: 5 } },
  ];
  for (const json of junk) assert.deepEqual(Measures.read(json, NOW).report(), empty, JSON.stringify(json));
  const future = Measures.read({ since: NOW + 1e9 }, NOW).report();
  assert.equal(future.since, empty.since);
});
