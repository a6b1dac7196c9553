// One vault in several tabs at once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();

/** Two pages of one device, each with the vault open as its `vault`. */
async function twoTabs(opening) {
  const tabs = [at.page, await at.newPage()];
  const open = async ({ open, args }) => {
    globalThis.vault = await open(args);
  };
  await Promise.all(tabs.map((tab) => at.inPage(open, opening, tab)));
  return tabs;
}

const both = (tabs, run, args = {}) =>
  Promise.all(tabs.map((tab, tabIndex) => at.inPage(run, { ...args, tab: tabIndex }, tab)));

for (const worker of [true, false]) {
  describe(worker ? 'with workers' : 'in the pages', options, () => {
    test('both make it at once, and have the same', async () => {
      for (const unlock of [undefined, 'device']) {
        const name = `at-once-${unlock}`;
        const tabs = await twoTabs({ worker, name, ...(unlock && { unlock }) });
        await both(tabs, ({ args }) => globalThis.vault.add({ kind: 'scan', score: args.tab }));
        const scores = async ({ everything }) =>
          (await everything(globalThis.vault)).records.map(({ score }) => score).sort();
        assert.deepEqual(
          await both(tabs, scores),
          [
            [0, 1],
            [0, 1],
          ],
          name,
        );
      }
    });

    test('what both add at once is all there, once', async () => {
      const tabs = await twoTabs({ worker });
      const ids = await both(tabs, async ({ args }) => {
        const ids = [];
        // Five at a time, since an app does not wait for each.
        for (let i = 0; i < 20; i++) {
          const scores = Array.from({ length: 5 }, (_, j) => 1000 * args.tab + 5 * i + j);
          ids.push(...(await Promise.all(scores.map((score) => globalThis.vault.add({ kind: 'scan', score })))));
        }
        return ids;
      });
      const seen = await both(tabs, async ({ everything }) => {
        const { records, damaged } = await everything(globalThis.vault);
        const { lost, keyUses, records: counts } = await globalThis.vault.diagnose();
        return {
          ids: records.map(({ id }) => id).sort(),
          scores: records.map(({ score }) => score).sort((a, b) => a - b),
          damaged,
          lost,
          keyUses,
          counts,
        };
      });
      for (const { ids: found, scores, damaged, lost, keyUses, counts } of seen) {
        assert.deepEqual(found, ids.flat().sort());
        assert.deepEqual(
          scores,
          [0, 1000].flatMap((base) => Array.from({ length: 100 }, (_, i) => base + i)),
        );
        assert.deepEqual([damaged, lost, counts.scan], [[], 0, 200]);
        // One that was overtaken sealed again, and counts both.
        assert.ok(keyUses >= 200);
      }
    });

    test('the same id from both is one record', async () => {
      const tabs = await twoTabs({ worker });
      await both(tabs, async ({ args }) => {
        for (let i = 0; i < 30; i++)
          await globalThis.vault.add({ kind: 'scan', score: args.tab }, { id: String(i).padStart(32, '0') });
      });
      const { scan } = await at.inPage(() => globalThis.vault.diagnose().then(({ records }) => records));
      assert.equal(scan, 30);
    });

    test("the queue's limit holds for both together", async () => {
      const tabs = await twoTabs({ worker, queueLimit: 25 });
      const codes = await both(tabs, async ({ codeOf, args }) => {
        const codes = [];
        for (let i = 0; i < 20; i++)
          codes.push(await codeOf(globalThis.vault.add({ kind: 'sale', order: [args.tab, i] })));
        return codes;
      });
      const taken = codes.flat().filter((code) => code !== 'QUEUE_FULL');
      assert.equal(taken.length, 25);
      const found = await at.inPage(async ({ everything }) =>
        (await everything(globalThis.vault, { kind: 'sale' })).records.map(({ id }) => id),
      );
      assert.deepEqual(found.sort(), taken.sort());
    });

    test('one rotates while the other reads and writes', async () => {
      const tabs = await twoTabs({ worker });
      const before = await at.inPage(async ({ jpeg }) => {
        const ids = [];
        for (let i = 0; i < 150; i++)
          ids.push(
            await globalThis.vault.add({ kind: 'scan', score: i, ...(i % 10 === 0 && { thumbnail: jpeg(300) }) }),
          );
        return ids;
      });
      const rotates = at.inPage(async () => {
        let moved = 0;
        for (let round = 0; round < 3; round++) moved += (await globalThis.vault.rotate()).moved;
        globalThis.rotated = true;
        return moved;
      });
      const works = at.inPage(
        async ({ everything, codeOf, args }) => {
          const { vault } = globalThis;
          const wrong = [];
          const added = [];
          for (let i = 0; i < 40; i++) {
            added.push(await vault.add({ kind: 'scan', score: 1000 + i }));
            const id = args.before[(i * 37) % args.before.length];
            const got = await codeOf(vault.get(id));
            if (got?.id !== id) wrong.push(got);
            if (i % 10 === 0) {
              const { records, damaged } = await everything(vault, { blobs: true });
              if (damaged.length > 0 || records.length !== 151 + i) wrong.push([records.length, damaged]);
            }
          }
          return { wrong, added };
        },
        { before },
        tabs[1],
      );
      const [moved, { wrong, added }] = await Promise.all([rotates, works]);
      assert.deepEqual(wrong, []);
      assert.ok(moved >= 3 * 150);
      const seen = await both(tabs, async ({ everything }) => {
        const { records, damaged } = await everything(globalThis.vault, { blobs: true });
        const { rotating, lost } = await globalThis.vault.diagnose();
        return {
          ids: records.map(({ id }) => id).sort(),
          blobs: records.filter(({ thumbnail }) => thumbnail?.size === 300).length,
          damaged,
          rotating,
          lost,
        };
      });
      const ids = [...before, ...added].sort();
      for (const tab of seen) assert.deepEqual(tab, { ids, blobs: 15, damaged: [], rotating: false, lost: 0 });
    });

    test('both rotate at once', async () => {
      const tabs = await twoTabs({ worker });
      await at.inPage(async () => {
        for (let score = 0; score < 100; score++) await globalThis.vault.add({ kind: 'scan', score });
      });
      await both(tabs, () => globalThis.vault.rotate());
      const seen = await both(tabs, async ({ everything }) => {
        const { rotating, lost } = await globalThis.vault.diagnose();
        const { records, damaged } = await everything(globalThis.vault);
        return [rotating, lost, records.length, damaged];
      });
      assert.deepEqual(seen, Array(2).fill([false, 0, 100, []]));
    });

    test('locked anew in one, the other goes on until the keys change, and then is closed', async () => {
      const [one, two] = await twoTabs({ worker });
      const seen = await at.inPage(
        async ({ passphrase }) => {
          await globalThis.vault.relock({ passphrase });
          return (await globalThis.vault.diagnose()).lock;
        },
        {},
        one,
      );
      assert.equal(seen, 'passphrase');
      const goesOn = async ({ codeOf }) => {
        const id = await codeOf(globalThis.vault.add({ kind: 'scan', score: 6 }));
        return (await codeOf(globalThis.vault.get(id)))?.score;
      };
      assert.equal(await at.inPage(goesOn, {}, two), 6);
      await at.inPage(() => globalThis.vault.rotate(), {}, one);
      const codes = await at.inPage(
        async ({ codeOf }) => [
          await codeOf(globalThis.vault.list()),
          await codeOf(globalThis.vault.add({ kind: 'scan' })),
        ],
        {},
        two,
      );
      assert.deepEqual(codes, ['VAULT_CLOSED', 'VAULT_CLOSED']);
      // What it wrote meanwhile is there.
      assert.deepEqual(
        await at.inPage(async () => (await globalThis.vault.list()).records.map(({ score }) => score), {}, one),
        [6],
      );
    });

    test('both destroy it and make it anew, again and again: nobody is left with half of one', async () => {
      const tabs = [at.page, await at.newPage()];
      const codes = await both(
        tabs,
        async ({ open, Vault, codeOf, args }) => {
          const codes = new Set();
          for (let i = 0; i < args.rounds; i++) {
            await Vault.destroy('shop', { worker: args.worker });
            const vault = await codeOf(open({ worker: args.worker, unlock: 'device' }));
            codes.add(typeof vault === 'string' ? vault : await codeOf(vault.close()));
          }
          return [...codes];
        },
        { worker, rounds: worker ? 10 : 30 },
      );
      assert.deepEqual(codes, [[undefined], [undefined]]);
      // What the last one made opens.
      assert.deepEqual(
        await at.inPage(async ({ open, args }) => (await (await open(args)).list()).records, {
          worker,
          unlock: 'device',
        }),
        [],
      );
    });

    test('destroyed in one, the other is closed and leaves nothing', async () => {
      const [one, two] = await twoTabs({ worker, unlock: 'device' });
      const writes = at.inPage(
        async ({ codeOf }) => {
          for (let i = 0; ; i++) {
            const code = await codeOf(globalThis.vault.add({ kind: 'scan' }));
            globalThis.added = i;
            if (!/^[0-9a-f-]{36}$/.test(code)) return code;
          }
        },
        {},
        two,
      );
      await two.waitForFunction(() => globalThis.added > 5);
      await at.inPage(() => globalThis.vault.destroy(), {}, one);
      assert.equal(await writes, 'VAULT_CLOSED');
      assert.equal(await at.inPage(({ codeOf }) => codeOf(globalThis.vault.list()), {}, two), 'VAULT_CLOSED');
      assert.deepEqual(await at.inPage(({ leftOf }) => leftOf('shop')), { headers: 0, rows: 0, blobs: 0, keys: 0 });
      // And a new one has nothing of it.
      const fresh = await at.inPage(async ({ open, args }) => (await (await open(args)).list()).records, {
        worker,
        unlock: 'device',
      });
      assert.deepEqual(fresh, []);
    });
  });
}
