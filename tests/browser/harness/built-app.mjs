import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';

import { launchBrowser, PATIENCE } from './browser.mjs';
import { makeApp } from './bundles.mjs';
import { host } from './host.mjs';
import { temporary } from './shop.mjs';

/**
 * An app to bundle, a host with a strict policy and without models, and a browser that opens the built app. Call it once per
 * file; its result is complete before the first test.
 */
export function builtApp() {
  const folder = temporary(after);
  const self = { folder, open, call, works };
  let browser;

  before(async () => {
    self.app = makeApp(folder);
    self.web = await host();
    browser = await launchBrowser();
  });
  after(() => Promise.all([browser?.close(), self.web?.close()]));
  afterEach(() => self.page?.context().close());

  /** Opens the app that was built into the folder `out`. */
  async function open(out, url = self.web.url) {
    self.web.mounts['/'] = `${out}/`;
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE);
    self.page = await context.newPage();
    await self.page.goto(`${url}/index.html`);
    await self.page.waitForFunction(() => globalThis.app !== undefined);
  }

  /** Calls what `bundled/main.js` has. */
  function call(name, options) {
    return self.page.evaluate(([name, options]) => globalThis.app[name](options), [name, options]);
  }

  /**
   * Checks that channel and vault run, and that the URLs listed for use without a network exist and include everything that was
   * fetched. Returns the fetched paths.
   */
  async function works() {
    self.web.requests.length = 0;
    assert.equal(await call('sync'), 'absent');
    assert.equal(await call('vault'), true);
    const fetched = [...new Set(self.web.requests.filter((path) => /\.(?:js|wasm)$/.test(path)))];
    const urls = await call('urls');
    assert.ok(Array.isArray(urls), urls.message);
    for (const url of urls) {
      assert.equal(new URL(url).origin, self.web.url, 'addresses are absolute');
      assert.equal((await fetch(url, { method: 'HEAD' })).status, 200, url);
    }
    const listed = new Set(urls.map((url) => new URL(url).pathname));
    for (const path of fetched) assert.ok(listed.has(path), `${path} is not listed`);
    return fetched;
  }

  return self;
}
