// The built npm package in a page with a strict Content-Security-Policy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { internals } from './harness/internals.mjs';
import { blackPng } from './harness/png.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();
const own = internals(after, 'api/error-codes');

for (const worker of [true, false]) {
  describe(worker ? 'in a worker' : 'in the page', options, () => {
    test('every kind of picture is recognised, and none is consumed', async () => {
      const kinds = await at.inPage(
        async ({ start, photo, probe, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const kinds = {};
          for (const [kind, make] of Object.entries(probe.SOURCES)) {
            const [source, isWhole] = await make(photo);
            kinds[kind] = { ...(await eye.recognize(source)), whole: isWhole() };
          }
          eye.dispose();
          return kinds;
        },
        { worker },
      );
      assert.equal(Object.keys(kinds).length, 9);
      for (const [kind, seen] of Object.entries(kinds)) {
        assert.equal(seen.predictions[0].label, at.product, kind);
        assert.equal(seen.decision, 'match', kind);
        assert.ok(seen.whole, `${kind} was consumed`);
        assert.deepEqual([seen.width, seen.height], [320, 320], kind);
        assert.equal(seen.version, at.first.version, kind);
        assert.ok(seen.ms > 0 && seen.ms < PATIENCE, kind);
        // A video's colours are compressed; all other types have the same pixels.
        if (kind === 'HTMLVideoElement') continue;
        assert.deepEqual(seen.predictions, kinds.Blob.predictions, kind);
        assert.deepEqual(seen.quality, kinds.Blob.quality, kind);
      }
      assert.equal(new Set(Object.values(kinds).map(({ id }) => id)).size, 9);
    });

    test('what is no picture is refused with a reason', async () => {
      const refused = await at.inPage(
        async ({ start, outcome, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const blank = document.createElement('canvas');
          blank.width = 0;
          const closed = await createImageBitmap(new ImageData(2, 2));
          closed.close();
          const gone = new ImageData(2, 2);
          structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] });
          const broken = new Image();
          broken.src = '/pages/index.html';
          const huge = new Blob([Uint8Array.from(atob(args.huge), (c) => c.charCodeAt(0))], { type: 'image/png' });
          const sources = {
            text: new File(['these are words'], 'apple.jpg', { type: 'image/jpeg' }),
            blank,
            closed,
            gone,
            broken,
            huge,
            video: document.createElement('video'),
            number: 42,
          };
          const refused = {};
          for (const [name, source] of Object.entries(sources))
            refused[name] = (await outcome(eye.recognize(source))).error;
          eye.dispose();
          return refused;
        },
        { worker, huge: blackPng(10_000, 10_000).toString('base64') },
      );
      const { number, ...pictures } = refused;
      assert.equal(number.code, 'INVALID_ARGUMENT');
      for (const [name, error] of Object.entries(pictures)) assert.equal(error?.code, 'INVALID_FRAME', name);
      assert.match(refused.text.message, /"apple\.jpg" \(image\/jpeg, 15 bytes\)/);
      assert.match(refused.video.message, /playing/);
      assert.match(refused.huge.message, /10000x10000: at most 64000000/);
    });

    test('it syncs, tells its progress, is current, and takes the next release', async () => {
      const run = async ({ start, args }) => {
        const told = [];
        const eye = await start({ worker: args.worker, onModel: (model) => told.push(model?.version ?? null) });
        const before = [eye.state, eye.model];
        const progress = [];
        const synced = await eye.sync({ onProgress: (p) => progress.push(p) });
        const again = await eye.sync();
        const { state } = eye;
        eye.dispose();
        return { before, progress, synced, again, told, state };
      };
      const fresh = await at.inPage(run, { worker });
      assert.deepEqual(fresh.before, ['absent', null]);
      assert.equal(fresh.synced.outcome, 'updated');
      assert.equal(fresh.again.outcome, 'current');
      assert.equal(fresh.state, 'ready');
      assert.deepEqual(fresh.told, [at.first.version]);
      const needed = at.first.files.filter(({ role }) => role !== 'backbone');
      const total = needed.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.deepEqual(fresh.progress[0], { loadedBytes: 0, totalBytes: total });
      assert.deepEqual(fresh.progress.at(-1), { loadedBytes: total, totalBytes: total });
      for (const [i, { loadedBytes }] of fresh.progress.entries()) {
        assert.ok(i === 0 || loadedBytes >= fresh.progress[i - 1].loadedBytes, 'progress falls');
      }
      const { model } = fresh.synced;
      for (const field of ['version', 'releaseSeq', 'trainedAt', 'productCount', 'imageCount', 'labels', 'imageSize']) {
        assert.deepEqual(model[field], at.first[field], field);
      }
      assert.deepEqual([model.channel, model.bytes, model.stored], ['T_1', total, true]);

      at.publish(at.newer);
      const next = await at.inPage(run, { worker });
      assert.deepEqual(next.before[0], 'ready');
      assert.equal(next.before[1].version, at.first.version);
      assert.equal(next.synced.model.version, at.second.version);
      assert.deepEqual(next.told, [at.first.version, at.second.version]);
    });

    test('without a network it uses what it has', async () => {
      await at.inPage(async ({ start }) => (await start()).sync());
      await at.context.route('**/models/**', (route) => route.abort('internetdisconnected'));
      const offline = await at.inPage(
        async ({ start, photo, args }) => {
          const eye = await start({ worker: args.worker });
          return { synced: await eye.sync(), seen: await eye.recognize(photo) };
        },
        { worker },
      );
      assert.equal(offline.synced.outcome, 'offline');
      assert.equal(offline.synced.model.version, at.first.version);
      assert.equal(offline.seen.predictions[0].label, at.product);
    });

    test('overlapping calls are all answered', async () => {
      const seen = await at.inPage(
        async ({ start, photo, args }) => {
          const eye = await start({ worker: args.worker });
          await eye.sync();
          const sync = eye.sync();
          const seen = await Promise.all(Array.from({ length: 8 }, () => eye.recognize(photo)));
          await sync;
          return seen;
        },
        { worker },
      );
      assert.equal(new Set(seen.map(({ id }) => id)).size, 8);
      for (const { predictions } of seen) assert.deepEqual(predictions, seen[0].predictions);
    });

    test('a caller who aborts is answered at once, and nothing is taken', async () => {
      let stalled;
      at.web.misbehave = (path, response) => {
        if (!path.includes('/blobs/')) return false;
        response.writeHead(200, { 'Content-Length': 1_000_000 }).write('some');
        stalled = response;
        return true;
      };
      const aborted = await at.inPage(
        async ({ start, outcome, photo, args }) => {
          const eye = await start({ worker: args.worker });
          const controller = new AbortController();
          const sync = outcome(
            eye.sync({ signal: controller.signal, onProgress: (p) => p.loadedBytes > 0 && controller.abort() }),
          );
          const result = [await sync, await outcome(eye.sync({ signal: AbortSignal.abort() }))];
          return [
            ...result,
            await outcome(eye.recognize(photo, { signal: AbortSignal.abort() })),
            { state: eye.state },
          ];
        },
        { worker },
      );
      for (const { error } of aborted.slice(0, 3)) assert.equal(error?.code, 'ABORTED');
      assert.equal(aborted[3].state, 'absent');
      if (!stalled.closed) await new Promise((resolve) => stalled.once('close', resolve));

      at.web.misbehave = undefined;
      const healed = await at.inPage(async ({ start, args }) => (await start({ worker: args.worker })).sync(), {
        worker,
      });
      assert.equal(healed.outcome, 'updated');
    });

    test('dispose rejects what waits, and frees', async () => {
      at.web.misbehave = (path) => path.includes('/blobs/');
      const disposed = await at.inPage(
        async ({ start, outcome, photo, args }) => {
          const eye = await start({ worker: args.worker });
          let begun;
          const downloading = new Promise((resolve) => (begun = resolve));
          const waiting = [outcome(eye.sync({ onProgress: begun })), outcome(eye.recognize(photo))];
          await downloading;
          eye.dispose();
          eye.dispose();
          const ended = await Promise.all([...waiting, outcome(eye.sync()), outcome(eye.recognize(photo))]);
          return { ended: ended.map(({ error }) => error?.code), state: eye.state, model: eye.model };
        },
        { worker },
      );
      assert.equal(disposed.ended[0], 'DISPOSED');
      // The answer may have come before the abort.
      assert.ok(['DISPOSED', 'NO_MODEL'].includes(disposed.ended[1]));
      assert.deepEqual(disposed.ended.slice(2), ['DISPOSED', 'DISPOSED']);
      assert.deepEqual([disposed.state, disposed.model], ['disposed', null]);
      await at.workersLeft(0);
    });

    test('a channel id or an address that cannot be is refused', async () => {
      const codes = await at.inPage(
        async ({ start, outcome, args }) => {
          const wrong = [
            { channel: '../T_1' },
            { channel: '' },
            { channel: 'blobs' },
            { channel: 7 },
            { models: 'http://' },
            { models: '/models/?x=1' },
          ];
          const ended = await Promise.all(wrong.map((option) => outcome(start({ worker: args.worker, ...option }))));
          return ended.map(({ error }) => error?.code);
        },
        { worker },
      );
      const channel = 'INVALID_CHANNEL';
      assert.deepEqual(codes, [channel, channel, channel, ...Array(3).fill('INVALID_ARGUMENT')]);
    });
  });
}

test('worker and page give the same answers', options, async () => {
  const [inWorker, inThePage] = await at.inPage(async ({ start, photo }) => {
    const seen = [];
    for (const worker of [true, false]) {
      const eye = await start({ worker });
      await eye.sync();
      const { id, ms, ...answer } = await eye.recognize(photo);
      seen.push(answer);
    }
    return seen;
  });
  assert.deepEqual(inWorker, inThePage);
});

describe('a host without the channel', options, () => {
  test('is told from one that cannot be reached', async () => {
    const absent = await at.inPage(async ({ start, outcome, photo }) => {
      const eye = await start({ channel: 'T_2' });
      return { synced: await eye.sync(), state: eye.state, seen: await outcome(eye.recognize(photo)) };
    });
    assert.deepEqual(absent.synced, { outcome: 'absent', model: null, cause: null, expires: null, expired: false });
    assert.equal(absent.state, 'absent');
    assert.equal(absent.seen.error.code, 'NO_MODEL');
  });
});

test('the error codes of both sides are the same', options, async () => {
  at.web.mounts['/internals/'] = own;
  const {
    core,
    package: published,
    classes,
  } = await at.inPage(async ({ errors }) => {
    const { errorOf } = await import('/internals/error-codes.js');
    const wasm = await import('/pkg/wasm/jicho.js');
    await wasm.default({ module_or_path: '/pkg/wasm/scalar/jicho-scalar.wasm' });
    const codes = errors.ERROR_CODES;
    return { core: wasm.errorCodes(), package: codes, classes: codes.map((code) => errorOf(code, '').name in errors) };
  });
  // One is the wasm module's own, two are the package's.
  assert.deepEqual(
    published.filter((code) => code !== 'DISPOSED' && code !== 'BUSY'),
    core.filter((code) => code !== 'NEEDS_TRACT'),
  );
  assert.ok(classes.every(Boolean));
});

test('importing it does nothing, on a server as well', options, async () => {
  const { Jicho, UnsupportedError } = await import('../../pkg/dist/index.js');
  await assert.rejects(Jicho.open({ channel: 'T_1', models: 'https://example.com/' }), UnsupportedError);
  await import('../../pkg/dist/worker.js');
});

test('the largest picture is the same on both sides', () => {
  const rust = readFileSync(new URL('../../src/frame/mod.rs', import.meta.url), 'utf8');
  const script = readFileSync(new URL('../../pkg/src/capture/part.ts', import.meta.url), 'utf8');
  const limit = (source) => /MAX_PIXELS(?:: u64)? = ([\d_]+)/.exec(source)?.[1].replaceAll('_', '');
  assert.ok(limit(rust));
  assert.equal(limit(script), limit(rust));
});
