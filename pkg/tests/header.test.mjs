import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { sizeInHeader } = await source('capture/header');
const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
const of = (...bytes) => sizeInHeader(Uint8Array.from(bytes.flat()));
const none = (count) => Array(count).fill(0);

test('the size of each format is read from its header', () => {
  const png = [0x89, ...letters('PNG'), 13, 10, 26, 10, 0, 0, 0, 13, ...letters('IHDR')];
  assert.deepEqual(of(png, [0, 0, 0x40, 0, 0, 0, 0x20, 1]), { width: 16_384, height: 8193 });
  assert.deepEqual(of(letters('GIF89a'), [0x40, 1, 0xf0, 0]), { width: 320, height: 240 });
  const app = [0xff, 0xe0, 0, 4, 1, 2];
  const table = [0xff, 0xc4, 0, 3, 9];
  for (const frame of [0xc0, 0xc2]) {
    const jpeg = [0xff, 0xd8, app, 0xff, table, 0xff, frame, 0, 11, 8, 0x0b, 0xb8, 0x0f, 0xa0, 1].flat();
    assert.deepEqual(of(jpeg), { width: 4000, height: 3000 });
  }
  const webp = (kind) => [letters('RIFF'), none(4), letters('WEBP'), letters(kind), none(4)].flat();
  assert.deepEqual(of(webp('VP8X'), none(4), [0xff, 0x3f, 0, 0xff, 0x1f, 0]), { width: 16_384, height: 8192 });
  assert.deepEqual(of(webp('VP8 '), none(6), [0x40, 1, 0xf0, 0]), { width: 320, height: 240 });
  const sides = (319 | (239 << 14)) >>> 0;
  const packed = [sides & 255, (sides >> 8) & 255, (sides >> 16) & 255, sides >>> 24];
  assert.deepEqual(of(webp('VP8L'), [0x2f], packed), { width: 320, height: 240 });
});

test('of what is cut off, damaged or of another format no size is told', () => {
  for (const bytes of [
    [],
    [0xff, 0xd8],
    [0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff],
    [0x89, ...letters('PNG')],
    letters('<html>'),
  ]) {
    assert.equal(of(bytes), undefined);
  }
});
