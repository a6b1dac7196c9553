import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { source } from './source.mjs';

const { capture, captureAll, partOf, sideNeeded } = await source('capture/capture', 'capture/part');

/** What was drawn on canvases so far. */
const drawn = [];
class OffscreenCanvas {
  constructor(width, height) {
    Object.assign(this, { width, height });
  }
  getContext() {
    const context = { canvas: this, putImageData: () => undefined };
    context.drawImage = (image, left, top, width, height, ...to) =>
      drawn.push({ image, from: [left, top, width, height], to });
    return context;
  }
  transferToImageBitmap() {
    return { width: this.width, height: this.height, close() {} };
  }
}
const media = { HAVE_METADATA: 1, HAVE_CURRENT_DATA: 2, NETWORK_EMPTY: 0, NETWORK_NO_SOURCE: 3 };
const fakes = {
  HTMLMediaElement: media,
  OffscreenCanvas,
  createImageBitmap: async () => ({ width: 1, height: 1, close() {} }),
};
Object.assign(globalThis, fakes);
after(() => Object.keys(fakes).forEach((name) => delete globalThis[name]));

const of = (kind, fields) => ({ [Symbol.toStringTag]: kind, ...fields });
const video = (fields) =>
  of('HTMLVideoElement', { readyState: 4, networkState: 1, videoWidth: 640, videoHeight: 480, ...fields });
const videoFrame = () => of('VideoFrame', { codedWidth: 640, displayWidth: 640, displayHeight: 480 });
const canvas = (width, height) => of('HTMLCanvasElement', { width, height });
const side = sideNeeded();
const momentOf = async (picture) => (await capture(picture, side)).moment;

test('a picture of a video tells which video and when it was taken', async () => {
  const [one, other] = [video(), video()];
  const begun = performance.now();
  const moments = [];
  for (const picture of [one, other, one, videoFrame(), videoFrame()]) moments.push(await momentOf(picture));
  const ended = performance.now();
  const [first, second, third, ...frames] = moments.map((moment) => moment.video);
  assert.equal(first, third);
  assert.deepEqual(frames, [0, 0]);
  assert.equal(new Set([0, first, second]).size, 3);
  const times = [begun, ...moments.map(({ at }) => at), ended];
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('what may show one photo after another has no motion', async () => {
  const pixels = of('ImageData', { data: new Uint8ClampedArray(4), width: 1, height: 1 });
  const image = of('HTMLImageElement', { complete: true, naturalWidth: 1, naturalHeight: 1 });
  const shown = ['HTMLCanvasElement', 'OffscreenCanvas', 'ImageBitmap'].map((kind) =>
    of(kind, { width: 1, height: 1 }),
  );
  for (const picture of [new Blob(['a']), pixels, image, ...shown]) {
    assert.equal(await momentOf(picture), undefined, Object.prototype.toString.call(picture));
  }
});

test('every source of a call is captured before anything is awaited', () => {
  const sources = [canvas(10, 10), video(), videoFrame(), of('ImageBitmap', { width: 5, height: 5 })];
  drawn.length = 0;
  void captureAll(sources, side, () => undefined);
  assert.deepEqual(
    drawn.map(({ image }) => image),
    sources,
  );
});

test('the bytes of ImageData are copied at the call', async () => {
  const data = Uint8ClampedArray.of(1, 2, 3, 4);
  const taken = capture(of('ImageData', { data, width: 1, height: 1 }), side);
  data.fill(9);
  assert.deepEqual([...(await taken).rgba], [1, 2, 3, 4]);
});

test('where one of several pictures is none, the others are freed', async () => {
  let closed = 0;
  const { transferToImageBitmap } = OffscreenCanvas.prototype;
  OffscreenCanvas.prototype.transferToImageBitmap = () => ({ close: () => (closed += 1) });
  await assert.rejects(
    captureAll([canvas(1, 1), 42, canvas(1, 1)], side, () => undefined),
    { code: 'INVALID_ARGUMENT' },
  );
  OffscreenCanvas.prototype.transferToImageBitmap = transferToImageBitmap;
  assert.equal(closed, 2);
});

test('a picture is kept whole, and halved where it is large', () => {
  assert.deepEqual(partOf(1280, 720, 512), { left: 0, top: 0, width: 1280, height: 720, halvings: 0 });
  assert.deepEqual(partOf(3840, 2160, 512), { left: 0, top: 0, width: 3840, height: 2160, halvings: 2 });
  assert.deepEqual(partOf(3000, 4001, 512), { left: 0, top: 0, width: 3000, height: 4000, halvings: 2 });
  assert.deepEqual(partOf(9000, 600, 512), { left: 0, top: 0, width: 9000, height: 600, halvings: 0 });
});

test('of a video only the central square is kept', () => {
  assert.deepEqual(partOf(1280, 720, 512, true), { left: 280, top: 0, width: 720, height: 720, halvings: 0 });
  assert.deepEqual(partOf(3840, 2160, 512, true), { left: 840, top: 0, width: 2160, height: 2160, halvings: 2 });
  assert.deepEqual(partOf(481, 640, 512, true), { left: 0, top: 79, width: 481, height: 481, halvings: 0 });
});

test('enough is left for the model, the size is a multiple of what it is halved by, and the central square is the same', () => {
  for (const imageSize of [0, 112, 224, 448, 640]) {
    const needed = sideNeeded(imageSize);
    for (let shorter = 1; shorter < 7000; shorter += 37) {
      for (const [width, height] of [
        [shorter + 1003, shorter],
        [shorter, shorter + 501],
      ]) {
        const part = partOf(width, height, needed);
        const [small, smaller] = [part.width, part.height].map((length) => length >> part.halvings);
        const least = Math.min(small, smaller);
        assert.ok(part.halvings === 0 || (least >= needed && least < 2 * needed), `${shorter} for ${imageSize}`);
        assert.equal((part.width % 2 ** part.halvings) + (part.height % 2 ** part.halvings), 0);
        assert.ok(
          part.left >= 0 && part.left + part.width <= width && part.top >= 0 && part.top + part.height <= height,
        );
        const square = partOf(width, height, needed, true);
        assert.equal(square.halvings, part.halvings);
        // Where the library finds the central square of what was kept.
        const at = (length) => ((length - least) >> 1) << part.halvings;
        assert.deepEqual(
          [part.left + at(small), part.top + at(smaller), least << part.halvings],
          [square.left, square.top, square.width],
        );
      }
    }
  }
});

test('a picture with too many pixels is refused before memory is taken for it', async () => {
  drawn.length = 0;
  const reserved = [];
  await assert.rejects(
    capture(canvas(16_384, 16_384), side, (bytes) => reserved.push(bytes)),
    {
      code: 'INVALID_FRAME',
      message: /16384x16384: at most 64000000/,
    },
  );
  assert.deepEqual([drawn, reserved], [[], []]);
});

test('a lazy image that is not loaded is refused, since it may never be', async () => {
  const image = of('HTMLImageElement', { complete: false, loading: 'lazy', src: '/apple.jpg' });
  await assert.rejects(capture(image, side), { code: 'INVALID_FRAME', message: /apple\.jpg is lazy/ });
});

test('an image that loads is waited for, but not for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  class Loading extends EventTarget {
    get [Symbol.toStringTag]() {
      return 'HTMLImageElement';
    }
    complete = false;
    naturalWidth = 4;
    naturalHeight = 4;
  }
  const image = new Loading();
  const taken = capture(image, side);
  image.dispatchEvent(new Event('load'));
  assert.equal((await taken).kind, 'bitmap');
  const late = capture(new Loading(), side);
  t.mock.timers.tick(30_000);
  await assert.rejects(late, { code: 'INVALID_FRAME', message: /not loaded within 30 seconds/ });
});

test('a video without a picture tells why', async () => {
  const blank = { readyState: 0, networkState: 2, videoWidth: 0, videoHeight: 0 };
  const cases = [
    [{ ...blank, networkState: 0 }, /no source/],
    [{ ...blank, networkState: 3 }, /none of its sources/],
    [{ ...blank, error: { code: 4, message: '404: Not Found' } }, /404: Not Found/],
    [{ ...blank, readyState: 4 }, /sound only/],
    [{ ...blank, readyState: 1, videoWidth: 640, seeking: true }, /"seeked"/],
    [blank, /"playing"/],
  ];
  for (const [fields, why] of cases) {
    await assert.rejects(capture(video(fields), side), { code: 'INVALID_FRAME', message: why });
  }
});
