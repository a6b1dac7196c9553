// The private book of scans, as a person would use it: make it, scan, look, take out, lock, lose, bring in.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { jicho } from './harness/companion.mjs';
import { host } from './harness/host.mjs';
import { clearest, shop, temporary } from './harness/shop.mjs';

const APP = fileURLToPath(new URL('../../www/dist/', import.meta.url));
const folder = temporary(after);

test('scans are sealed, found again, taken out and brought in', { timeout: 5 * PATIENCE }, async () => {
  const models = join(folder, 'ml-models');
  const { all, unseen } = await shop(folder, { products: 4, photos: 8 });
  await jicho('train', all, '--channel', 'T_1', '--out', models);
  const { product, photos } = await clearest(folder, join(models, 'T_1'), unseen);
  const web = await host({ '/': APP, '/assets/ml-models/': models });
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({
      locale: 'en-GB',
      viewport: { width: 412, height: 880 },
      permissions: ['geolocation'],
      geolocation: { latitude: -1.2921, longitude: 36.8219 },
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error));
    page.on(
      'console',
      (message) => /Content Security Policy|Trusted/.test(message.text()) && problems.push(message.text()),
    );
    const at = (id) => page.getByTestId(id);
    const reads = (id, text) => at(id).filter({ hasText: text, visible: true }).first().waitFor();
    const unlock = async (passphrase) => {
      await at('passphrase').fill(passphrase);
      await at('unlock').click();
    };
    const download = async (id) => {
      const [file] = await Promise.all([page.waitForEvent('download'), at(id).click()]);
      return file.path();
    };
    const shot = (name) =>
      process.env.JICHO_SHOTS && page.screenshot({ path: join(process.env.JICHO_SHOTS, `${name}.png`) });
    const sound = async (what) => {
      const violations = await page.evaluate(async () =>
        (await globalThis.axe.run()).violations.map(({ id, nodes }) => [id, nodes[0].html]),
      );
      assert.deepEqual(violations, [], what);
    };

    await page.goto(`${web.url}/scans/`);
    await page.evaluate(readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8'));
    await unlock('secret');
    await reads('message', /too easy to guess/);
    await sound('locked');
    await shot('scans-locked');
    await unlock('correct horse battery staple pears');
    await at('scan').waitFor({ state: 'attached' });
    await page.getByText('Remember the area').click();
    await page.waitForFunction(async () => (await indexedDB.databases()).length > 0);
    await at('scan').setInputFiles(photos[0]);
    await reads('message', 'Scanned and sealed.');
    await reads('scans', product);
    await reads('area', 'kzf0t');
    await sound('open');
    await shot('scans-open');
    const csv = readFileSync(await download('csv'), 'utf8');
    assert.match(csv, new RegExp(product));

    await at('file-passphrase').fill('another five words for files');
    const sealed = await download('export');
    assert.ok(!readFileSync(sealed).includes(product), 'the file tells nothing');
    await at('scans').getByRole('button').click();
    await sound('details');
    await shot('scans-details');
    await at('delete-scan').click();
    await page.getByText('No scans yet.').waitFor();
    await at('file-passphrase').fill('another five words for files');
    await at('import-file').setInputFiles(sealed);
    await at('import').click();
    await reads('message', '1 record brought in.');
    await reads('scans', product);

    await at('lock').click();
    await unlock('not the right one at all');
    await reads('message', 'This passphrase does not open the scans.');
    await unlock('correct horse battery staple pears');
    await reads('scans', product);
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    await web.close();
  }
});
