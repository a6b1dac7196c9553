// A tab that dies in the middle of anything leaves a whole vault.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mulberry32 } from './faults/choose.mjs';
import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const SEED = Number(process.env.JICHO_SEED ?? 1);
const KILLS = Number(process.env.JICHO_KILLS ?? 12);
/** Calls of the database that the work between two kills makes, at least. */
const CALLS = 400;
const options = { timeout: (3 + KILLS) * PATIENCE };
const at = vaults();

/** In the page: so much that a rotation takes several transactions. */
async function fill({ open, jpeg, numbered }) {
  const vault = await open();
  for (let i = 0; i < 150; i++) {
    const id = numbered(i);
    await vault.add({ kind: 'scan', version: id, thumbnail: jpeg(100) }, { id });
    await globalThis.told(id);
  }
  await vault.close();
}

/** In the page: rotates and adds until it dies, and tells which records it was told are there. */
async function work({ open, jpeg, numbered, args }) {
  const vault = await open(args.options);
  const adds = (async () => {
    for (let i = 0; ; i++) {
      const id = numbered(1000 * args.kill + i);
      await vault.add(
        {
          kind: i % 4 === 3 ? 'prototype' : 'scan',
          ...(i % 4 === 3
            ? { label: id, backbone: '', embedding: Float32Array.of(i) }
            : { version: id, thumbnail: jpeg(100) }),
        },
        { id },
      );
      await globalThis.told(id);
    }
  })();
  const rotates = (async () => {
    for (;;) await vault.rotate();
  })();
  await Promise.race([adds, rotates]);
}

/** In the page: at that call of the database, waits for an answer that never comes. */
function holdAt({ args }) {
  let calls = 0;
  for (const [type, methods] of [
    [IDBDatabase, ['transaction']],
    [IDBObjectStore, ['put', 'delete', 'get']],
  ]) {
    for (const name of methods) {
      const method = type.prototype[name];
      type.prototype[name] = function (...parameters) {
        if (++calls === args.call) {
          const hold = new XMLHttpRequest();
          hold.open('GET', `/hold/${name}`, false);
          hold.send();
        }
        return method.apply(this, parameters);
      };
    }
  }
}

/** What must hold whatever died, and that a rotation is finished by who opens the vault next. */
async function check(told) {
  const page = await at.newPage();
  const seen = await at.inPage(
    async ({ open, everything, behindItsBack, done }) => {
      // In a header with the app's own key the number of data keys is byte 78.
      const keys = (await behindItsBack(({ headers }) => done(headers.get('shop'))))[78];
      const vault = await open();
      const scans = await everything(vault, { blobs: true });
      const prototypes = await everything(vault, { kind: 'prototype', blobs: true });
      let diagnosis = await vault.diagnose();
      while (diagnosis.rotating) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        diagnosis = await vault.diagnose();
      }
      const after = await everything(vault, { blobs: true });
      const records = [...after.records, ...prototypes.records];
      const whole = records.every(
        ({ id, version, label, thumbnail, embedding }) =>
          id === (version ?? label) && (thumbnail?.size === 100 || embedding?.length === 1),
      );
      await vault.close();
      return {
        keys,
        ids: records.map(({ id }) => id),
        same: JSON.stringify(scans.records) === JSON.stringify(after.records),
        whole,
        damaged: [...scans.damaged, ...prototypes.damaged, ...after.damaged],
        lost: diagnosis.lost,
        counts: diagnosis.records,
      };
    },
    {},
    page,
  );
  await page.close();
  assert.deepEqual([seen.damaged, seen.lost, seen.same, seen.whole], [[], 0, true, true]);
  assert.deepEqual(
    [...told].filter((id) => !seen.ids.includes(id)),
    [],
    'records that were there are gone',
  );
  assert.equal(seen.counts.scan + seen.counts.lesson, seen.ids.length);
  return { found: seen.ids.length, unfinished: seen.keys > 1 };
}

for (const worker of [false, true]) {
  test(
    `killed while it rotates and adds, ${worker ? 'at any time' : 'at any call of the database'}: nothing is lost`,
    options,
    async () => {
      const choose = mulberry32(SEED);
      const told = new Set();
      let rotations = 0;
      await at.context.exposeFunction('told', (id) => told.add(id));
      await at.inPage(fill);
      for (let kill = 1; kill <= KILLS; kill++) {
        const call = 1 + Math.floor(choose() * CALLS);
        const page = await at.newPage();
        const holds = new Promise((resolve) => {
          at.web.misbehave = (path) => path.startsWith('/hold/') && (resolve(), true);
        });
        if (!worker) await at.inPage(holdAt, { call }, page);
        const die = await at.killer(page);
        const begun = told.size;
        const dies = at.inPage(work, { kill, options: { worker } }, page).then(
          () => 'it ended',
          ({ message }) => message,
        );
        // With a worker, the browser's own speed says where it dies.
        if (worker)
          while (told.size < begun + 1 + Math.floor(choose() * 20))
            await new Promise((resolve) => setTimeout(resolve, 1));
        else await Promise.race([holds, dies]);
        await die();
        assert.match(await dies, /crashed/);
        await page.close();
        const { found, unfinished } = await check(told).catch((error) => {
          throw new Error(`after the kill ${kill} of the seed ${SEED}, at the call ${call}: ${error.message}`, {
            cause: error,
          });
        });
        rotations += unfinished;
        // Whatever was under way when it died, one record at most is there that nobody was told of.
        assert.ok(found <= told.size + kill, `${found} records of ${told.size}`);
      }
      assert.ok(rotations > 0, 'no rotation was cut off');
    },
  );
}
