// The lock of a channel between tabs of a real browser, of which one is frozen: no model is needed for it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { EITHER } from './harness/either.mjs';
import { host } from './harness/host.mjs';
import { internals } from './harness/internals.mjs';

const own = internals(after, 'browser/lock');
let web;
let browser;
before(async () => {
  web = await host({ '/own/': own });
  // Puppeteer's pages are hidden when another is in front; a page that counts as visible cannot be frozen.
  browser = await EITHER.Chromium.start();
});
after(() => Promise.all([browser?.close(), web?.close()]));

test('the lock of a frozen tab is taken over, and that tab ends what it was doing', { timeout: PATIENCE }, async () => {
  const tab = async () => {
    const page = await browser.newPage();
    await page.goto(`${web.url}/pages/index.html`);
    return page;
  };
  const [frozen, other] = [await tab(), await tab()];
  await frozen.evaluate(async () => {
    const { withLock } = await import('/own/lock.js');
    await new Promise((holds) => {
      const work = () =>
        new Promise((resolve) => Object.assign(globalThis, { end: () => resolve('ended') }) && holds());
      globalThis.held = withLock('T_1', { patience: 1000 }, work);
    });
  });
  const session = await frozen.createCDPSession();
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  const taken = await other.evaluate(async () => {
    const { withLock } = await import('/own/lock.js');
    return withLock('T_1', { patience: 1000 }, async () => 'taken over');
  });
  assert.equal(taken, 'taken over');
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  assert.equal(await frozen.evaluate(() => (globalThis.end(), globalThis.held)), 'ended');
});
