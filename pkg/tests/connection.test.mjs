import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Connection } = await source('worker/connection');

/** A connection to a worker that keeps what it is posted. */
function connect(events) {
  const posted = [];
  const worker = { postMessage: (message) => posted.push(message), terminate() {} };
  const connection = new Connection(worker, events, () => undefined);
  return { connection, posted, say: (data) => worker.onmessage({ data }) };
}

const settled = () => new Promise(setImmediate);

test('the token is asked for in the page, and given with the question it answers', async () => {
  const { posted, say } = connect({ token: async (refresh) => `token ${refresh}` });
  say({ type: 'token', question: 1, refresh: false });
  say({ type: 'token', question: 2, refresh: true });
  await settled();
  assert.deepEqual(posted, [
    { type: 'answer', question: 1, value: 'token false' },
    { type: 'answer', question: 2, value: 'token true' },
  ]);
});

test('a token that cannot be had is told by its code', async () => {
  const refused = Object.assign(new Error('log in'), { code: 'UNAUTHORIZED' });
  const { posted, say } = connect({ token: () => Promise.reject(refused) });
  say({ type: 'token', question: 3, refresh: false });
  await settled();
  assert.deepEqual(posted, [{ type: 'no-answer', question: 3, code: 'UNAUTHORIZED', message: 'log in' }]);
});

test('after its end it is told nothing', async () => {
  const { connection, posted, say } = connect({ token: async () => 'late' });
  say({ type: 'token', question: 4, refresh: false });
  connection.end(new Error('disposed'));
  await settled();
  connection.tell({ type: 'products', products: null });
  assert.deepEqual(posted, []);
});
