// Every call of the sealed store, with a worker and in the page.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

for (const worker of [true, false]) {
  describe(worker ? 'with a worker' : 'in the page', options, () => {
    test('records of every kind come back as they were, and go', async () => {
      const seen = await at.inPage(
        async ({ open, jpeg, bytesOf, args }) => {
          const vault = await open(args);
          const scan = {
            kind: 'scan',
            decision: 'match',
            predictions: [{ label: 'Äpfel 🍎', confidence: 0.875 }],
            score: 97.5,
            version: 'v1',
            quality: { blur: 0.25 },
          };
          const picture = jpeg(700);
          const ids = {
            scan: await vault.add({
              ...scan,
              attributes: { colour: { label: 'red' } },
              thumbnail: new Blob([picture]),
            }),
            bare: await vault.add({ kind: 'scan' }, { id: '0b0e7a3e-8f5a-4d1f-9a52-3c7b8c9d0e1f' }),
            prototype: await vault.add({
              kind: 'prototype',
              label: 'own',
              backbone: 'ab'.repeat(32),
              embedding: Float32Array.of(1, -2.5, 0.125),
            }),
            sale: await vault.add({ kind: 'sale', order: { total: 3, lines: ['a', null] } }),
          };
          ids.correction = await vault.add({ kind: 'correction', scan: ids.scan, label: null });
          // Adding it again is no second one, even of other content.
          const again = await vault.add({ kind: 'scan', score: 1 }, { id: ids.bare });
          const got = await Promise.all(Object.values(ids).map((id) => vault.get(id)));
          const [{ thumbnail }, , { embedding }] = got;
          const { records } = await vault.diagnose();
          const goes = [await vault.delete(ids.scan), await vault.delete(ids.scan), await vault.get(ids.scan)];
          await vault.close();
          const reopened = await open(args);
          const left = await reopened.get(ids.correction);
          return {
            ids,
            again,
            records,
            goes,
            left: left.scan,
            got: got.map(({ id: _, time, ...record }) => ({
              ...record,
              recent: Math.abs(Date.now() - time) < 86_400_000,
            })),
            blob: [
              thumbnail.type,
              (await bytesOf(thumbnail)).join() === picture.join(),
              embedding instanceof Float32Array,
              [...embedding],
            ],
          };
        },
        { worker },
      );
      assert.equal(seen.ids.bare, '0b0e7a3e-8f5a-4d1f-9a52-3c7b8c9d0e1f');
      assert.equal(seen.again, seen.ids.bare);
      assert.equal(new Set(Object.values(seen.ids)).size, 5);
      for (const id of Object.values(seen.ids)) assert.match(id, UUID);
      const [scan, bare, prototype, sale, correction] = seen.got;
      const empty = {
        decision: null,
        predictions: [],
        attributes: {},
        score: null,
        quality: {},
        geohash: null,
        version: null,
      };
      assert.deepEqual(
        { ...scan, thumbnail: null },
        {
          ...empty,
          kind: 'scan',
          decision: 'match',
          predictions: [{ label: 'Äpfel 🍎', confidence: 0.875 }],
          score: 97.5,
          version: 'v1',
          quality: { blur: 0.25 },
          attributes: { colour: { label: 'red' } },
          blobBytes: 700,
          thumbnail: null,
          recent: true,
        },
      );
      assert.deepEqual(bare, { ...empty, kind: 'scan', blobBytes: 0, recent: true });
      assert.deepEqual(
        { ...prototype, embedding: null },
        { kind: 'prototype', label: 'own', backbone: 'ab'.repeat(32), blobBytes: 12, embedding: null, recent: true },
      );
      assert.deepEqual(seen.blob, ['image/jpeg', true, true, [1, -2.5, 0.125]]);
      assert.deepEqual(sale, { kind: 'sale', order: { total: 3, lines: ['a', null] }, blobBytes: 0, recent: true });
      assert.deepEqual(correction, {
        kind: 'correction',
        scan: seen.ids.scan,
        label: null,
        blobBytes: 0,
        recent: true,
      });
      assert.deepEqual(seen.records, { scan: 2, correction: 1, lesson: 1, sale: 1 });
      assert.deepEqual(seen.goes, [true, false, null]);
      assert.equal(seen.left, seen.ids.scan);
    });

    test('a recognition is kept under its own id', async () => {
      const seen = await at.inPage(
        async ({ open, jpeg, args }) => {
          const vault = await open(args);
          const predictions = Array.from({ length: 9 }, (_, i) => ({
            label: `p${i}`,
            name: `Product ${i}`,
            confidence: 1 / (i + 2),
            image: 'x',
          }));
          const recognition = {
            id: crypto.randomUUID(),
            decision: 'unsure',
            predictions,
            attributes: { size: { label: 'L', confidence: 0.5 } },
            score: 40,
            version: 'v7',
            milliseconds: 12,
          };
          const id = await vault.addScan(recognition, {
            thumbnail: jpeg(10),
            place: { latitude: -1.2921, longitude: 36.8219, accuracy: 3 },
          });
          const twice = await vault.addScan(recognition);
          const { time: _, thumbnail, ...scan } = await vault.get(id);
          return { own: id === recognition.id && twice === id, scan: { ...scan, id: 0 }, thumbnail: thumbnail.size };
        },
        { worker },
      );
      assert.ok(seen.own);
      const predictions = [0, 1, 2, 3, 4].map((i) => ({ label: `p${i}`, confidence: Math.fround(1 / (i + 2)) }));
      assert.deepEqual(
        {
          ...seen.scan,
          predictions: seen.scan.predictions.map(({ label, confidence }) => ({
            label,
            confidence: Math.fround(confidence),
          })),
        },
        {
          kind: 'scan',
          id: 0,
          decision: 'unsure',
          predictions,
          attributes: { size: { label: 'L', confidence: 0.5 } },
          score: 40,
          quality: {},
          geohash: 'kzf0t',
          version: 'v7',
          blobBytes: 10,
        },
      );
      assert.equal(seen.thumbnail, 10);
    });

    test('lists are ranges of time and cells of the map, page by page both ways', async () => {
      const seen = await at.inPage(
        async ({ open, everything, jpeg, args }) => {
          const vault = await open(args);
          const scores = async (query) => (await everything(vault, query)).records.map(({ score }) => score);
          const places = [
            { latitude: -1.2921, longitude: 36.8219 },
            { latitude: -1.3, longitude: 36.83 },
            { latitude: 48.8566, longitude: 2.3522 },
          ];
          const times = [];
          for (let score = 0; score < 7; score++) {
            const id = await vault.add(
              { kind: 'scan', score, thumbnail: jpeg(20, score) },
              { place: places[score % 3] },
            );
            times.push((await vault.get(id)).time);
            // Those of one millisecond have no order.
            while (Date.now() <= times.at(-1)) await new Promise((resolve) => setTimeout(resolve, 1));
          }
          const first = await vault.list({ limit: 3 });
          const withBlobs = await vault.list({ blobs: true, limit: 1 });
          return {
            up: await scores({ limit: 2 }),
            down: await scores({ order: 'newest', limit: 3 }),
            all: await scores({ limit: 100 }),
            from: await scores({ from: times[2] }),
            until: await scores({ until: new Date(times[2]) }),
            between: await scores({ from: new Date(times[1]), until: times[5], limit: 1 }),
            none: await scores({ from: times[5], until: times[1] }),
            nairobi: await scores({ geohash: await vault.geohash(places[0]), limit: 1 }),
            paris: await scores({ geohash: 'U0' }),
            nowhere: await scores({ geohash: 'zzz' }),
            first: [
              first.records.map(({ score }) => score),
              first.records[0].thumbnail ?? null,
              first.records[0].blobBytes,
              typeof first.next,
            ],
            blob: [...new Uint8Array(await withBlobs.records[0].thumbnail.arrayBuffer())].at(-3),
            others: (await vault.list({ kind: 'sale' })).records,
          };
        },
        { worker },
      );
      assert.deepEqual(seen, {
        up: [0, 1, 2, 3, 4, 5, 6],
        down: [6, 5, 4, 3, 2, 1, 0],
        all: [0, 1, 2, 3, 4, 5, 6],
        from: [2, 3, 4, 5, 6],
        until: [0, 1],
        between: [1, 2, 3, 4],
        none: [],
        nairobi: [0, 3, 6],
        paris: [2, 5],
        nowhere: [],
        first: [[6, 5, 4], null, 20, 'string'],
        blob: 6,
        others: [],
      });
    });

    test('an exported file opens on another device, with its passphrase alone and whole alone', async () => {
      const [ours, other] = [at.page, await at.newPage(await at.newDevice())];
      const file = await at.inPage(
        async ({ open, passphrase, jpeg, bytesOf, args }) => {
          const vault = await open(args);
          const scan = await vault.add({ kind: 'scan', score: 5, thumbnail: jpeg(2000) });
          await vault.add({ kind: 'correction', scan, label: 'tea' });
          await vault.add({ kind: 'prototype', label: 'own', backbone: '', embedding: Float32Array.of(3) });
          await vault.add({ kind: 'sale', order: 'one' });
          const { file, records, damaged } = await vault.export(passphrase);
          const again = await vault.import(file, passphrase);
          return { bytes: await bytesOf(file), records, damaged, again, scan, time: (await vault.get(scan)).time };
        },
        { worker },
        ours,
      );
      assert.deepEqual([file.records, file.damaged, file.again], [4, [], { added: 0, present: 4, leftOut: 0 }]);
      const seen = await at.inPage(
        async ({ open, codeOf, passphrase, everything, bytesOf, args }) => {
          const vault = await open(args);
          const whole = Uint8Array.from(args.bytes);
          const flipped = (at) => whole.map((byte, i) => (i === at ? byte ^ 1 : byte));
          const empty = async () => Object.values((await vault.diagnose()).records).every((count) => count === 0);
          const broken = [
            whole.slice(0, -1),
            whole.slice(0, whole.length >> 1),
            flipped(whole.length - 5),
            flipped(whole.length >> 1),
            flipped(0),
            new Uint8Array(),
          ];
          const codes = [];
          for (const bytes of broken) codes.push(await codeOf(vault.import(bytes, passphrase)));
          const wrong = await codeOf(vault.import(whole, `${passphrase}?`));
          const before = await empty();
          const added = await vault.import(new Blob([whole]), passphrase);
          const { thumbnail, score, time } = await vault.get(args.scan);
          const sales = (await everything(vault, { kind: 'sale' })).records.map(({ order }) => order);
          // What was sold there is now in both queues: a file is a copy.
          return {
            codes,
            wrong,
            before,
            added,
            score,
            time,
            thumbnail: (await bytesOf(thumbnail)).length,
            sales,
            after: await vault.import(whole.buffer, passphrase),
          };
        },
        { worker, ...file },
        other,
      );
      assert.deepEqual(seen, {
        codes: Array(6).fill('INVALID_EXPORT'),
        wrong: 'WRONG_KEY',
        before: true,
        added: { added: 4, present: 0, leftOut: 0 },
        score: 5,
        time: file.time,
        thumbnail: 2000,
        sales: ['one'],
        after: { added: 0, present: 4, leftOut: 0 },
      });
    });

    test('plain exports say what a query finds, and nothing a spreadsheet would run', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, args }) => {
          const vault = await open(args);
          const id = await vault.add({
            kind: 'scan',
            decision: 'match',
            predictions: [{ label: '=1+1', confidence: 0.5 }],
            score: 12,
            version: 'a,b',
          });
          await vault.add({ kind: 'sale', order: { total: 1 } });
          const { time } = await vault.get(id);
          const [csv, json, sales] = [
            await vault.exportPlain('csv'),
            await vault.exportPlain('json'),
            await vault.exportPlain('json', { kind: 'sale' }),
          ];
          return {
            id,
            when: new Date(time).toISOString(),
            csv,
            json: JSON.parse(json.text),
            sales: JSON.parse(sales.text),
            none: await vault.exportPlain('csv', { until: 0 }),
            code: await codeOf(vault.exportPlain('xml')),
          };
        },
        { worker },
      );
      const head = 'id,time,decision,label,confidence,score,geohash,version\r\n';
      assert.deepEqual(seen.csv, {
        text: `${head}${seen.id},${seen.when},match,"'=1+1",0.5,12,,"a,b"\r\n`,
        damaged: [],
      });
      assert.deepEqual(
        [seen.json.length, seen.json[0].id, seen.json[0].score, Date.parse(seen.when)],
        [1, seen.id, 12, seen.json[0].time],
      );
      assert.deepEqual([seen.sales.length, seen.sales[0].order], [1, { total: 1 }]);
      assert.deepEqual([seen.none.text, seen.code], [head, 'INVALID_ARGUMENT']);
    });

    test('rotating and clearing up change nothing that can be read', async () => {
      const seen = await at.inPage(
        async ({ open, everything, jpeg, args }) => {
          const vault = await open(args);
          for (let score = 0; score < 70; score++)
            await vault.add({ kind: 'scan', score, ...(score % 10 === 0 && { thumbnail: jpeg(100) }) });
          const before = await everything(vault);
          const { keyUses } = await vault.diagnose();
          const rotation = await vault.rotate();
          const after = await vault.diagnose();
          const compaction = await vault.compact();
          const same = JSON.stringify(await everything(vault)) === JSON.stringify(before);
          return {
            keyUses,
            rotation,
            uses: after.keyUses,
            rotating: after.rotating,
            compaction,
            same,
            count: before.records.length,
            diagnostics: after,
          };
        },
        { worker },
      );
      // 70 records and 7 thumbnails.
      assert.deepEqual([seen.count, seen.keyUses, seen.uses], [70, 77, 77]);
      assert.deepEqual(seen.rotation, { moved: 70, damaged: [] });
      assert.deepEqual(seen.compaction, { expired: 0, lost: 0, rotation: { moved: 0, damaged: [] } });
      assert.ok(seen.same);
      const { bytes, keySince, ...rest } = seen.diagnostics;
      assert.ok(bytes > 70 * 256 && !Number.isNaN(Date.parse(keySince)));
      assert.deepEqual(rest, {
        durable: true,
        format: 2,
        lock: 'key',
        argon2id: null,
        records: { scan: 70, correction: 0, lesson: 0, sale: 0 },
        retentionDays: { scan: 30, correction: 30, lesson: null, sale: null },
        lost: 0,
        keyUses: 77,
        rotating: false,
      });
    });

    test('destroying one leaves nothing of it, and another as it was', async () => {
      const seen = await at.inPage(
        async ({ open, Vault, codeOf, jpeg, leftOf, args }) => {
          const [one, two] = [
            await open({ ...args, unlock: 'device' }),
            await open({ ...args, name: 'shop2', unlock: 'device' }),
          ];
          for (const vault of [one, two]) await vault.add({ kind: 'scan', thumbnail: jpeg(9) });
          const before = await leftOf('shop');
          await one.destroy();
          const after = await leftOf('shop');
          const other = (await two.list({ blobs: true })).records[0].thumbnail.size;
          const closed = [await codeOf(one.list()), await codeOf(one.destroy())];
          await two.close();
          // Without opening it, and where there is none.
          await Vault.destroy('shop2', args);
          await Vault.destroy('shop2', args);
          const fresh = await open({ ...args, unlock: 'device' });
          return { before, after, other, closed, none: await leftOf('shop2'), fresh: (await fresh.list()).records };
        },
        { worker },
      );
      const nothing = { headers: 0, rows: 0, blobs: 0, keys: 0 };
      assert.deepEqual(seen, {
        before: { headers: 1, rows: 1, blobs: 1, keys: 1 },
        after: nothing,
        other: 9,
        closed: ['VAULT_CLOSED', 'VAULT_CLOSED'],
        none: nothing,
        fresh: [],
      });
    });
  });
}
