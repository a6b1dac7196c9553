// What apps do to the library that they should not, and what devices do to it: each ends in an answer or in a typed error.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { blackPng } from './harness/png.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

for (const worker of [true, false]) {
  describe(worker ? 'in a worker' : 'in the page', options, () => {
    test('a canvas that is drawn anew between calls is recognised as it was at each call', async () => {
      const { drawn, alone } = await at.inPage(
        async ({ start, photo, probe, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const canvas = await probe.drawn(photo);
          const context = canvas.getContext('2d');
          const first = eye.recognize(canvas);
          context.fillRect(0, 0, canvas.width, canvas.height);
          const second = eye.recognize(canvas);
          context.clearRect(0, 0, canvas.width, canvas.height);
          const drawn = await Promise.all([first, second]);
          const alone = await eye.recognize(photo);
          return { drawn: drawn.map(({ predictions }) => predictions), alone: alone.predictions };
        },
        { worker },
      );
      assert.deepEqual(drawn[0], alone);
      assert.notDeepEqual(drawn[1], alone);
    });

    test('one picture of another origin is INVALID_FRAME, and the next picture is recognised', async () => {
      const picture = blackPng(32, 32);
      at.other.misbehave = (path, response) => {
        if (path !== '/picture.png') return false;
        response.writeHead(200, { 'Content-Type': 'image/png' }).end(picture);
        return true;
      };
      // The page's own policy would not load it.
      at.web.misbehave = (path, response) => {
        if (path === '/pages/index.html') response.setHeader('Content-Security-Policy', 'img-src * blob:');
        return false;
      };
      await at.page.reload();
      const { errors, label } = await at.inPage(
        async ({ start, outcome, photo, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const image = Object.assign(new Image(), { src: args.address });
          await image.decode();
          const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
          canvas.getContext('2d').drawImage(image, 0, 0);
          const errors = [];
          for (const source of [image, canvas]) errors.push((await outcome(eye.recognize(source))).error);
          return { errors, label: (await eye.recognize(photo)).predictions[0].label };
        },
        { worker, address: `${at.other.url}/picture.png` },
      );
      for (const { code, message, typed } of errors) {
        assert.deepEqual([code, typed], ['INVALID_FRAME', true]);
        assert.match(message, /another origin; serve it with CORS/);
      }
      assert.equal(label, at.product);
    });

    test('a hundred large pictures at once are answered in order, and too many are refused', async () => {
      const { order, sizes, refused, after } = await at.inPage(
        async ({ start, outcome, photo, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const bitmap = await createImageBitmap(photo);
          const drawn = (width, height) => {
            const canvas = Object.assign(document.createElement('canvas'), { width, height });
            canvas.getContext('2d').drawImage(bitmap, 0, 0, width, height);
            return canvas;
          };
          const large = drawn(3840, 2160);
          const order = [];
          const calls = Array.from({ length: 100 }, async (_, i) => {
            const seen = await eye.recognize(large);
            order.push(i);
            return `${seen.width}x${seen.height}`;
          });
          const sizes = [...new Set(await Promise.all(calls))];
          const small = drawn(1000, 1000);
          const many = await Promise.all(Array.from({ length: 300 }, () => outcome(eye.recognize(small))));
          const refused = many.flatMap(({ error }) => (error ? [error.code] : []));
          return { order, sizes, refused, after: (await eye.recognize(photo)).predictions[0].label };
        },
        { worker },
      );
      assert.deepEqual(order, [...Array(100).keys()]);
      assert.deepEqual(sizes, ['3840x2160']);
      assert.ok(refused.length > 100 && refused.every((code) => code === 'BUSY'), `${refused.length} refused`);
      assert.equal(after, at.product);
    });

    test('a dozen photos of 12 megapixels are recognised together', async () => {
      const seen = await at.inPage(
        async ({ start, photo, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const bitmap = await createImageBitmap(photo);
          const canvas = new OffscreenCanvas(4000, 3000);
          canvas.getContext('2d').drawImage(bitmap, 500, 0, 3000, 3000);
          const large = await canvas.convertToBlob({ type: 'image/jpeg' });
          const { predictions, width, height } = await eye.recognize(Array(12).fill(large));
          return { label: predictions[0].label, width, height };
        },
        { worker },
      );
      assert.deepEqual(seen, { label: at.product, width: 4000, height: 3000 });
    });

    test('what a call cannot use is a typed error', async () => {
      const errors = await at.inPage(
        async ({ start, outcome, Jicho, photo, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const proxied = new Proxy(eye, {});
          const of = async (call) => (await outcome((async () => call())())).error ?? 'no error';
          const calls = {
            'new Jicho()': () => new Jicho(),
            'through a proxy': () => proxied.recognize(photo),
            'a getter of a proxy': () => proxied.model,
            'no picture': () => eye.recognize(),
            'no pictures': () => eye.recognize([]),
            'options that are null': () => eye.recognize(photo, null),
            'a signal that is none': () => eye.recognize(photo, { signal: {} }),
            'a label that is none': () => eye.enroll(undefined, photo),
            'options of sync': () => eye.sync(7),
            'onProgress of sync': () => eye.sync({ onProgress: 'log' }),
            'lessons that are none': () => eye.importLessons('lessons.jsonl'),
            'nothing to open': () => Jicho.open(),
            'no models': () => Jicho.open({ channel: 'T_1' }),
            'models with undefined': () => Jicho.open({ channel: 'T_1', models: `/${undefined}/models/` }),
            'a worker that is none': () => Jicho.open({ channel: 'T_1', models: '/models/', worker: () => ({}) }),
          };
          const errors = {};
          for (const [name, call] of Object.entries(calls)) errors[name] = await of(call);
          return errors;
        },
        { worker },
      );
      for (const [name, error] of Object.entries(errors)) {
        assert.deepEqual([error.code, error.typed], ['INVALID_ARGUMENT', true], `${name}: ${JSON.stringify(error)}`);
      }
    });

    test('a token function that never answers ends as offline, and lets another tab have the channel', async () => {
      const first = await at.inPage(
        async ({ start, args }) => {
          const token = () => new Promise(() => {});
          const eye = await start({ worker: args.worker, stallSeconds: 1, token });
          const { outcome, cause } = await eye.sync();
          return { outcome, cause, checked: (await eye.diagnose()).check.last };
        },
        { worker },
      );
      assert.equal(first.outcome, 'offline');
      assert.deepEqual([first.cause.code, first.checked.error], ['NETWORK', first.cause]);
      assert.match(first.cause.message, /no token within 1 seconds/);
      const second = await at.inPage(
        async ({ start }) => (await (await start()).sync()).outcome,
        {},
        await at.newPage(),
      );
      assert.equal(second, 'updated');
    });

    test('offline says why: no CORS, a policy, no host', async () => {
      const causes = await at.inPage(
        async ({ start, args }) => {
          const causes = {};
          for (const [name, models] of Object.entries(args.hosts)) {
            const eye = await start({ worker: args.worker, models });
            const { outcome, cause } = await eye.sync();
            causes[name] = `${outcome}: ${cause?.message}`;
            eye.dispose();
          }
          return causes;
        },
        { worker, hosts: { cors: `${at.other.url}/models/`, policy: 'http://127.0.0.1:9/models/' } },
      );
      assert.match(causes.cors, /^offline: .*Access-Control-Allow-Origin/);
      assert.match(causes.policy, /^offline: .*Content-Security-Policy.*"connect-src"/);
    });
  });
}

test('a proxy of Vue is none', options, async () => {
  const skipped = await at.inPage(async ({ start }) => (await start()).__v_skip);
  assert.equal(skipped, true);
});
