// Compares the result of `diagnose()` with docs/diagnostics.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

/** The documentation's types by field path, for a channel (0) or for a vault (1). */
function documented(section = 0) {
  const all = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
  const text = all.split("## A vault's own")[section];
  const fields = new Map();
  for (const [, names, meaning] of text.matchAll(/^\| (`.+?`) \| (.+) \|$/gm)) {
    const [first, ...others] = names.match(/[\w.]+/g);
    // `.x` has the parent of the first.
    const parent = first.replace(/\.\w+$/, '');
    for (const name of [first, ...others]) fields.set(name.startsWith('.') ? parent + name : name, meaning);
  }
  // An object is told by its own fields.
  for (const name of [...fields.keys()])
    if ([...fields.keys()].some((other) => other.startsWith(`${name}.`))) fields.delete(name);
  return fields;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The values by their paths: `a`, or `a.b` where `a` is an object. */
function flat(diagnosis) {
  const entries = Object.entries(diagnosis).flatMap(([name, value]) =>
    isObject(value)
      ? Object.entries(value).map(([inner, innerValue]) => [`${name}.${inner}`, innerValue])
      : [[name, value]],
  );
  return new Map(entries);
}

/** All property names within a value, at any depth. */
function namesIn(value) {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return isObject(value) ? Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]) : [];
}

/** Uses every feature, fails once, and diagnoses. */
const used = async ({ start, outcome, photo, args }) => {
  const eye = await start({ token: 'sesame', products: args.products });
  await eye.sync();
  for (let i = 0; i < 3; i++) await eye.recognize(photo);
  await outcome(eye.recognize(new File(['these are words'], 'private.jpg')));
  globalThis.eye = eye;
  return eye.diagnose();
};

describe('diagnose()', options, () => {
  test('tells what is documented, field by field', async () => {
    await at.inPage(used, { products: at.first.labels });
    at.web.misbehave = (path, response) => path.endsWith('/metadata.json') && Boolean(response.writeHead(500).end());
    const diagnosis = await at.inPage(async ({ outcome }) => {
      await outcome(globalThis.eye.sync());
      return globalThis.eye.diagnose();
    });
    const fields = documented();
    const values = flat(diagnosis);
    assert.deepEqual([...values.keys()].sort(), [...fields.keys()].sort());
    for (const [path, value] of values) {
      // Named by the errors' codes.
      const names = path === 'measures.errors' ? [] : namesIn(value);
      for (const name of names)
        assert.ok(fields.get(path).includes(`\`${name}\``), `${path}: ${name} is not documented`);
    }
    assert.deepEqual(JSON.parse(JSON.stringify(diagnosis)), diagnosis);

    const { check, engine, measures, memory, model, storage, trust } = diagnosis;
    assert.deepEqual([diagnosis.channel, diagnosis.models, diagnosis.state], ['T_1', `${at.web.url}/models/`, 'ready']);
    assert.deepEqual([engine.thread, engine.build, engine.version], ['worker', 'relaxed', diagnosis.version]);
    assert.deepEqual(
      [model.version, model.releaseSeq, model.latestSeq],
      [at.first.version, at.first.releaseSeq, at.first.releaseSeq],
    );
    const needed = at.first.files
      .filter(({ role }) => role !== 'backbone')
      .map(({ role, sha256, bytes }) => ({ role, sha256, bytes }));
    const byRole = (a, b) => (a.role < b.role ? -1 : 1);
    assert.deepEqual(model.files.sort(byRole), needed.sort(byRole));
    assert.deepEqual([model.stored, model.storedProblem, model.candidate], [true, null, false]);
    assert.deepEqual(trust, { keys: 0, token: true, products: at.first.labels.length });
    assert.deepEqual([check.last.outcome, check.last.error.code, check.everyMinutes], ['failed', 'HTTP_STATUS', 0]);
    assert.deepEqual([storage.durable, storage.schema, storage.askedToPersist], [true, 3, true]);
    assert.ok(storage.usedBytes > 0 && storage.quotaBytes > storage.usedBytes);
    assert.ok(memory.wasmBytes > 0 && memory.scriptBytes > 0 && memory.keptBytes === 0);
    assert.equal(measures.loads.count, 1);
    assert.equal(measures.inferences.count, 3);
    assert.ok(measures.inferences.median <= measures.inferences.p95);
    assert.deepEqual([measures.confidence.length, measures.confidence.reduce((a, b) => a + b)], [10, 3]);
    assert.deepEqual(measures.errors, { INVALID_FRAME: 1, HTTP_STATUS: 1 });
  });

  test('has nothing personal in it, and no secret', async () => {
    const told = JSON.stringify(await at.inPage(used, { products: [...at.first.labels, 'product of mine'] }));
    const secrets = [
      ...at.first.labels,
      'product of mine',
      'private.jpg',
      'these are words',
      'sesame',
      at.photo.split('/').at(-1),
    ];
    for (const secret of secrets) assert.ok(!told.includes(secret), secret);
  });

  test('outlives the page, and begins anew after a reset, in all tabs', async () => {
    const counts = async ({ measures }) => [
      measures.inferences.count,
      measures.loads.count,
      Object.keys(measures.errors).length,
    ];
    const diagnose = (page) => page.evaluate(() => globalThis.eye.diagnose());
    const open = async ({ start }) => void (globalThis.eye = await start());
    await at.inPage(used);
    await at.inPage(() => globalThis.eye.dispose());
    await at.page.reload();
    await at.inPage(open);
    // Loaded from the store once more.
    assert.deepEqual(await counts(await diagnose(at.page)), [3, 2, 1]);
    assert.equal((await diagnose(at.page)).check.last.outcome, 'updated');

    const second = await at.newPage();
    await at.inPage(open, {}, second);
    await at.inPage(() => globalThis.eye.resetDiagnostics());
    assert.deepEqual(await counts(await diagnose(at.page)), [0, 0, 0]);
    await second.waitForFunction(async () => (await globalThis.eye.diagnose()).measures.loads.count === 0);
    assert.equal(await second.evaluate(() => globalThis.eye.state), 'ready');
  });

  test('answers without a model, and where storage is forbidden', async () => {
    at.publish(at.older);
    const diagnosis = await at.inPage(async ({ start }) => {
      Object.defineProperty(globalThis, 'localStorage', {
        get() {
          throw new DOMException('denied', 'SecurityError');
        },
      });
      return (await start({ channel: 'T_9' })).diagnose();
    });
    assert.deepEqual([diagnosis.state, diagnosis.model, diagnosis.check.last], ['absent', null, null]);
    assert.deepEqual(diagnosis.measures.inferences, { count: 0, median: null, p95: null });
  });
});

test('a vault tells what is documented, field by field', options, async () => {
  const told = await at.page.evaluate(async () => {
    const { Vault } = await import('/pkg/dist/vault.js');
    const vault = await Vault.open({ name: 'diagnosed', unlock: 'device' });
    const diagnosis = await vault.diagnose();
    await vault.destroy();
    return Object.keys(diagnosis).sort();
  });
  assert.deepEqual(told, [...documented(1).keys()].sort());
});
