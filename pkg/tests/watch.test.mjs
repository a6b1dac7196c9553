import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Vote, VOTERS, compareScenes, SIDE } = await source('watch/vote', 'watch/scene');

let id = 0;
const answer = (decision, ...predictions) => ({
  id: `${(id += 1)}`,
  decision,
  predictions: predictions.map(([label, confidence, known = true]) => ({ label, confidence, known })),
});
const apple = (confidence = 0.9) => answer('match', ['apple', confidence], ['pear', 1 - confidence]);
const pear = () => answer('match', ['pear', 0.8], ['apple', 0.2]);
const unsure = () => answer('unsure', ['apple', 0.4], ['pear', 0.35]);
const nothing = () => answer('unknown', ['apple', 0.1]);
const after = (...answers) => {
  const vote = new Vote();
  return answers.map((next) => vote.add(next)).at(-1);
};

test('one frame settles nothing, two that agree do', () => {
  assert.equal(after(apple()), null);
  const last = apple(0.7);
  const { answer, frames } = after(apple(0.9), last);
  assert.deepEqual([answer.decision, answer.predictions[0].label, answer.id, frames], ['match', 'apple', last.id, 2]);
  assert.ok(Math.abs(answer.predictions[0].confidence - 0.8) < 1e-9, 'confidences are averaged');
});

test('a single other frame changes nothing, and two change the answer', () => {
  for (const other of [pear, unsure, nothing]) {
    assert.equal(after(apple(), apple(), other()).answer.predictions[0].label, 'apple');
  }
  assert.equal(after(apple(), apple(), pear(), pear()).answer.predictions[0].label, 'pear');
  assert.equal(after(apple(), apple(), nothing(), nothing()).answer.decision, 'unknown');
});

test('the answer is that of the newest frame that agrees with it, so that a correction names the right picture', () => {
  const second = apple();
  assert.equal(after(apple(), second, pear()).answer.id, second.id);
});

test('frames that disagree are unsure, with the mean of their predictions, and so are frames that are unsure', () => {
  const { answer } = after(apple(0.9), pear());
  assert.equal(answer.decision, 'unsure');
  assert.deepEqual(
    answer.predictions.map(({ label, confidence }) => [label, Math.round(confidence * 100)]),
    [
      ['apple', 55],
      ['pear', 45],
    ],
  );
  assert.equal(after(unsure(), unsure()).answer.decision, 'unsure');
  assert.equal(after(unsure(), nothing()).answer.decision, 'unsure');
});

test('a product that the app does not know never comes first', () => {
  const strange = () => answer('unsure', ['apple', 0.3], ['stranger', 0.6, false]);
  assert.equal(after(strange(), strange()).answer.predictions[0].label, 'apple');
});

test('only the last frames vote, and none of a former scene', () => {
  const vote = new Vote();
  for (let i = 0; i < 3 * VOTERS; i++) vote.add(apple());
  assert.equal(vote.add(apple()).frames, VOTERS);
  assert.ok(vote.unanimous);
  vote.add(pear());
  assert.ok(!vote.unanimous);
  vote.clear();
  assert.equal(vote.add(pear()), null);
});

/** A picture of one brightness, with `dots` pixels of another. */
function picture(level, dots = 0, dot = 0) {
  const rgba = new Uint8ClampedArray(4 * SIDE * SIDE).fill(level);
  rgba.fill(dot, 0, 4 * dots);
  return rgba;
}

test('noise is no change, a few pixels are one, and a quarter of them another scene', () => {
  const grey = picture(100);
  assert.equal(compareScenes(null, grey), 'replaced');
  assert.equal(compareScenes(grey, picture(106)), 'same');
  assert.equal(compareScenes(grey, picture(100, 2, 255)), 'same');
  assert.equal(compareScenes(grey, picture(100, 3, 255)), 'changed');
  assert.equal(compareScenes(grey, picture(100, 63, 255)), 'changed');
  assert.equal(compareScenes(grey, picture(100, 64, 255)), 'replaced');
  assert.equal(compareScenes(grey, picture(200)), 'replaced');
});
