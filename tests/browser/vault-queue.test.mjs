// Sales made offline: none is lost, dropped or sold twice.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();

/** What a shop's server received, in order; `answer` may hold a sale back or refuse it. */
async function receiver(context) {
  const self = { received: [], answer: () => undefined };
  await context.exposeFunction('receive', async (sale) => {
    self.received.push(sale);
    await self.answer(sale);
  });
  return self;
}

/** Opens the vault for a page's `vault`. */
const open = (page, opening = {}) =>
  at.inPage(
    async ({ open, args }) => {
      globalThis.vault = await open(args);
    },
    opening,
    page,
  );

/** Adds sales one after another. Those of one millisecond would have no order. */
const sell = (orders) =>
  at.inPage(
    async ({ args }) => {
      const ids = [];
      for (const order of args.orders) {
        ids.push(await globalThis.vault.add({ kind: 'sale', order }));
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      return ids;
    },
    { orders },
  );

const deliver = (page) => at.inPage(({ codeOf }) => codeOf(globalThis.vault.deliver(globalThis.receive)), {}, page);
const waiting = (page) =>
  at.inPage(
    async ({ everything }) => (await everything(globalThis.vault, { kind: 'sale' })).records.map(({ order }) => order),
    {},
    page,
  );

for (const worker of [true, false]) {
  describe(worker ? 'with a worker' : 'in the page', options, () => {
    test('a full queue refuses one more and drops none, also from a file', async () => {
      const seen = await at.inPage(
        async ({ open, outcome, codeOf, everything, passphrase, args }) => {
          const vault = await open({ ...args, queueLimit: 3 });
          for (const order of [1, 2, 3]) await vault.add({ kind: 'sale', order });
          const { error } = await outcome(vault.add({ kind: 'sale', order: 4 }));
          // What is no sale has no limit, and one that is there already needs no room.
          await vault.add({ kind: 'scan' });
          const [first] = (await vault.list({ kind: 'sale' })).records;
          const again = await vault.add({ kind: 'sale', order: 5 }, { id: first.id });
          const { file } = await vault.export(passphrase);
          const other = await open({ ...args, name: 'other', queueLimit: 2 });
          const imported = await codeOf(other.import(file, passphrase));
          const nothing = Object.values((await other.diagnose()).records).every((count) => count === 0);
          const orders = async () =>
            (await everything(vault, { kind: 'sale' })).records.map(({ order }) => order).sort();
          const kept = await orders();
          await vault.delete(first.id);
          await vault.add({ kind: 'sale', order: 6 });
          return {
            code: error?.code,
            typed: error?.typed,
            again: again === first.id,
            imported,
            nothing,
            kept,
            then: (await orders()).length,
          };
        },
        { worker },
      );
      assert.deepEqual(seen, {
        code: 'QUEUE_FULL',
        typed: true,
        again: true,
        imported: 'QUEUE_FULL',
        nothing: true,
        kept: [1, 2, 3],
        then: 3,
      });
    });

    test('sales go out the oldest first; one that is refused keeps those behind it', async () => {
      const server = await receiver(at.context);
      await open(at.page, { worker });
      const ids = await sell(['a', 'b', 'c', 'd']);
      server.answer = ({ order }) => {
        if (order === 'c') throw new Error('out of stock');
      };
      const refused = await at.inPage(({ outcome }) => outcome(globalThis.vault.deliver(globalThis.receive)));
      // What the app's own function threw, as it is.
      assert.equal(refused.error.typed, false);
      assert.match(refused.error.message, /out of stock/);
      assert.deepEqual(
        server.received.map(({ order }) => order),
        ['a', 'b', 'c'],
      );
      assert.deepEqual(await waiting(at.page), ['c', 'd']);
      server.answer = () => undefined;
      assert.deepEqual(await deliver(at.page), { delivered: 2, damaged: [] });
      assert.deepEqual(
        server.received.map(({ id }) => id),
        [ids[0], ids[1], ids[2], ids[2], ids[3]],
      );
      assert.deepEqual(await waiting(at.page), []);
      assert.deepEqual(await deliver(at.page), { delivered: 0, damaged: [] });
    });

    test('a delivery that is aborted stops behind the sale that is out, or before it begins', async () => {
      const server = await receiver(at.context);
      await open(at.page, { worker });
      await sell(['a', 'b']);
      const seen = await at.inPage(async ({ codeOf }) => {
        const controller = new AbortController();
        const send = async (sale) => {
          await globalThis.receive(sale);
          controller.abort();
        };
        const during = await codeOf(globalThis.vault.deliver(send, { signal: controller.signal }));
        const before = await codeOf(globalThis.vault.deliver(globalThis.receive, { signal: AbortSignal.abort() }));
        return { during, before };
      });
      assert.deepEqual(seen, { during: 'ABORTED', before: 'ABORTED' });
      assert.deepEqual([server.received.map(({ order }) => order), await waiting(at.page)], [['a'], ['b']]);
    });

    test('two tabs that deliver at once send each sale once', async () => {
      const server = await receiver(at.context);
      const tabs = [at.page, await at.newPage()];
      for (const tab of tabs) await open(tab, { worker });
      const ids = await sell(['a', 'b', 'c', 'd', 'e', 'f']);
      server.answer = () => new Promise((resolve) => setTimeout(resolve, 30));
      const told = await Promise.all(tabs.map(deliver));
      assert.deepEqual(
        server.received.map(({ id }) => id),
        ids,
      );
      assert.equal(told[0].delivered + told[1].delivered, 6);
    });

    test('a tab that dies between confirmation and removal sends the sale again, under the same id', async () => {
      const server = await receiver(at.context);
      await open(at.page, { worker });
      const ids = await sell(['a', 'b', 'c']);
      const confirmed = new Promise((resolve) => {
        server.answer = ({ order }) => order === 'b' && resolve();
      });
      void at
        .inPage(async () => {
          await globalThis.vault.deliver(async (sale) => {
            await globalThis.receive(sale);
            if (sale.order === 'b') await new Promise(() => undefined);
          });
        })
        .catch(() => undefined);
      await confirmed;
      await (await at.killer())();
      const other = await at.newPage();
      await open(other, { worker });
      server.answer = () => undefined;
      assert.deepEqual(await deliver(other), { delivered: 2, damaged: [] });
      assert.deepEqual(
        server.received.map(({ id }) => id),
        [ids[0], ids[1], ids[1], ids[2]],
      );
      assert.deepEqual(server.received[1], server.received[2]);
    });

    test('one that waits for a tab that dies delivers what that one left', async () => {
      const server = await receiver(at.context);
      const other = await at.newPage();
      for (const tab of [at.page, other]) await open(tab, { worker });
      const ids = await sell(['a', 'b']);
      const begun = new Promise((resolve) => {
        server.answer = () => new Promise(resolve);
      });
      void deliver(at.page).catch(() => undefined);
      await begun;
      const second = deliver(other);
      server.answer = () => undefined;
      await (await at.killer())();
      assert.deepEqual(await second, { delivered: 2, damaged: [] });
      assert.deepEqual(
        server.received.map(({ id }) => id),
        [ids[0], ids[0], ids[1]],
      );
    });
  });
}

test('a sale that does not open is told, and the others are delivered', options, async () => {
  const server = await receiver(at.context);
  await open(at.page);
  const ids = await sell(['a', 'b', 'c']);
  await at.inPage(
    ({ behindItsBack, done, place, args }) =>
      behindItsBack(async ({ rows }) => {
        const row = await done(rows.get(place('shop', args.id)));
        row.sealed[40] ^= 1;
        rows.put(row);
      }),
    { id: ids[1] },
  );
  const { delivered, damaged } = await deliver(at.page);
  assert.deepEqual(
    [delivered, damaged.map(({ id, kind, error }) => [id, kind, error.code])],
    [2, [[ids[1], 'sale', 'RECORD_DAMAGED']]],
  );
  assert.deepEqual(
    server.received.map(({ order }) => order),
    ['a', 'c'],
  );
  // It keeps its place until somebody decides.
  assert.deepEqual(await at.inPage(() => globalThis.vault.diagnose().then(({ records }) => records.sale)), 1);
});
