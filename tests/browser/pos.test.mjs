// A day in a shop: train, sell with the camera, lose the server and the page, teach, correct, retrain, deliver the sales.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch, PATIENCE } from './harness/browser.mjs';
import { film } from './harness/camera.mjs';
import { EASY, jicho } from './harness/companion.mjs';
import { host } from './harness/host.mjs';
import { clearest, photosOf, shop, temporary } from './harness/shop.mjs';

const APP = fileURLToPath(new URL('../../www/dist', import.meta.url));
const NOT_SET_UP = 'Camera recognition not yet set up. Add products with images first.';

const folder = temporary(after);
const models = join(folder, 'ml-models');
const channel = join(models, 'T_1');
const profile = join(folder, 'profile');

const at = (page, id) => page.getByTestId(id);

/** Waits until the element is there with exactly this text. */
async function says(page, id, text) {
  await page.waitForFunction(
    ([id, text]) => document.querySelector(`[data-testid="${id}"]`)?.textContent.trim().replace(/\s+/g, ' ') === text,
    [id, text],
    { timeout: PATIENCE },
  );
}

/** Waits until the till offers this product as the match. */
async function recognises(page, product) {
  await page.locator(`[data-testid="add"][data-label="${product}"]`).waitFor();
}

/** Waits until the till says this of the sales that wait. */
async function queued(page, text) {
  await page.locator(`[data-testid="queue"][aria-label="${text}"]`).waitFor();
}

async function picture(page, name) {
  if (process.env.JICHO_SHOTS) await page.screenshot({ path: join(process.env.JICHO_SHOTS, `${name}.png`) });
}

/** Opens the page in a new browser whose camera plays the film; all of them share one profile. */
async function visit(url, camera, visitPage, viewport = { width: 412, height: 880 }) {
  const context = await launch({ profile, camera, viewport });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) problems.push(message.text());
    });
    await page.goto(url);
    await visitPage(page);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

test('a day in a shop', { timeout: 14 * PATIENCE }, async (t) => {
  const { all, fewer, unseen, newcomer } = await shop(folder);
  const facts = join(folder, 'facts.json');
  const priced = readdirSync(all).map((label) => [label, { name: `The ${label}`, price: 2.5, currency: 'EUR' }]);
  writeFileSync(facts, JSON.stringify(Object.fromEntries(priced)));
  const anything = film(join(folder, 'anything.mjpeg'), photosOf(unseen, newcomer));
  const web = await host({ '/': `${APP}/`, '/assets/ml-models/': models });
  after(() => web.close());
  const { url } = web;

  await t.test('before any model the page says what to do', () =>
    visit(url, anything, async (page) => {
      await says(page, 'notice', NOT_SET_UP);
    }),
  );

  await jicho('train', fewer, '--channel', 'T_1', ...EASY, '--out', models, '--facts', facts);
  const known = await clearest(folder, channel, unseen);
  const others = readdirSync(fewer).filter((label) => label !== known.product);
  const knownFilm = film(join(folder, 'known.mjpeg'), known.photos);

  await t.test('what the camera shows is added with a tap, counted, undone and kept over a reload', () =>
    visit(url, knownFilm, async (page) => {
      await recognises(page, known.product);
      await picture(page, 'till-match');
      await says(page, 'network-state', 'Online');
      await at(page, 'add').click();
      await says(page, 'total', '€2.50');
      await at(page, 'add').click();
      await says(page, 'basket-count', '2 items');
      await says(page, 'total', '€5.00');
      await page.getByRole('button', { name: 'Show the basket' }).click();
      await picture(page, 'till-basket');
      await at(page, 'undo').click();
      await says(page, 'total', '€2.50');
      await page.getByRole('button', { name: /^One more/ }).click();
      await says(page, 'total', '€5.00');
      await page.reload();
      await says(page, 'total', '€5.00');
      await page.evaluate(() => navigator.serviceWorker.ready);
    }),
  );

  // Neither app nor models nor the sales host can be reached.
  web.misbehave = (_path, response) => Boolean(response.destroy());

  await t.test('without the server it recognises and sells, and the sale waits, sealed', () =>
    visit(url, knownFilm, async (page) => {
      await recognises(page, known.product);
      await says(page, 'network-state', 'Offline');
      await at(page, 'pay').click();
      await says(page, 'due', '€5.00');
      await at(page, 'given').fill('4');
      assert.ok(await at(page, 'finish').isDisabled());
      await at(page, 'given').fill('20');
      await says(page, 'change', '€15.00');
      await picture(page, 'till-checkout');
      await at(page, 'finish').click();
      await says(page, 'receipt-total', '€5.00');
      await picture(page, 'till-receipt');
      await at(page, 'next-sale').click();
      await says(page, 'basket-count', '0 items');
      await queued(page, '1 sale waits to be delivered');
      await at(page, 'add').click();
      await page.getByRole('button', { name: 'Show the basket' }).click();
      await at(page, 'park').click();
      await at(page, 'parked').getByRole('button', { name: 'Resume' }).click();
      await says(page, 'basket-count', '1 item');
      await at(page, 'pay').click();
      await page.getByText('Card').click();
      await at(page, 'finish').click();
      await at(page, 'next-sale').click();
      await queued(page, '2 sales wait to be delivered');
      await at(page, 'device').click();
      await at(page, 'remove').click();
      await says(page, 'lose-sales', '2 sales are not delivered and would be lost.');
      await picture(page, 'till-device');
    }),
  );

  const received = [];
  let refuse = 1;
  web.misbehave = (path, response, request) => {
    if (request.method !== 'POST' || path !== '/api/v1/channels/T_1/sales') return false;
    const key = request.headers['idempotency-key'];
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      received.push([key, JSON.parse(body)]);
      response.writeHead(refuse-- > 0 ? 503 : 204).end();
    });
    return true;
  };

  await t.test('when the server is back the sales go out in order, each under one id', () =>
    visit(url, knownFilm, async (page) => {
      await recognises(page, known.product);
      await queued(page, '2 sales wait to be delivered');
      await at(page, 'device').click();
      await page.locator('[data-testid="sales"][data-state="offline"]').waitFor();
      await at(page, 'deliver').click();
      await says(page, 'sales-waiting', 'Every sale is delivered.');
      const [lost, first, second] = received;
      assert.equal(received.length, 3);
      assert.equal(first[0], lost[0], 'a sale that was not confirmed comes again under its id');
      assert.notEqual(first[0], second[0]);
      assert.deepEqual(first[1].payment, { method: 'cash', given: 20, change: 15 });
      assert.deepEqual(
        [first[1].total, first[1].lines[0].label, first[1].lines[0].quantity, second[1].payment.method],
        [5, known.product, 2, 'card'],
      );
    }),
  );

  await t.test('a product is taught with the camera and known at once, corrected and forgotten', () =>
    visit(
      url,
      film(join(folder, 'newcomer.mjpeg'), photosOf(all, newcomer).slice(0, 1)),
      async (page) => {
        await page.locator('[data-testid="answer"]:not([data-decision="none"])').waitFor();
        await picture(page, 'till-wide');
        await at(page, 'find-product').click();
        await at(page, 'search').fill('Kiwi');
        await picture(page, 'till-search');
        await at(page, 'teach').click();
        assert.equal(await at(page, 'teach-name').inputValue(), 'Kiwi');
        await at(page, 'teach-name').fill('Kiwi fruit');
        await at(page, 'teach-price').fill('3.5');
        await at(page, 'teach-now').click();
        await picture(page, 'till-teach');
        await says(page, 'total', '€3.50');
        await recognises(page, 'kiwi-fruit');
        await picture(page, 'till-taught');
        await page.reload();
        await recognises(page, 'kiwi-fruit');
        await at(page, 'add').click();
        await says(page, 'total', '€7.00');
        await at(page, 'wrong').click();
        await at(page, 'search').fill(`The ${known.product}`);
        await at(page, 'found').getByRole('button').first().click();
        await says(page, 'total', '€6.00');
        // What is found by name need not be before the camera, so nothing is learnt from it.
        await at(page, 'find-product').click();
        await at(page, 'search').fill(`The ${others[0]}`);
        await at(page, 'found').getByRole('button').first().click();
        await says(page, 'total', '€8.50');
        await at(page, 'device').click();
        await page.waitForFunction(() => document.querySelectorAll('[data-testid="taught"] li').length === 2);
        for (const left of [1, 0]) {
          await at(page, 'taught').getByRole('button', { name: 'Forget' }).first().click();
          await page.waitForFunction(
            (left) => document.querySelectorAll('[data-testid="taught"] li').length === left,
            left,
          );
        }
      },
      { width: 1180, height: 820 },
    ),
  );

  await jicho('train', all, '--channel', 'T_1', ...EASY, '--out', models, '--facts', facts);
  const newFilm = film(join(folder, 'new.mjpeg'), (await clearest(folder, channel, unseen, newcomer)).photos);

  await t.test('a refresh brings the new model, and the new product is known', () =>
    visit(url, newFilm, async (page) => {
      await at(page, 'device').click();
      await at(page, 'refresh').click();
      await says(page, 'model-products', '7 products');
      await page.keyboard.press('Escape');
      await recognises(page, newcomer);
      await says(page, 'result-label', `The ${newcomer}`);
    }),
  );
});
