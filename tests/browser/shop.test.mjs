// The owner's page, as a shop is set up with it: by the first administrator, a second person, a phone and a till.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import axe from 'axe-core';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { jicho } from './harness/companion.mjs';
import { startService } from './harness/service.mjs';
import { photosOf, temporary } from './harness/shop.mjs';

const APP = fileURLToPath(new URL('../../www/dist/', import.meta.url));
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const folder = temporary(after);
const samples = join(folder, 'samples');
let service;
let browser;
let products;
let owner;

before(async () => {
  await jicho('samples', samples, '--photos', '6', '--products', '3', '--size', '224');
  products = readdirSync(samples).sort();
  // Every new label is shown to a second person.
  service = await startService(folder, { app: APP, settings: { JICHO_PHOTOS_CONFIRM_PERCENT: '100' } });
  browser = await launchBrowser();
  owner = await open();
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

/** A page in a browser of its own. What goes wrong in its scripts fails the test. */
async function open(options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1024, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  return page;
}

/** What axe finds on the page as it is. */
async function accessible(page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values } }),
    RULES,
  );
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  assert.deepEqual(told, [], what);
}

const view = (page, hash) => page.evaluate((to) => location.assign(to), `#/T_1/${hash}`);
const link = (page) => page.getByTestId('link').textContent();

const options = { timeout: 2 * PATIENCE };

test('the first link signs in once, and leaves the address', options, async () => {
  await owner.goto(service.link);
  await owner.getByTestId('channel-name').waitFor();
  assert.equal(new URL(owner.url()).hash, '');
  await accessible(owner, 'choice of a shop');
  await owner.reload();
  await owner.getByTestId('channel-name').waitFor();

  const other = await open();
  await other.goto(service.link);
  await other.getByTestId('refusal').filter({ hasText: 'does not hold' }).waitFor();
  assert.equal(new URL(other.url()).hash, '');
  await accessible(other, 'signing in');
  await other.getByTestId('key').fill('no such key');
  await other.getByTestId('sign-in').click();
  await other.getByTestId('refusal').filter({ hasText: 'does not hold' }).waitFor();
  await other.context().close();
});

test('a new shop is led from products to photos, and goes on where it was left', options, async () => {
  await owner.getByTestId('channel-name').fill('Duka la Amina');
  await owner.getByTestId('channel-id').fill('T_1');
  await owner.getByTestId('channel-currency').fill('kes');
  await owner.getByTestId('channel-make').click();
  await owner.getByTestId('names').fill(products.join('\n'));
  await accessible(owner, 'products of the set-up');
  await owner.getByTestId('add-names').click();
  await owner.getByTestId('made').locator('li').nth(2).waitFor();
  await owner.getByTestId('next').click();
  await owner.getByTestId('photos').setInputFiles(photosOf(samples, products[0]));
  await owner.locator(`[data-product="${products[0]}"]`, { hasText: 'Photos: 6' }).waitFor();
  await accessible(owner, 'photos of the set-up');

  await owner.reload();
  await owner.locator('[data-testid="step-photos"][aria-current="step"]').waitFor();
  await owner.getByTestId('pick').nth(1).click();
  await owner.getByTestId('photos').setInputFiles(photosOf(samples, products[1]));
  await owner.locator(`[data-product="${products[1]}"]`, { hasText: 'Photos: 6' }).waitFor();
});

test('a product’s photos tell at once what came of them, and are moved, doubted and deleted', options, async () => {
  await view(owner, `products/${products[2]}`);
  const [first, second] = photosOf(samples, products[2]);
  const words = { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('these are words') };
  const photo = (name, path) => ({ name, mimeType: 'image/jpeg', buffer: readFileSync(path) });
  await owner.getByTestId('photos').setInputFiles([photo('one.jpg', first), photo('two.jpg', second), words]);
  const came = (state, name) => owner.locator(`[data-testid="uploads"] [data-state="${state}"]`, { hasText: name });
  await came('stored', 'one.jpg').waitFor();
  await came('stored', 'two.jpg').waitFor();
  await came('refused', 'notes.jpg').filter({ hasText: 'no photo' }).waitFor();
  await owner.getByTestId('photos').setInputFiles([photo('again.jpg', first)]);
  await came('duplicate', 'again.jpg').waitFor();
  const shown = owner.getByTestId('photo-list').locator('li');
  await shown.nth(1).waitFor();
  assert.equal(await shown.count(), 2);
  await accessible(owner, 'a product');

  await shown.first().click();
  await accessible(owner, 'a photo');
  await owner.getByTestId('dispute').click();
  await shown.filter({ hasText: 'In doubt' }).waitFor();
  await shown.filter({ hasText: 'In doubt' }).click();
  await owner.getByTestId('move-to').selectOption(products[0]);
  await owner.getByTestId('move').click();
  await shown.nth(1).waitFor({ state: 'detached' });

  await owner.getByTestId('edit-price').fill('12,50');
  await owner.getByTestId('save').click();
  await owner.getByTestId('message').filter({ hasText: 'Saved.' }).waitFor();
  await view(owner, 'products');
  await owner.locator(`[data-product="${products[2]}"]`, { hasText: '12.50' }).waitFor();
  await owner.getByTestId('search').fill(products[1]);
  await owner.locator(`[data-product="${products[2]}"]`).waitFor({ state: 'detached' });
  assert.equal(await owner.getByTestId('product').count(), 1);
  await accessible(owner, 'products');
});

test('a phone that reads the link adds photos of one product and sees nothing else', options, async () => {
  await view(owner, `products/${products[2]}`);
  await owner.getByTestId('phone').click();
  await owner.locator('.qr').waitFor();
  await accessible(owner, 'a link');
  const phone = await open({ viewport: { width: 390, height: 800 } });
  await phone.goto(await link(owner));
  await phone.getByTestId('photos').setInputFiles(photosOf(samples, products[2]).slice(2));
  await phone.locator('[data-state="stored"]').nth(3).waitFor();
  await accessible(phone, 'the phone');
  assert.equal(await phone.locator('nav').count(), 0);
  // The session outlasts a reload, and the product with it.
  await phone.reload();
  await phone.getByRole('heading', { name: products[2] }).waitFor();
  await phone.context().close();
  await owner.keyboard.press('Escape');
});

test('a second person, with a role of their own, says what photos show', options, async () => {
  await view(owner, 'devices');
  await owner.getByTestId('invite').click();
  await owner.locator('.qr').waitFor();
  const second = await open({ colorScheme: 'dark', viewport: { width: 390, height: 800 } });
  await second.goto(await link(owner));
  await second.getByTestId('nav-products').click();
  await second.getByTestId('confirm').click();
  await second.getByTestId('confirm-as').selectOption(products[0]);
  await accessible(second, 'second look');
  await second.getByTestId('confirm-now').click();
  await second.getByTestId('message').filter({ hasText: 'Thank you' }).waitFor();
  assert.match(await second.getByTestId('agreement').textContent(), /Looked at twice\s*1/);

  // An operator neither trains nor sees keys or the record of what was done.
  await second.getByTestId('nav-model').click();
  await second.getByText('Your role may look at trainings').waitFor();
  assert.equal(await second.getByTestId('train').count(), 0);
  await second.getByTestId('nav-devices').click();
  await second.getByText('An administrator of all shops can pair tills.').waitFor();
  assert.equal(await second.getByTestId('key-make').count(), 0);
  await second.getByTestId('nav-settings').click();
  await second.getByTestId('health').waitFor();
  assert.equal(await second.getByTestId('audit').count(), 0);
  await second.getByTestId('sign-out').click();
  await second.getByTestId('key').waitFor();
  await second.context().close();
  await owner.keyboard.press('Escape');
});

test('a till pairs by its link, knows the products offline, and a refused sale holds up none', options, async () => {
  await owner.getByTestId('pair').click();
  await owner.locator('.qr').waitFor();
  const till = await open();
  const sell = async (name, price) => {
    await till.getByTestId('find-product').click();
    await till.getByTestId('open-item').click();
    await till.getByTestId('item-name').fill(name);
    await till.getByTestId('item-price').fill(price);
    await till.getByTestId('item-add').click();
    await till.getByTestId('pay').click();
    await till.getByText('Card').click();
    await till.getByTestId('finish').click();
    await till.getByTestId('next-sale').click();
  };
  await till.goto(await link(owner));
  await till.locator('[data-testid="pairing"][data-state="paired"]').waitFor();
  assert.equal(new URL(till.url()).hash, '');
  await till.getByTestId('pairing').getByRole('button').click();
  await till.getByTestId('find-product').click();
  await till.getByTestId('search').fill(products[2]);
  await till.getByTestId('found').filter({ hasText: '12.50' }).waitFor();
  await till.getByTestId('found').locator('img').waitFor();
  await till.getByRole('button', { name: 'Close' }).click();

  const sales = '**/api/v1/channels/T_1/sales';
  await till.route(sales, (route) => route.fulfill({ status: 422, json: { detail: 'no such currency' } }));
  await sell('Refused thing', '1');
  await till.getByTestId('device').click();
  await till.getByTestId('sales-refused').filter({ hasText: '1 sale' }).waitFor();
  await till.getByRole('button', { name: 'Close' }).click();
  await till.unroute(sales);
  await sell('Taken thing', '2');
  await till.getByTestId('device').click();
  await till.getByTestId('sales-waiting').filter({ hasText: 'Every sale is delivered.' }).waitFor();
  const [saved] = await Promise.all([till.waitForEvent('download'), till.getByTestId('save-refused').click()]);
  const [refused] = JSON.parse(readFileSync(await saved.path(), 'utf8'));
  assert.equal(refused.sale.lines[0].name, 'Refused thing');
  assert.deepEqual([refused.status, refused.detail], [422, 'no such currency']);
  await till.getByTestId('discard-refused').click();
  await till.getByTestId('sales-refused').waitFor({ state: 'detached' });
  await till.context().close();

  await owner.keyboard.press('Escape');
  await view(owner, 'sales');
  await owner.getByTestId('sales').waitFor();
  assert.equal(await owner.getByTestId('sales').locator('details').count(), 1);
  await owner.getByTestId('sales').locator('summary').click();
  await owner.getByText('1 × Taken thing').waitFor();
  await accessible(owner, 'sales');
  await view(owner, 'devices');
  await owner.getByTestId('devices').filter({ hasText: 'Till T_1' }).waitFor();
  await accessible(owner, 'devices');
});

test(
  'a training tells how far it is, the new model stands beside the old one, and the old one comes back',
  options,
  async () => {
    await view(owner, 'setup');
    await owner.getByTestId('step-train').click();
    await owner.getByTestId('train').click();
    await owner.getByTestId('train-progress').waitFor();
    await owner.locator('[data-testid="training"][data-state="done"]').waitFor();
    await owner.getByTestId('next').click();
    await owner.getByTestId('try-photo').setInputFiles(photosOf(samples, products[0])[0]);
    await owner.getByTestId('tried').filter({ hasText: products[0] }).waitFor();
    await accessible(owner, 'trying it');
    await owner.getByTestId('next').click();
    await owner.locator('summary').click();
    assert.match(await owner.getByTestId('models-url').textContent(), /\/assets\/ml-models\/$/);
    await accessible(owner, 'installing it');

    await view(owner, 'model');
    const versions = owner.getByTestId('versions').locator('li');
    await versions.first().waitFor();
    const first = await versions.first().getAttribute('data-version');
    await jicho('samples', join(folder, 'more'), '--seed', '2', '--photos', '4', '--products', '1', '--size', '224');
    await view(owner, `products/${products[0]}`);
    await owner
      .getByTestId('photos')
      .setInputFiles(photosOf(join(folder, 'more'), readdirSync(join(folder, 'more'))[0]));
    await owner.locator('[data-state="stored"]').nth(3).waitFor();
    await view(owner, 'model');
    await owner.getByTestId('train').click();
    await owner.locator('[data-testid="training"][data-state="done"]').waitFor();
    await owner.getByTestId('compare').waitFor();
    await versions.nth(1).waitFor();
    await accessible(owner, 'the model');
    await owner.locator(`[data-version="${first}"]`).getByTestId('rollback').click();
    await owner
      .getByTestId('message')
      .filter({ hasText: `${first} is in use again.` })
      .waitFor();
    await owner.getByTestId('in-force').waitFor();

    await view(owner, 'overview');
    await owner.locator('.chart canvas').waitFor();
    await accessible(owner, 'overview of a trained shop');
  },
);

test('settings, health and the record of what was done', options, async () => {
  await view(owner, 'settings');
  await owner.getByTestId('currency').fill('TZS');
  await owner.getByTestId('save-settings').click();
  await owner.getByTestId('message').filter({ hasText: 'Saved.' }).waitFor();
  await owner.getByTestId('verify').click();
  await owner.getByTestId('whole').filter({ hasText: 'Whole.' }).waitFor();
  await accessible(owner, 'settings');
  await view(owner, 'overview');
  await owner.locator('.figures').waitFor();
  await accessible(owner, 'overview');

  // From right to left, dark, on a phone, where each control is large enough to touch.
  await owner.setViewportSize({ width: 390, height: 800 });
  await owner.emulateMedia({ colorScheme: 'dark' });
  await view(owner, 'settings');
  await owner.getByTestId('language').selectOption('ar');
  await owner.locator('html[dir="rtl"]').waitFor();
  for (const name of ['overview', 'products', 'model', 'sales', 'devices', 'settings']) {
    await view(owner, name);
    await owner.locator(`[data-testid="nav-${name}"][aria-current="page"]`).waitFor();
    await accessible(owner, `${name} in Arabic`);
    const { wide, small } = await owner.evaluate(() => ({
      wide: document.documentElement.scrollWidth > innerWidth,
      small: [...document.querySelectorAll('main button, main select, main a, nav a, header button')]
        .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
        .filter(([, { width, height }]) => width > 0 && (height < 44 || width < 44))
        .map(([text]) => text),
    }));
    assert.deepEqual([wide, small], [false, []], name);
  }
});
