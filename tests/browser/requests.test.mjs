// The requests of a sync, and what they tell the host.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { fileAt } from './harness/host.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

const asked = () => at.web.exchanges.filter(({ path }) => path.startsWith('/models/'));
const METADATA = '/models/T_1/latest/metadata.json';

/** Opens the channel in the page and syncs. */
const first = async ({ start }) => {
  globalThis.eye = await start();
  return (await globalThis.eye.sync()).outcome;
};
const again = async () => (await globalThis.eye.sync()).outcome;

describe('a sync', options, () => {
  test('costs one 304 where nothing changed, in the same page and in the next', async () => {
    assert.equal(await at.inPage(first), 'updated');
    for (const sync of [again, first]) {
      if (sync === first) await at.page.reload();
      at.web.exchanges.length = 0;
      assert.equal(await at.inPage(sync), 'current');
      assert.deepEqual(
        asked().map(({ path, status, bytes }) => [path, status, bytes]),
        [[METADATA, 304, 0]],
      );
    }
  });

  test('fetches of a retrained model only what is not on the device', async () => {
    await at.inPage(first);
    at.publish(at.newer);
    at.web.exchanges.length = 0;
    assert.equal(await at.inPage(again), 'updated');
    const head = at.second.files.find(({ role }) => role === 'head');
    assert.deepEqual(
      asked().map(({ path }) => path),
      [METADATA, `/models/${head.url}`],
    );
    assert.equal(asked()[1].bytes, head.bytes);
    assert.ok(asked()[0].bytes + asked()[1].bytes < 100_000);
  });

  test('asks after a cut for the rest alone', async () => {
    const head = at.first.files.find(({ role }) => role === 'head');
    const path = `/models/${head.url}`;
    at.web.misbehave = (wanted, response) => {
      if (wanted !== path) return false;
      at.web.misbehave = undefined;
      const bytes = readFileSync(fileAt(at.web.mounts, path));
      response.writeHead(200, { 'Content-Length': bytes.length, ETag: '"of the first half"' });
      // When a connection ends, the browser drops what the page has not read yet.
      response.write(bytes.subarray(0, bytes.length / 2), () => setTimeout(() => response.destroy(), 2000));
      return true;
    };
    assert.equal(await at.inPage(first), 'updated');
    const [half, rest, ...more] = asked().filter((exchange) => exchange.path === path);
    assert.deepEqual(more, []);
    assert.equal(half.bytes, head.bytes >> 1);
    const from = Number(/^bytes=(\d+)-$/.exec(rest.headers.range)[1]);
    assert.ok(from > 0 && from <= half.bytes);
    assert.equal(rest.headers['if-range'], '"of the first half"');
  });
});

describe('an access token', options, () => {
  const wants =
    (token) =>
    (path, response, { headers }) =>
      path.startsWith('/models/') &&
      headers.authorization !== `Bearer ${token}` &&
      Boolean(response.writeHead(401).end());
  const sent = (exchanges) => exchanges.map(({ headers }) => headers.authorization);

  test('goes along with every request to the models, and with no other', async () => {
    at.web.misbehave = wants('sesame');
    at.web.exchanges.length = 0;
    const { outcome, kept } = await at.inPage(async ({ start, photo }) => {
      const eye = await start({ token: 'sesame' });
      const { outcome } = await eye.sync();
      await eye.recognize(photo);
      eye.dispose();
      const { everything } = await import('/pages/store.js');
      return { outcome, kept: JSON.stringify(await everything()) };
    });
    assert.equal(outcome, 'updated');
    assert.deepEqual([...new Set(sent(asked()))], ['Bearer sesame']);
    assert.deepEqual(sent(at.web.exchanges.filter((exchange) => !asked().includes(exchange))).filter(Boolean), []);
    assert.ok(kept.includes('T_1'), 'nothing is stored');
    assert.ok(!kept.includes('sesame'), 'the token is stored');
  });

  for (const worker of [true, false]) {
    test(`that ran out is refreshed once, ${worker ? 'for a worker' : 'in the page'}`, async () => {
      at.web.misbehave = wants('fresh');
      at.web.exchanges.length = 0;
      const seen = await at.inPage(
        async ({ start, args }) => {
          const asked = [];
          const token = async ({ refresh }) => (asked.push(refresh), refresh ? 'fresh' : 'stale');
          const eye = await start({ worker: args.worker, token });
          return { outcome: (await eye.sync()).outcome, asked };
        },
        { worker },
      );
      assert.deepEqual(seen, { outcome: 'updated', asked: [false, true] });
      assert.deepEqual(sent(asked()).slice(0, 3), ['Bearer stale', 'Bearer fresh', 'Bearer fresh']);
    });
  }

  test('that is not accepted, even refreshed, is told, and the old model stays', async () => {
    await at.inPage(first);
    at.publish(at.newer);
    at.web.misbehave = wants('another');
    const seen = await at.inPage(async ({ start, outcome, photo }) => {
      let asked = 0;
      const eye = await start({ token: () => `token-${(asked += 1)}` });
      const { error } = await outcome(eye.sync());
      return { code: error?.code, typed: error?.typed, asked, version: (await eye.recognize(photo)).version };
    });
    assert.deepEqual(seen, { code: 'UNAUTHORIZED', typed: true, asked: 2, version: at.first.version });
  });

  test('is not sent to where a host redirects', async () => {
    at.other.misbehave = (path, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*').setHeader('Access-Control-Allow-Headers', '*');
      return Boolean(response.end(readFileSync(join(at.older, path))));
    };
    at.web.misbehave = (path, response) =>
      path.startsWith('/models/blobs/') &&
      Boolean(response.writeHead(302, { Location: `${at.other.url}/${path.slice('/models/'.length)}` }).end());
    const open = async ({ start, outcome, args }) => {
      const { value, error } = await outcome((await start(args.options)).sync());
      return value?.outcome ?? error.code;
    };
    at.other.exchanges.length = 0;
    assert.equal(await at.inPage(open, { options: { token: 'sesame' } }), 'HTTP_STATUS');
    assert.deepEqual(at.other.requests, []);
    assert.equal(await at.inPage(open), 'updated');
    assert.ok(at.other.requests.length > 0);
  });
});
