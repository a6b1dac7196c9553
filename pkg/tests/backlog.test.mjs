import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Backlog } = await source('channel/backlog');
const MIB = 2 ** 20;

test('pictures that pile up are refused, and have room again when others are done', async () => {
  const backlog = new Backlog();
  let end;
  const waiting = new Promise((resolve) => (end = resolve));
  const first = backlog.run((reserve) => {
    reserve(500 * MIB);
    return waiting;
  });
  const more = () => backlog.run(async (reserve) => reserve(20 * MIB));
  await assert.rejects(more(), { code: 'BUSY', message: /500 MiB of pictures/ });
  end();
  await first;
  await more();
});

test('a single picture always has room', async () => {
  await new Backlog().run(async (reserve) => reserve(4000 * MIB));
});

test('what failed takes no room any more', async () => {
  const backlog = new Backlog();
  const fail = (reserve) => {
    reserve(512 * MIB);
    return Promise.reject(new Error('mine'));
  };
  await assert.rejects(backlog.run(fail), /mine/);
  await assert.rejects(backlog.run(fail), /mine/);
});
