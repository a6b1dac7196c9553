// When the library checks for a newer model by itself, with the browser's own events and a fake clock.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();
const MINUTE = 60_000;

describe('automatic checks', options, () => {
  beforeEach(async () => {
    await at.page.clock.install();
    await at.page.reload();
  });

  const open = (opening) =>
    at.inPage(async ({ Jicho, args }) => {
      globalThis.checks = [];
      const onCheck = ({ outcome, error, automatic }) =>
        globalThis.checks.push([outcome, error?.code ?? null, automatic]);
      globalThis.eye = await Jicho.open({ channel: 'T_1', models: '/models/', onCheck, ...args });
    }, opening);
  /** Waits for `count` checks and returns their results. */
  async function checks(count) {
    await at.page.waitForFunction((count) => globalThis.checks.length >= count, count);
    return at.page.evaluate(() => globalThis.checks);
  }
  const pass = (minutes) => at.page.clock.runFor(minutes * MINUTE);
  const show = (state) =>
    at.page.evaluate((state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    }, state);
  const asked = () => at.web.requests.filter((path) => path.endsWith('/latest/metadata.json')).length;

  test('come on opening, and every half hour, a fifth more or less', async () => {
    at.web.requests.length = 0;
    await open();
    await at.page.clock.runFor(1);
    assert.deepEqual(await checks(1), [['updated', null, true]]);
    const { everyMinutes, nextAt, last } = await at.page.evaluate(async () => (await globalThis.eye.diagnose()).check);
    assert.equal(everyMinutes, 30);
    const wait = (Date.parse(nextAt) - Date.parse(last.at)) / MINUTE;
    assert.ok(wait >= 24 && wait <= 36, `${wait} minutes`);
    await pass(23);
    assert.equal(asked(), 1);
    await pass(14);
    assert.deepEqual((await checks(2))[1], ['current', null, true]);
    assert.equal(asked(), 2);
  });

  test('rest while the page is hidden, and are made up for at once', async () => {
    await open();
    await at.page.clock.runFor(1);
    await checks(1);
    await show('hidden');
    at.web.requests.length = 0;
    await pass(120);
    assert.equal(asked(), 0);
    at.publish(at.newer);
    await show('visible');
    await at.page.clock.runFor(1);
    assert.deepEqual((await checks(2))[1], ['updated', null, true]);
  });

  test('rest while the device is offline, and come once it is online', async () => {
    await open();
    await at.page.clock.runFor(1);
    await checks(1);
    await at.context.setOffline(true);
    at.web.requests.length = 0;
    await pass(120);
    assert.equal(asked(), 0);
    assert.equal((await checks(1)).length, 1);
    await at.context.setOffline(false);
    await at.page.clock.runFor(1);
    assert.deepEqual((await checks(2))[1], ['current', null, true]);
  });

  test('that fail are told, and tried again sooner', async () => {
    at.web.misbehave = (path, response) => path.endsWith('/metadata.json') && Boolean(response.writeHead(500).end());
    await open();
    await at.page.clock.runFor(1);
    assert.deepEqual(await checks(1), [['failed', 'HTTP_STATUS', true]]);
    at.web.misbehave = undefined;
    await pass(1.3);
    assert.deepEqual((await checks(2))[1], ['updated', null, true]);
  });

  test('are joined by a sync of the app: one request, one result', async () => {
    let answer;
    const held = new Promise((begun) => {
      at.web.misbehave = (path, response) => {
        if (!path.endsWith('/latest/metadata.json')) return false;
        answer = () => response.writeHead(404).end();
        begun();
        return true;
      };
    });
    at.web.requests.length = 0;
    await open();
    await at.page.clock.runFor(1);
    await held;
    await at.page.evaluate(() => void (globalThis.joined = globalThis.eye.sync()));
    answer();
    assert.equal(await at.page.evaluate(async () => (await globalThis.joined).outcome), 'absent');
    assert.deepEqual(await checks(1), [['absent', null, true]]);
    assert.equal(asked(), 1);
  });

  test('end with the channel, and do not come after a logout', async () => {
    await open();
    await at.page.clock.runFor(1);
    await checks(1);
    at.web.requests.length = 0;
    await at.page.evaluate(() => globalThis.eye.clear());
    await pass(120);
    await at.page.evaluate(() => globalThis.eye.sync());
    assert.equal(asked(), 1);
    await at.page.evaluate(() => globalThis.eye.dispose());
    await pass(120);
    assert.equal(asked(), 1);
  });

  test('are none with an interval of 0', async () => {
    at.web.requests.length = 0;
    await open({ checkEveryMinutes: 0 });
    await pass(120);
    assert.equal(asked(), 0);
  });
});

describe('the browser is asked to keep the storage', options, () => {
  const run = async ({ start, args }) => {
    let asked = 0;
    navigator.storage.persist = async () => Boolean((asked += 1));
    const eye = await start(args.options);
    const opened = asked;
    await eye.sync();
    const once = asked;
    await eye.sync();
    const { askedToPersist } = (await eye.diagnose()).storage;
    eye.dispose();
    return { opened, once, twice: asked, askedToPersist };
  };

  test('once, when the first model is stored', async () => {
    assert.deepEqual(await at.inPage(run), { opened: 0, once: 1, twice: 1, askedToPersist: true });
    await at.page.reload();
    assert.deepEqual(await at.inPage(run), { opened: 0, once: 0, twice: 0, askedToPersist: true });
  });

  test('unless the app says no', async () => {
    const seen = await at.inPage(run, { options: { persist: false } });
    assert.deepEqual(seen, { opened: 0, once: 0, twice: 0, askedToPersist: false });
  });
});
