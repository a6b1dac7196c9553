// Reading exported lessons.
import assert from 'node:assert/strict';
import test from 'node:test';

import { source } from './source.mjs';

const { lessonsOf } = await source('lessons/export-rows');

const row = (changes = {}) =>
  JSON.stringify({
    image: 'data:image/jpeg;base64,/9j/AA==',
    product: 'kiwi',
    facts: { price: 3 },
    lesson: { id: '1', time: 5, correction: false },
    ...changes,
  });

test('rows with one id become one lesson', () => {
  const [kiwi, none] = lessonsOf(
    `${row()}\n\n${row()}\n${row({ product: null, facts: undefined, lesson: { id: '2', time: 6, correction: true } })}\n`,
  );
  assert.deepEqual(kiwi.head, { id: '1', time: 5, label: 'kiwi', facts: '{"price":3}' });
  assert.deepEqual(
    kiwi.jpegs.map((jpeg) => [...jpeg]),
    Array(2).fill([0xff, 0xd8, 0xff, 0]),
  );
  assert.deepEqual([none.head.label, none.head.facts, none.correction, none.jpegs.length], [null, '', true, 1]);
  assert.deepEqual(lessonsOf(''), []);
});

test('the error of an invalid row names its line', () => {
  for (const bad of [
    'nonsense',
    '3',
    'null',
    row({ lesson: undefined }),
    row({ lesson: { id: 1, time: 5 } }),
    row({ product: 7 }),
    row({ image: 'x' }),
    row({ image: 'data:image/jpeg;base64,*' }),
  ]) {
    assert.throws(
      () => lessonsOf(`${row()}\n${bad}`),
      (error) => error.code === 'INVALID_LESSON' && error.message.startsWith('line 2: '),
      bad,
    );
  }
});
