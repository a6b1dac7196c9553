// The main use of a shop: train, serve, recognise with the camera online and offline, retrain, refresh.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch, PATIENCE } from './harness/browser.mjs';
import { film } from './harness/camera.mjs';
import { EASY, jicho, serve } from './harness/companion.mjs';
import { clearest, photosOf, shop, temporary } from './harness/shop.mjs';

const APP = fileURLToPath(new URL('../../www/dist', import.meta.url));
const NOT_SET_UP = 'Camera recognition not yet set up. Add products with images first.';

const folder = temporary(after);
const models = join(folder, 'ml-models');
const channel = join(models, 'T_1');
const profile = join(folder, 'profile');

const testId = (page, id) => page.getByTestId(id);

/** Waits until the element has exactly this text. */
async function says(page, id, text) {
  await page.waitForFunction(
    ([id, text]) => document.querySelector(`[data-testid="${id}"]`)?.textContent === text,
    [id, text],
    { timeout: PATIENCE },
  );
}

/** Waits until the page names the product and is sure of it: the camera's next picture may change all three. */
async function recognises(page, product) {
  await page.waitForFunction(
    (product) => {
      const text = (id) => document.querySelector(`[data-testid="${id}"]`).textContent;
      return (
        text('result-label') === product &&
        text('result-decision') === 'Match' &&
        /^\d{1,3}%$/.test(text('result-confidence'))
      );
    },
    product,
    { timeout: PATIENCE },
  );
}

/** Opens the page in a new browser whose camera plays the film; all of them share one profile. */
async function visit(url, camera, visitPage) {
  const context = await launch({ profile, camera });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error));
    await page.goto(url);
    await visitPage(page);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

test('a shop trains, recognises, goes offline, retrains and refreshes', { timeout: 10 * PATIENCE }, async (t) => {
  const { all, fewer, unseen, newcomer } = await shop(folder);
  const facts = join(folder, 'facts.json');
  writeFileSync(facts, JSON.stringify({ [newcomer]: { name: 'The newcomer', price: 2.5, currency: 'EUR' } }));
  const anything = film(join(folder, 'anything.mjpeg'), photosOf(unseen, newcomer));
  let server = await serve({ models, app: APP });
  const { url, port } = server;
  after(() => server.stop());
  let firstVersion;

  await t.test('before any model the page says what to do', () =>
    visit(url, anything, async (page) => {
      await says(page, 'notice', NOT_SET_UP);
      assert.equal(await testId(page, 'model-state').getAttribute('data-state'), 'absent');
    }),
  );

  await jicho('train', fewer, '--channel', 'T_1', ...EASY, '--out', models);
  const known = await clearest(folder, channel, unseen);
  const knownFilm = film(join(folder, 'known.mjpeg'), known.photos);

  await t.test('the camera shows a product and the page names it', () =>
    visit(url, knownFilm, async (page) => {
      await recognises(page, known.product);
      assert.equal(await testId(page, 'model-channel').textContent(), 'T_1');
      assert.equal(await testId(page, 'model-products').textContent(), '6');
      assert.match(await testId(page, 'model-size').textContent(), /on this device/);
      assert.equal(await testId(page, 'network-state').textContent(), 'Online');
      firstVersion = await testId(page, 'model-version').textContent();
      await page.evaluate(() => navigator.serviceWorker.ready);
    }),
  );

  await server.stop();

  await t.test('without the server it still does', () =>
    visit(url, knownFilm, async (page) => {
      await recognises(page, known.product);
      await says(page, 'network-state', 'Offline');
      assert.equal(await testId(page, 'model-version').textContent(), firstVersion);
      await page.reload();
      await recognises(page, known.product);
    }),
  );

  await jicho('train', all, '--channel', 'T_1', ...EASY, '--out', models, '--facts', facts);
  const newFilm = film(join(folder, 'new.mjpeg'), (await clearest(folder, channel, unseen, newcomer)).photos);

  await t.test('a refresh brings the new model, and the new product is known', () =>
    visit(url, newFilm, async (page) => {
      await says(page, 'network-state', 'Offline');
      assert.equal(await testId(page, 'model-version').textContent(), firstVersion);
      server = await serve({ models, app: APP, port });
      await testId(page, 'refresh').click();
      await says(page, 'model-products', '7');
      assert.notEqual(await testId(page, 'model-version').textContent(), firstVersion);
      await recognises(page, 'The newcomer');
      assert.equal(await testId(page, 'result-label').getAttribute('data-label'), newcomer);
      await says(page, 'network-state', 'Online');
    }),
  );
});
