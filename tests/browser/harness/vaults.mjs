import { after, afterEach, before, beforeEach } from 'node:test';

import { launchBrowser, PATIENCE } from './browser.mjs';
import { host } from './host.mjs';

/**
 * A host, and for each test a page with storage of its own. Call it once per file; its result is complete before the first
 * test.
 */
export function vaults() {
  let browser;
  const contexts = [];
  const self = { newDevice, newPage, inPage, killer };

  before(async () => {
    self.web = await host();
    browser = await launchBrowser();
  });
  after(() => Promise.all([browser?.close(), self.web?.close()]));

  beforeEach(async () => {
    self.web.misbehave = undefined;
    self.context = await newDevice();
    self.page = await newPage();
  });
  afterEach(() => Promise.all(contexts.splice(0).map((context) => context.close())));

  /** A browser context with storage of its own. */
  async function newDevice() {
    const context = await browser.newContext();
    contexts.push(context);
    context.setDefaultTimeout(PATIENCE);
    return context;
  }

  /** Another page of the test's device, or of another one. */
  async function newPage(context = self.context) {
    const page = await context.newPage();
    await page.goto(`${self.web.url}/pages/index.html`);
    return page;
  }

  /** Runs a function in a page, with what `pages/vault.js` exports and `args` at hand. */
  function inPage(run, args = {}, page = self.page) {
    return page.evaluate(
      `(async () => (${run})({ ...(await import('/pages/vault.js')), args: ${JSON.stringify(args)} }))()`,
    );
  }

  /** A function that kills the page's process, even while its script does not return. */
  async function killer(page = self.page) {
    const session = await page.context().newCDPSession(page);
    return async () => {
      const crashed = page.waitForEvent('crash');
      session.send('Page.crash').catch(() => undefined);
      await crashed;
    };
  }

  return self;
}
