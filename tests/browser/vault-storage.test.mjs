// A browser whose storage is missing, lost, full or old.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();

for (const worker of [true, false]) {
  describe(worker ? 'with a worker' : 'in the page', options, () => {
    for (const hurts of ['no-database', 'database-forbidden']) {
      test(`a browser without IndexedDB has a vault in memory, where one is asked for: ${hurts}`, async () => {
        const seen = await at.inPage(
          async ({ open, codeOf, everything, jpeg, passphrase, args }) => {
            const refused = await codeOf(open(args));
            const vault = await open({ ...args, queueLimit: 2, memory: true });
            const id = await vault.add(
              { kind: 'scan', score: 1, thumbnail: jpeg(40) },
              { place: { latitude: 10, longitude: 20 } },
            );
            const sales = [];
            for (const order of [1, 2, 3]) sales.push(await codeOf(vault.add({ kind: 'sale', order })));
            const { moved } = await vault.rotate();
            const { thumbnail } = await vault.get(id);
            const { records } = await vault.export(passphrase);
            const { durable } = await vault.diagnose();
            const scans = (await everything(vault)).records.length;
            const near = (await vault.list({ geohash: await vault.geohash({ latitude: 10, longitude: 20 }) })).records
              .length;
            const delivered = await vault.deliver(async () => undefined);
            await vault.destroy();
            const fresh = await open({ ...args, memory: true });
            return {
              refused,
              durable: [vault.durable, durable],
              full: sales[2],
              moved,
              size: thumbnail.size,
              records,
              scans,
              near,
              delivered: delivered.delivered,
              fresh: (await fresh.list()).records.length,
            };
          },
          { worker, hurts: [hurts] },
        );
        assert.deepEqual(seen, {
          refused: 'UNSUPPORTED',
          durable: [false, false],
          full: 'QUEUE_FULL',
          moved: 3,
          size: 40,
          records: 3,
          scans: 1,
          near: 1,
          delivered: 2,
          fresh: 0,
        });
      });
    }

    test('a connection that is lost once is opened anew; one that stays lost is told, and passes', async () => {
      const lost = async (hurt) =>
        at.inPage(
          async ({ open, codeOf, args }) => {
            const vault = await codeOf(open(args));
            return typeof vault === 'string'
              ? vault
              : (await vault.get(await vault.add({ kind: 'scan', score: 2 }))).score;
          },
          { worker, hurts: [hurt] },
        );
      assert.equal(await lost('connection-lost'), 'STORAGE');
      await at.page.reload();
      assert.equal(await lost('connection-lost-once'), 2);
    });

    test('a full disk is told, nothing is half done, and what there is stays', async () => {
      const { origin } = new URL(at.web.url);
      const cdp = await at.context.newCDPSession(at.page);
      const quota = (quotaSize) =>
        cdp.send('Storage.overrideQuotaForOrigin', { origin, ...(quotaSize !== undefined && { quotaSize }) });
      await quota(2_000_000);
      const full = await at.inPage(
        async ({ open, outcome, codeOf, jpeg, everything, args }) => {
          const vault = (globalThis.vault = await open(args));
          let count = 0;
          let error;
          while (count < 100 && !error) {
            ({ error } = await outcome(vault.add({ kind: 'scan', score: count, thumbnail: jpeg(50_000) })));
            if (!error) count += 1;
          }
          const rotated = await codeOf(vault.rotate());
          const { records, damaged } = await everything(vault, { blobs: true });
          const { lost, records: counts } = await vault.diagnose();
          const whole = records.every(({ score, thumbnail }, i) => score === i && thumbnail.size === 50_000);
          return { error, count, rotated, whole, found: records.length, damaged, lost, counts };
        },
        { worker },
      );
      assert.deepEqual(
        [full.error?.code, full.error?.typed, full.rotated],
        ['STORAGE', true, 'STORAGE'],
        full.error?.message,
      );
      assert.match(full.error.message, /Quota/);
      assert.ok(full.count > 5 && full.count < 40);
      assert.deepEqual([full.found, full.whole, full.damaged, full.lost], [full.count, true, [], 0]);
      assert.deepEqual(full.counts, { scan: full.count, correction: 0, lesson: 0, sale: 0 });
      // Room is made by deleting, or by the user.
      await quota();
      const then = await at.inPage(async ({ jpeg, everything }) => {
        const { vault } = globalThis;
        await vault.add({ kind: 'scan', thumbnail: jpeg(50_000) });
        await vault.compact();
        await vault.rotate();
        const { rotating, lost } = await vault.diagnose();
        return [(await everything(vault)).records.length, rotating, lost];
      });
      assert.deepEqual(then, [full.count + 1, false, 0]);
    });
  });
}

for (const fault of ['InvalidStateError', 'UnknownError', 'AbortError']) {
  test(`whatever a call does, a connection that is lost under it is opened anew: ${fault}`, options, async () => {
    const seen = await at.inPage(
      async ({ open, codeOf, passphrase, args }) => {
        const { transaction } = IDBDatabase.prototype;
        let left = 0;
        IDBDatabase.prototype.transaction = function (...parameters) {
          if (left > 0 && left--) throw new DOMException('The database connection is closing.', args.fault);
          return transaction.apply(this, parameters);
        };
        const vault = await open({ worker: false });
        const id = await vault.add({ kind: 'scan', score: 1 });
        const calls = {
          list: () => vault.list(),
          get: () => vault.get(id),
          add: () => vault.add({ kind: 'scan' }),
          rotate: () => vault.rotate(),
          deliver: () => vault.deliver(() => undefined),
          diagnose: () => vault.diagnose(),
          compact: () => vault.compact(),
          export: () => vault.export(passphrase),
          relock: () => vault.relock('device'),
          delete: () => vault.delete(id),
        };
        const told = {};
        for (const [name, call] of Object.entries(calls)) {
          left = 1;
          const once = await codeOf(call());
          const used = left === 0;
          left = 1000;
          const ever = await codeOf(call());
          left = 0;
          told[name] = [typeof once === 'string' && !/^[0-9a-f-]{36}$/.test(once) ? once : 'done', used, ever];
        }
        const { lost, rotating } = await vault.diagnose();
        return { told, lost, rotating };
      },
      { fault },
    );
    for (const [name, told] of Object.entries(seen.told)) assert.deepEqual(told, ['done', true, 'STORAGE'], name);
    assert.equal(seen.lost, 0);
  });
}

test('what is too old goes when the vault is opened, and daily; sales stay', options, async () => {
  const seen = await at.inPage(async ({ open, everything }) => {
    const day = 86_400_000;
    const { now } = Date;
    let days = 0;
    Date.now = () => now() + days * day;
    const kinds = ['scan', 'correction', 'lesson', 'sale'];
    const fill = async (vault) => {
      const scan = await vault.add({ kind: 'scan' });
      await vault.add({ kind: 'correction', scan, label: null });
      await vault.add({ kind: 'prototype', label: 'a', backbone: '', embedding: Float32Array.of(1) });
      await vault.add({ kind: 'sale', order: 1 });
    };
    const counts = async (vault) => {
      const counted = [];
      for (const kind of kinds) counted.push((await everything(vault, { kind })).records.length);
      const { records, lost } = await vault.diagnose();
      return { counted, same: kinds.every((kind, i) => records[kind] === counted[i]), lost };
    };
    const after = async (options, later) => {
      days = later;
      const vault = await open({ worker: false, ...options });
      const seen = await counts(vault);
      await vault.close();
      return seen;
    };
    const begin = async (options) => {
      days = 0;
      const vault = await open({ worker: false, ...options });
      await fill(vault);
      await vault.close();
    };
    const told = {};
    const keep = { name: 'keep', retentionDays: { scans: null, corrections: null, prototypes: 10 } };
    await begin();
    await begin(keep);
    told.before = await after({}, 29);
    told.behind = await after({}, 31);
    // Whoever opens it with the defaults shortens nothing.
    told.second = await after({ name: 'keep' }, 3650);
    told.kept = await after(keep, 3650);
    // One that stays open tends itself with the next record, a day later.
    days = 0;
    const open2 = await open({ worker: false, name: 'daily', retentionDays: { scans: 2 } });
    await fill(open2);
    days = 3;
    const unasked = (await counts(open2)).counted[0];
    await open2.add({ kind: 'scan' });
    told.daily = [unasked, (await counts(open2)).counted[0]];
    days = 6;
    told.compact = (await open2.compact()).expired;
    return told;
  });
  const whole = { same: true, lost: 0 };
  assert.deepEqual(seen, {
    before: { counted: [1, 1, 1, 1], ...whole },
    behind: { counted: [0, 0, 1, 1], ...whole },
    second: { counted: [1, 1, 0, 1], ...whole },
    kept: { counted: [1, 1, 0, 1], ...whole },
    daily: [1, 1],
    compact: 1,
  });
});
