// What opens a vault, and what does not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();

for (const worker of [true, false]) {
  describe(worker ? 'with a worker' : 'in the page', options, () => {
    test('a passphrase opens however its letters were typed, and no other one does', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, args }) => {
          const [composed, decomposed] = ['Rhabarber für Nairobi é', 'Rhabarber für Nairobi é'].map((text, i) =>
            text.normalize(['NFC', 'NFD'][i]),
          );
          const vault = await open({ ...args, unlock: { passphrase: composed } });
          const id = await vault.add({ kind: 'scan', score: 3 });
          const { argon2id, lock } = await vault.diagnose();
          await vault.close();
          const code = (unlock) => codeOf(open({ ...args, unlock }));
          const wrong = [
            { passphrase: `${composed}.` },
            { passphrase: composed.toUpperCase() },
            { key: new Uint8Array(32) },
            'device',
          ];
          const codes = [];
          for (const unlock of wrong) codes.push(await code(unlock));
          const { score } = await (await open({ ...args, unlock: { passphrase: decomposed } })).get(id);
          return { differ: composed !== decomposed, argon2id, lock, codes, score };
        },
        { worker },
      );
      assert.ok(seen.differ);
      assert.equal(seen.lock, 'passphrase');
      assert.ok(seen.argon2id.memoryKiB >= 19 * 1024 && seen.argon2id.passes >= 2, 'OWASP asks for more');
      assert.deepEqual([seen.codes, seen.score], [Array(4).fill('WRONG_KEY'), 3]);
    });

    test('a PIN is refused unless the app insists, and leaves no vault behind', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, passphrase, args }) => {
          const weak = [];
          for (const text of ['1234', '', 'password', '111111111111111111', 'jicho2024'])
            weak.push(await codeOf(open({ ...args, unlock: { passphrase: text } })));
          const fresh = await open(args);
          await fresh.destroy();
          const insisted = { passphrase: '1234', allowWeak: true };
          const vault = await open({ ...args, unlock: insisted });
          const id = await vault.add({ kind: 'sale', order: 1 });
          const others = [await codeOf(vault.relock({ passphrase: '4321' })), await codeOf(vault.export('4321'))];
          const { records } = await vault.export('4321', { allowWeak: true });
          await vault.close();
          const again = await open({ ...args, unlock: insisted });
          // A lock that was refused has changed nothing.
          const { order } = await again.get(id);
          const empty = await codeOf(open({ ...args, name: 'other', unlock: { passphrase: '', allowWeak: true } }));
          return { weak, others, records, order, empty, strong: (await codeOf(again.relock({ passphrase }))) ?? null };
        },
        { worker },
      );
      assert.deepEqual(seen, {
        weak: Array(5).fill('WEAK_PASSPHRASE'),
        others: Array(2).fill('WEAK_PASSPHRASE'),
        records: 1,
        order: 1,
        empty: 'WEAK_PASSPHRASE',
        strong: null,
      });
    });

    test('locked anew, what opened it before does no more', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, key, passphrase, args }) => {
          const vault = await open(args);
          const id = await vault.add({ kind: 'scan', score: 8 });
          const rounds = [];
          const locks = [{ passphrase }, 'device', { key: key.slice().fill(9) }, { key }];
          let before = { key };
          for (const unlock of locks) {
            await vault.relock(unlock);
            // The vault that did it goes on, and a copy of what it wrote opens too.
            await vault.add({ kind: 'scan' });
            const old = await codeOf(open({ ...args, unlock: before }));
            const opened = await open({ ...args, unlock });
            rounds.push([old, (await opened.get(id)).score, (await opened.diagnose()).lock]);
            await opened.close();
            before = unlock;
          }
          return { rounds, count: (await vault.list()).records.length };
        },
        { worker },
      );
      assert.deepEqual(seen.rounds, [
        ['WRONG_KEY', 8, 'passphrase'],
        ['WRONG_KEY', 8, 'device'],
        ['WRONG_KEY', 8, 'key'],
        ['WRONG_KEY', 8, 'key'],
      ]);
      assert.equal(seen.count, 5);
    });

    test("the device's key is given to nobody; gone or another, it is told, and the vault stays", async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, behindItsBack, done, args }) => {
          const device = { ...args, unlock: 'device' };
          const vault = await open(device);
          const id = await vault.add({ kind: 'scan', score: 6 });
          await vault.close();
          const key = await behindItsBack(({ keys }) => done(keys.get('shop')));
          const exported = await Promise.all(
            ['raw', 'jwk'].map((format) =>
              crypto.subtle.exportKey(format, key).then(
                () => 'given',
                ({ name }) => name,
              ),
            ),
          );
          await behindItsBack(({ keys }) => keys.delete('shop'));
          const gone = await codeOf(open(device));
          const other = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
            'encrypt',
            'decrypt',
          ]);
          await behindItsBack(({ keys }) => keys.put(other, 'shop'));
          const replaced = await codeOf(open(device));
          // Neither made a new vault in its place.
          await behindItsBack(({ keys }) => keys.put(key, 'shop'));
          const { score } = await (await open(device)).get(id);
          // The key of one vault does not open another one, though both lie side by side.
          const second = await open({ ...device, name: 'shop2' });
          await second.close();
          await behindItsBack(async ({ headers }) => headers.put(await done(headers.get('shop')), 'shop2'));
          const moved = await codeOf(open({ ...device, name: 'shop2' }));
          return {
            key: [key instanceof CryptoKey, key.extractable, key.algorithm, key.usages],
            exported,
            gone,
            replaced,
            score,
            moved,
          };
        },
        { worker },
      );
      assert.deepEqual(seen, {
        key: [true, false, { name: 'AES-GCM', length: 256 }, ['encrypt', 'decrypt']],
        exported: ['InvalidAccessError', 'InvalidAccessError'],
        gone: 'KEY_MISSING',
        replaced: 'WRONG_KEY',
        score: 6,
        moved: 'WRONG_KEY',
      });
    });

    for (const hurts of ['no-subtle', 'no-database', 'keys-forgotten']) {
      test(`a browser that cannot keep a key says so: ${hurts}`, async () => {
        const seen = await at.inPage(
          async ({ open, codeOf, outcome, args }) => {
            const { error } = await outcome(open({ ...args, memory: true, unlock: 'device' }));
            const other = await open({ ...args, memory: true });
            return { code: error?.code, message: error?.message, other: await codeOf(other.list()) };
          },
          { worker, hurts: [hurts] },
        );
        assert.equal(seen.code, 'UNSUPPORTED');
        assert.match(seen.message, /passphrase instead/);
        // Another lock works all the same, and no half a vault stands in its way.
        assert.deepEqual(seen.other, { records: [], damaged: [], next: null });
      });
    }
  });
}

test('nonsense is a typed error that repeats nothing personal, and ends no vault', options, async () => {
  const seen = await at.inPage(async ({ open, outcome, Vault, key, jpeg, passphrase }) => {
    const vault = await open();
    const [latitude, longitude] = [-1.2921, 36.8219];
    const scan = { kind: 'scan' };
    const circle = { kind: 'sale' };
    circle.order = circle;
    const at = (place) => vault.add(scan, { place });
    const locked = (unlock) => Vault.open({ name: 'shop', unlock });
    const calls = {
      'no options': Vault.open(),
      'no name': Vault.open({ unlock: { key } }),
      'an empty name': open({ name: '' }),
      'a name with a slash': open({ name: 'a/b' }),
      'a long name': open({ name: 'a'.repeat(65) }),
      'no lock': Vault.open({ name: 'shop' }),
      'a lock of null': locked(null),
      'an unknown lock': locked('fingerprint'),
      'a key of 31 bytes': locked({ key: key.subarray(1) }),
      'a key as text': locked({ key: 'ab'.repeat(32) }),
      'a passphrase that is a number': locked({ passphrase: 12345678901234 }),
      'a limit of none': open({ queueLimit: 0 }),
      'a limit that is no number': open({ queueLimit: 'many' }),
      'a fraction of a day': open({ retentionDays: { scans: 0.5 } }),
      'a precision of 13': open({ precision: 13, allowPrecise: true }),
      'a precision of 7': open({ precision: 7 }),
      'no record': vault.add(),
      'a record of null': vault.add(null),
      'a record of no kind': vault.add({}),
      'an unknown kind': vault.add({ kind: 'photo' }),
      'a score that is text': vault.add({ ...scan, score: 'high' }),
      'an order that is a circle': vault.add(circle),
      'an order of 70 KB': vault.add({ kind: 'sale', order: 'x'.repeat(70_000) }),
      'a thumbnail that is no JPEG': vault.add({ ...scan, thumbnail: new Uint8Array(9) }),
      'a thumbnail that is text': vault.add({ ...scan, thumbnail: 'data:image/jpeg;base64,' }),
      'a thumbnail of 2 MB': vault.add({ ...scan, thumbnail: jpeg(2_000_000) }),
      'a sale with a thumbnail': vault.add({ kind: 'sale', order: 1, thumbnail: jpeg(9) }),
      'a prototype without embedding': vault.add({ kind: 'prototype', label: 'a', backbone: '' }),
      'an embedding that is no number': vault.add({
        kind: 'prototype',
        label: 'a',
        backbone: '',
        embedding: Float32Array.of(NaN),
      }),
      'a correction of nothing': vault.add({ kind: 'correction', scan: 'that', label: 'a' }),
      'an id that is a word': vault.add(scan, { id: 'mine' }),
      'an id that is a number': vault.add(scan, { id: 5 }),
      'no id': vault.get(),
      'an id of null': vault.delete(null),
      'a sale with a place': vault.add({ kind: 'sale', order: 1 }, { place: { latitude, longitude } }),
      'no place': vault.geohash(),
      'a place of nothing': at({}),
      'a place that is text': at({ latitude: `${latitude}`, longitude }),
      'a latitude that is no number': at({ latitude: NaN, longitude }),
      'a longitude without end': vault.geohash({ latitude, longitude: Infinity }),
      'a latitude of 91': at({ latitude: 91.2921, longitude }),
      'a longitude of 181': vault.geohash({ latitude, longitude: 181.2921 }),
      'a geohash of 7': vault.add({ ...scan, geohash: 'kzf0tvg' }),
      'a geohash that is none': vault.add({ ...scan, geohash: 'kzf0a' }),
      'a query of null': vault.list(null),
      'a list of none': vault.list({ limit: 0 }),
      'an unknown order': vault.list({ order: 'best' }),
      'a list of no kind': vault.list({ kind: 'photo' }),
      'a day that is none': vault.list({ from: new Date('yesterday') }),
      'a page that is none': vault.list({ after: 'the third' }),
      'a cell that is none': vault.list({ geohash: 'kzf0tvga' }),
      'no format': vault.exportPlain(),
      'an export without passphrase': vault.export(),
      'an import without passphrase': vault.import(jpeg(9)),
      'a file that is text': vault.import('JCHX', passphrase),
      'a lock of nothing': vault.relock(),
      'the end of no name': Vault.destroy(),
      'the end of a number': Vault.destroy(5),
    };
    const told = {};
    for (const [name, call] of Object.entries(calls)) told[name] = (await outcome(call)).error ?? 'taken';
    return { told, left: await vault.list() };
  });
  for (const [name, { code, typed, message }] of Object.entries(seen.told)) {
    assert.deepEqual([code, typed], ['INVALID_ARGUMENT', true], `${name}: ${message}`);
    assert.doesNotMatch(message, /2921|8219|kzf0|12345678/, name);
  }
  assert.deepEqual(seen.left, { records: [], damaged: [], next: null });
});

test('places are as coarse as the app says, and finer only where it opted in', options, async () => {
  const seen = await at.inPage(async ({ open }) => {
    const place = { latitude: -1.2921, longitude: 36.8219 };
    const told = [];
    for (const own of [{}, { precision: 6 }, { precision: 9, allowPrecise: true }, { precision: 1 }]) {
      const vault = await open(own);
      const id = await vault.add({ kind: 'scan', geohash: 'u' }, { place });
      told.push([(await vault.get(id)).geohash, await vault.geohash(place)]);
      await vault.close();
    }
    const vault = await open({ allowPrecise: true });
    const direct = await vault.get(await vault.add({ kind: 'scan', geohash: 'KZF0TVG5' }));
    return { told, direct: direct.geohash };
  });
  const known = 'kzf0tuubu';
  assert.deepEqual(
    seen.told,
    [5, 6, 9, 1].map((characters) => Array(2).fill(known.slice(0, characters))),
  );
  assert.equal(seen.direct, 'kzf0tvg5');
});
