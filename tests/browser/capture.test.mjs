// What the package sees of an image source, in Chromium and in Firefox: no model is needed for it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { EITHER } from './harness/either.mjs';
import { host } from './harness/host.mjs';
import { internals } from './harness/internals.mjs';
import { blackPng } from './harness/png.mjs';

const own = internals(after, 'capture/capture');
const reader = internals(after, 'capture/frame-reader');

for (const [name, { start, skip }] of Object.entries(EITHER)) {
  describe(name, { skip, timeout: 2 * PATIENCE }, () => {
    let web;
    let other;
    let browser;
    let page;
    before(async () => {
      web = await host({ '/own/': own, '/reader/': reader });
      other = await host();
      const picture = blackPng(16, 16);
      // Without the header that would let a page of another origin read it; and an <img> needs a policy that allows it.
      for (const each of [web, other]) {
        each.misbehave = (path, response) => {
          response.setHeader('Content-Security-Policy', 'media-src *; img-src * data: blob:');
          if (path !== '/picture.png') return false;
          response.writeHead(200, { 'Content-Type': 'image/png' }).end(picture);
          return true;
        };
      }
      browser = await start();
      page = await browser.newPage();
      await page.goto(`${web.url}/pages/index.html`);
      await page.evaluate(async () => {
        const { capture } = await import('/own/capture.js');
        const { FrameReader } = await import('/reader/frame-reader.js');
        const reader = new FrameReader();
        const pixel = ({ rgba, width }, x, y) => [...rgba.slice(4 * (y * width + x), 4 * (y * width + x) + 4)];
        const filled = (width, height, color, settings) => {
          const canvas = Object.assign(document.createElement('canvas'), { width, height });
          const context = canvas.getContext('2d', settings);
          context.fillStyle = color;
          context.fillRect(0, 0, width, height);
          return { canvas, context };
        };
        const read = async (captured) => reader.read(await captured);
        const refused = (promise) =>
          promise.then(
            () => 'taken',
            ({ code, message }) => `${code}: ${message}`,
          );
        Object.assign(globalThis, { capture, read, pixel, filled, refused });
      });
    });
    after(() => Promise.all([browser?.close(), web?.close(), other?.close()]));

    test('a canvas is captured at the call, whatever is drawn on it later', async () => {
      const seen = await page.evaluate(async () => {
        const { canvas, context } = filled(8, 8, '#000');
        const captured = ['#f00', '#0f0', '#00f'].map((color) => {
          context.fillStyle = color;
          context.fillRect(0, 0, 8, 8);
          return capture(canvas, 512);
        });
        context.clearRect(0, 0, 8, 8);
        return Promise.all(captured.map(async (one) => pixel(await read(one), 4, 4)));
      });
      assert.deepEqual(seen, [
        [255, 0, 0, 255],
        [0, 255, 0, 255],
        [0, 0, 255, 255],
      ]);
    });

    test('a bitmap or a VideoFrame that is closed right after the call has been captured', async () => {
      const seen = await page.evaluate(async () => {
        const { canvas } = filled(8, 8, '#0f0');
        const bitmap = await createImageBitmap(canvas);
        const sources = [bitmap, ...('VideoFrame' in globalThis ? [new VideoFrame(canvas, { timestamp: 0 })] : [])];
        return Promise.all(
          sources.map(async (source) => {
            const captured = capture(source, 512);
            source.close();
            const [red, green, blue] = pixel(await read(captured), 4, 4);
            return red < 5 && green > 250 && blue < 5;
          }),
        );
      });
      assert.ok(seen.length > 0 && seen.every(Boolean), `${seen}`);
    });

    test('display-p3 becomes sRGB, from a canvas, its pixels, its bitmap and its file', async () => {
      const seen = await page.evaluate(async () => {
        const { canvas, context } = filled(8, 8, 'rgb(200, 50, 50)', { colorSpace: 'display-p3' });
        const pixels = context.getImageData(0, 0, 8, 8, { colorSpace: 'display-p3' });
        // Chromium's file of it has the profile of display-p3.
        const file = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
        const sources = [canvas, pixels, await createImageBitmap(canvas), file];
        const { colorSpace } = context.getContextAttributes();
        return {
          colorSpace,
          seen: await Promise.all(sources.map(async (one) => pixel(await read(capture(one, 512)), 1, 1))),
        };
      });
      // Firefox ESR paints in sRGB alone.
      if (name === 'Chromium') assert.equal(seen.colorSpace, 'display-p3');
      for (const [red, green, blue] of seen.seen) {
        assert.ok(
          Math.abs(red - 200) <= 2 && Math.abs(green - 50) <= 2 && Math.abs(blue - 50) <= 2,
          JSON.stringify(seen),
        );
      }
    });

    test('a clip that is turned by its file is seen upright', async () => {
      const { size, corners } = await page.evaluate(async () => {
        const video = Object.assign(document.createElement('video'), { muted: true, src: '/pages/portrait.mp4' });
        await video.play();
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        const frame = await read(capture(video, 512));
        const at = [
          [9, 9],
          [110, 9],
          [9, 110],
          [110, 110],
        ];
        return {
          size: [frame.width, frame.height],
          corners: at.map(([x, y]) => pixel(frame, x, y).map((of) => of > 127)),
        };
      });
      // The central square of 120 by 160 pixels.
      assert.deepEqual(size, [120, 120]);
      const [blue, red, yellow, green] = [
        [false, false, true],
        [true, false, false],
        [true, true, false],
        [false, true, false],
      ];
      assert.deepEqual(
        corners.map((corner) => corner.slice(0, 3)),
        [blue, red, yellow, green],
      );
    });

    test('a VideoFrame is seen as it is displayed: turned, scaled and cut', async (t) => {
      const seen = await page.evaluate(async () => {
        if (
          !('VideoFrame' in globalThis) ||
          new VideoFrame(filled(4, 2, '#000').canvas, { timestamp: 0, rotation: 90 }).displayWidth !== 2
        )
          return;
        const { canvas, context } = filled(64, 32, '#f00');
        context.fillStyle = '#0f0';
        context.fillRect(32, 0, 32, 32);
        const kinds = {
          turned: { rotation: 90 },
          scaled: { displayWidth: 32, displayHeight: 16 },
          cut: { visibleRect: { x: 32, y: 0, width: 32, height: 32 } },
        };
        const seen = {};
        for (const [kind, init] of Object.entries(kinds)) {
          const frame = await read(capture(new VideoFrame(canvas, { timestamp: 0, ...init }), 512));
          const red = ([first, second]) => (first > second ? 'red' : 'green');
          const [from, to] = [pixel(frame, 1, 1), pixel(frame, frame.width - 2, frame.height - 2)].map(red);
          seen[kind] = `${frame.width}x${frame.height} from ${from} to ${to}`;
        }
        return seen;
      });
      if (!seen) return t.skip('this browser has no VideoFrame that can be turned');
      const expected = {
        turned: '32x32 from red to green',
        scaled: '16x16 from red to green',
        cut: '32x32 from green to green',
      };
      assert.deepEqual(seen, expected);
    });

    test('of a large picture each pixel becomes the mean of those that it stands for', async () => {
      const { furthest, ...seen } = await page.evaluate(async () => {
        const { canvas, context } = filled(2400, 2048, '#000');
        const image = context.createImageData(2400, 2048);
        for (let i = 0; i < image.data.length; i += 1) image.data[i] = i % 4 === 3 ? 255 : (i * 2654435761) >>> 24;
        context.putImageData(image, 0, 0);
        const frame = await read(capture(canvas, 512));
        const same = await read(capture(image, 512));
        let furthest = 0;
        for (let y = 0; y < 512; y += 7) {
          for (let x = 0; x < 512; x += 5) {
            for (let color = 0; color < 3; color += 1) {
              let sum = 0;
              for (let i = 0; i < 16; i += 1) {
                sum += image.data[4 * ((4 * y + (i >> 2)) * 2400 + 176 + 4 * x + (i & 3)) + color];
              }
              furthest = Math.max(furthest, Math.abs(sum / 16 - frame.rgba[4 * (y * 600 + 44 + x) + color]));
            }
          }
        }
        const { width, height, source } = frame;
        return {
          width,
          height,
          source: { ...source },
          furthest,
          same: same.rgba.every((value, i) => value === frame.rgba[i]),
        };
      });
      assert.deepEqual(seen, { width: 600, height: 512, source: { width: 2400, height: 2048 }, same: true });
      // Rounded twice.
      assert.ok(furthest <= 1, `${furthest}`);
    });

    test('one picture of another origin is refused, and harms no other', async () => {
      const { seen, good } = await page.evaluate(async (address) => {
        const image = Object.assign(new Image(), { src: address });
        await image.decode();
        const { canvas, context } = filled(16, 16, '#0f0');
        context.drawImage(image, 0, 0);
        const sources = [image, canvas, await createImageBitmap(image)];
        const seen = [];
        for (const source of sources) seen.push(await refused(read(capture(source, 512))));
        return { seen, good: pixel(await read(capture(filled(8, 8, '#0f0').canvas, 512)), 1, 1) };
      }, `${other.url}/picture.png`);
      assert.equal(seen.length, 3);
      for (const what of seen) assert.match(what, /^INVALID_FRAME: .*another origin; serve it with CORS/);
      assert.deepEqual(good, [0, 255, 0, 255]);
    });

    test('a lazy image that nobody sees is refused, and so is one that cannot be loaded', async () => {
      const seen = await page.evaluate(async () => {
        const lazy = Object.assign(new Image(), { loading: 'lazy', src: '/picture.png?lazy' });
        const missing = Object.assign(new Image(), { src: '/missing.png' });
        const loading = Object.assign(new Image(), { src: '/picture.png?eager' });
        return Promise.all([lazy, missing, new Image(), loading].map((image) => refused(capture(image, 512))));
      });
      assert.match(seen[0], /^INVALID_FRAME: .*(lazy|cannot be loaded)/);
      assert.match(seen[1], /^INVALID_FRAME: .*missing\.png cannot be loaded/);
      assert.match(seen[2], /^INVALID_FRAME: .*cannot be loaded/);
      assert.equal(seen[3], 'taken');
    });

    test('a video without a picture says why', async () => {
      const seen = await page.evaluate(async () => {
        const missing = Object.assign(document.createElement('video'), { src: '/missing.mp4' });
        await new Promise((resolve) => missing.addEventListener('error', resolve, { once: true }));
        return Promise.all([missing, document.createElement('video')].map((video) => refused(capture(video, 512))));
      });
      assert.match(seen[0], /^INVALID_FRAME: .*cannot be loaded or played/);
      assert.match(seen[1], /^INVALID_FRAME: .*no source/);
    });
  });
}
