// What the library stores in the browser, and what it finds there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

const everything = () => at.inPage(async () => (await import('/pages/store.js')).everything());
const store = (name, ...args) =>
  at.inPage(async ({ args }) => (await import('/pages/store.js'))[args.name](...args.args), { name, args });
/** The note that the browser was asked to keep the storage belongs to all channels together. */
const ofChannels = ({ local: { 'jicho asked to persist': _, ...local } }) => local;
const hasModel = async ({ start, photo }) => {
  const eye = await start();
  await eye.sync();
  await eye.recognize(photo);
  eye.dispose();
};

describe('clear()', options, () => {
  for (const worker of [true, false]) {
    test(`leaves nothing, ${worker ? 'with a worker' : 'in the page'}`, async () => {
      const seen = await at.inPage(
        async ({ start, outcome, photo, args }) => {
          const { everything } = await import('/pages/store.js');
          const eye = await start({ worker: args.worker });
          await eye.sync();
          await eye.recognize(photo);
          eye.resetDiagnostics();
          const before = await everything();
          await eye.clear();
          const { error } = await outcome(eye.recognize(photo));
          const { state, model } = eye;
          eye.dispose();
          return { before, after: await everything(), code: error?.code, state, model };
        },
        { worker },
      );
      const { releases, blobs } = seen.before.databases.jicho;
      assert.deepEqual([Object.keys(releases).length, Object.keys(blobs).length], [1, 3]);
      assert.equal(Object.keys(ofChannels(seen.before)).length, 1);
      assert.deepEqual([seen.code, seen.state, seen.model], ['NO_MODEL', 'absent', null]);
      const nothing = { releases: {}, blobs: {}, state: {}, lessons: {} };
      const empty = { databases: { jicho: nothing }, local: {}, session: {}, caches: {}, cookies: '', files: [] };
      assert.deepEqual({ ...seen.after, local: ofChannels(seen.after) }, empty);
      // A later page finds nothing either, and opening a channel stores nothing.
      await at.page.reload();
      const state = await at.inPage(async ({ start }) => {
        const eye = await start();
        const { state } = eye;
        eye.dispose();
        return state;
      });
      assert.equal(state, 'absent');
      const last = await everything();
      assert.deepEqual({ ...last, local: ofChannels(last) }, empty);
    });
  }
});

test('an aborted sync leaves the store as it was', options, async () => {
  await at.inPage(hasModel);
  const before = await everything();
  at.publish(at.newer);
  at.web.misbehave = (path, response) =>
    path.includes('/blobs/') && response.writeHead(200, { 'Content-Length': 1e6 }).write('some');
  const seen = await at.inPage(async ({ start, outcome, photo }) => {
    const eye = await start();
    const controller = new AbortController();
    const { error } = await outcome(eye.sync({ signal: controller.signal, onProgress: () => controller.abort() }));
    const { version } = await eye.recognize(photo);
    eye.dispose();
    return { code: error?.code, version };
  });
  assert.deepEqual(seen, { code: 'ABORTED', version: at.first.version });
  assert.deepEqual((await everything()).databases, before.databases);
});

test('a database that an older version of the library left is taken over', options, async () => {
  await at.inPage(hasModel);
  await store('makeVersion1');
  const run = async ({ start, photo }) => {
    const eye = await start();
    const { version } = await eye.recognize(photo);
    const { outcome, model } = await eye.sync();
    return { version, outcome, then: model.version, stored: model.stored };
  };
  const offline = (path, response) => path.startsWith('/models/') && Boolean(response.destroy());
  at.web.misbehave = offline;
  const { version } = at.first;
  assert.deepEqual(await at.inPage(run), { version, outcome: 'offline', then: version, stored: true });
  at.web.misbehave = undefined;
  at.publish(at.newer);
  await at.page.reload();
  assert.deepEqual(await at.inPage(run), { version, outcome: 'updated', then: at.second.version, stored: true });
});

test('a database that a newer version of the library left is an error, and is not wiped', options, async () => {
  await at.inPage(hasModel);
  await store('makeNewer', 7);
  const before = await everything();
  for (const worker of [true, false]) {
    const { error } = await at.inPage(async ({ start, outcome, args }) => outcome(start({ worker: args.worker })), {
      worker,
    });
    assert.equal(error?.code, 'STORAGE');
    assert.ok(error.typed);
    assert.match(error.message, /newer version/);
  }
  const { local, ...kept } = await everything();
  assert.deepEqual(kept.databases, before.databases);
  assert.ok('of the future' in kept.databases.jicho);
});

test(
  'a connection to the database that is lost once is opened anew, and one that stays lost is told',
  options,
  async () => {
    const hurt = (how) => `async ({ start, photo }) => {
    const eye = await start({ worker: () => new Worker('/pages/hurt-worker.js?${how}', { type: 'module' }) });
    const { outcome, model } = await eye.sync();
    const { version } = await eye.recognize(photo);
    return { outcome, version, stored: model.stored, told: model.storedProblem !== null };
  }`;
    const { version } = at.first;
    assert.deepEqual(await at.inPage(hurt('connection-lost')), {
      outcome: 'updated',
      version,
      stored: false,
      told: true,
    });
    await at.page.reload();
    assert.deepEqual(await at.inPage(hurt('connection-lost-once')), {
      outcome: 'updated',
      version,
      stored: true,
      told: false,
    });
  },
);
