import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';

import { launchBrowser, PATIENCE } from './browser.mjs';
import { EASY, jicho } from './companion.mjs';
import { host } from './host.mjs';
import { clearest, shop, temporary } from './shop.mjs';

/**
 * Two releases of a channel and one without a plan, a host that serves one of them, and for each test a page with storage of
 * its own, so that no test finds another's data. Channels check for newer models only when told to. Call it once per file; its
 * result is complete before the first test.
 */
export function stage() {
  const folder = temporary(after);
  let browser;
  const self = {
    older: join(folder, 'older'),
    newer: join(folder, 'newer'),
    bare: join(folder, 'bare'),
    publish: (models) => (self.web.mounts['/models/'] = models),
    newPage,
    inPage,
    workersLeft,
  };

  before(async () => {
    const { all, fewer, unseen } = await shop(folder, { products: 4, photos: 8 });
    await jicho('train', fewer, '--channel', 'T_1', ...EASY, '--out', self.older);
    await jicho('train', fewer, '--channel', 'T_1', ...EASY, '--out', self.newer);
    await jicho('train', all, '--channel', 'T_1', ...EASY, '--out', self.newer);
    await jicho('train', fewer, '--channel', 'T_1', ...EASY, '--out', self.bare, '--plan', 'none');
    self.first = metadataOf(self.older);
    self.second = metadataOf(self.newer);
    self.unplanned = metadataOf(self.bare);
    const { product, photos } = await clearest(folder, join(self.older, 'T_1'), unseen);
    self.product = product;
    self.photo = photos[0].replace(unseen, '/photos');
    self.photos = { all, fewer, unseen };
    self.other = await host();
    self.web = await host({ '/photos/': unseen }, [self.other.url]);
    browser = await launchBrowser();
  });
  after(() => Promise.all([browser?.close(), self.web?.close(), self.other?.close()]));

  beforeEach(async () => {
    self.web.misbehave = undefined;
    self.publish(self.older);
    self.context = await browser.newContext();
    self.context.setDefaultTimeout(PATIENCE);
    self.page = await newPage();
  });
  afterEach(() => self.context?.close());

  /** Another page of the test's device. */
  async function newPage() {
    const page = await self.context.newPage();
    await page.goto(`${self.web.url}/pages/index.html`);
    return page;
  }

  /** Runs a function (or its source) in a page, with the library, the probe, a photo and `args` at hand. */
  function inPage(run, args = {}, page = self.page) {
    const source = `(async (args) => {
      const probe = await import('/pages/probe.js');
      const { Jicho, OnnxModel, outcome, errors } = probe;
      const start = (options) => Jicho.open({ channel: 'T_1', models: '/models/', checkEveryMinutes: 0, ...options });
      const photo = await probe.photo(args.photo);
      return (${run})({ Jicho, OnnxModel, outcome, errors, start, photo, probe, args });
    })(${JSON.stringify({ photo: self.photo, ...args })})`;
    return page.evaluate(source);
  }

  /** Waits until the page has `count` workers: the browser ends a worker some time after it is told to. */
  async function workersLeft(count) {
    while (self.page.workers().length !== count) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  return self;
}

/** The current metadata.json of the channel in the folder `models`. */
export function metadataOf(models, channel = 'T_1') {
  return JSON.parse(readFileSync(join(models, channel, 'latest/metadata.json'), 'utf8'));
}
