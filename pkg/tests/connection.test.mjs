import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { source } from './source.mjs';

const { Connection, VERSION } = await source('worker/connection', 'api/version');

let opened = [];
afterEach(() => {
  for (const connection of opened) connection.end(new Error('the test is over'));
  opened = [];
});

/** A connection to a worker that records the messages it gets. */
function connect(events = {}, post = () => undefined) {
  const posted = [];
  const lost = [];
  const worker = {
    postMessage(message) {
      posted.push(message);
      post(message);
    },
    terminate: () => lost.push('terminated'),
  };
  const connection = new Connection(worker, events, () => lost.push('lost'));
  opened.push(connection);
  return { lost, connection, posted, say: (data) => worker.onmessage({ data }) };
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

test('a failing token function is reported to the worker with its error code', async () => {
  const refused = Object.assign(new Error('log in'), { code: 'UNAUTHORIZED' });
  const { posted, say } = connect({ token: () => Promise.reject(refused) });
  say({ type: 'token', question: 3, refresh: false });
  await settled();
  assert.deepEqual(posted, [{ type: 'no-answer', question: 3, code: 'UNAUTHORIZED', message: 'log in' }]);
});

test('a worker that has ended gets no more messages', async () => {
  const { connection, posted, say } = connect({ token: async () => 'late' });
  say({ type: 'token', question: 4, refresh: false });
  connection.end(new Error('disposed'));
  await settled();
  connection.tell({ type: 'products', products: null });
  assert.deepEqual(posted, []);
});

test('a worker of another version is ended, and every call told why', async () => {
  for (const greeting of [
    { type: 'ready', version: '0.0.1' },
    { type: 'done', id: 1, value: null },
  ]) {
    const { connection, say, lost } = connect();
    const call = connection.call({ type: 'sync' }, {});
    say(greeting);
    await assert.rejects(call, { code: 'UNSUPPORTED', message: /of (an older version|version 0\.0\.1), the page's/ });
    assert.deepEqual(lost, ['terminated', 'lost']);
  }
});

test('a worker of the same version answers', async () => {
  const { connection, say } = connect();
  const call = connection.call({ type: 'sync' }, {});
  say({ type: 'ready', version: VERSION });
  say({ type: 'done', id: 1, value: 'synced' });
  assert.equal(await call, 'synced');
});

test('a worker that never starts is given up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { connection } = connect();
  const call = connection.call({ type: 'sync' }, {});
  t.mock.timers.tick(60_000);
  await assert.rejects(call, { code: 'UNSUPPORTED', message: /did not start within 60 seconds/ });
});

test('a worker that has started may take its time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { connection, say } = connect();
  const call = connection.call({ type: 'sync' }, {});
  say({ type: 'ready', version: VERSION });
  t.mock.timers.tick(600_000);
  say({ type: 'done', id: 1, value: 'late' });
  assert.equal(await call, 'late');
});

test('an error with a code that is not known here settles the call', async () => {
  const { connection, say } = connect();
  const call = connection.call({ type: 'sync' }, {});
  say({ type: 'ready', version: VERSION });
  say({ type: 'failed', id: 1, code: 'NOT_YET_INVENTED', message: 'of tomorrow' });
  await assert.rejects(call, { code: 'INTERNAL', message: 'NOT_YET_INVENTED: of tomorrow' });
});

test('a picture that may not be handed to a worker is told as one of another origin', async () => {
  const bitmap = { [Symbol.toStringTag]: 'ImageBitmap' };
  const refuse = () => {
    throw new DOMException('an ImageBitmap is not origin-clean', 'DataCloneError');
  };
  const { connection } = connect({}, refuse);
  const call = connection.call({ type: 'assess' }, { transfer: [bitmap] });
  await assert.rejects(call, { code: 'INVALID_FRAME', message: /another origin/ });
});
