// The till's states that the test of a day in the shop does not reach.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { film } from './harness/camera.mjs';
import { EASY, jicho } from './harness/companion.mjs';
import { host } from './harness/host.mjs';
import { blackPng } from './harness/png.mjs';
import { clearest, shop, temporary } from './harness/shop.mjs';

const APP = fileURLToPath(new URL('../../www/dist/', import.meta.url));

const folder = temporary(after);
const models = join(folder, 'ml-models');
let web;
let browser;
let context;
let page;
let photo;

before(async () => {
  const { all, unseen } = await shop(folder, { products: 4, photos: 8 });
  await jicho('train', all, '--channel', 'T_1', ...EASY, '--out', models);
  photo = (await clearest(folder, join(models, 'T_1'), unseen)).photos[0];
  browser = await launchBrowser();
});
after(() => browser?.close());

beforeEach(async () => {
  web = await host({ '/': APP, '/assets/ml-models/': models });
  context = await browser.newContext({ locale: 'en-GB', viewport: { width: 412, height: 880 } });
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
});
afterEach(async () => {
  await context.close();
  await web.close();
});

/** Waits until the till shows an answer with this decision. */
async function decides(decision) {
  await page.locator(`[data-testid="answer"][data-decision="${decision}"]`).waitFor();
}

/** Opens the sheet that tells of this device. */
async function openDevice() {
  await page.getByTestId('device').click();
}

/** Puts something into the basket that no catalogue knows. */
async function sellOpenItem(name, price) {
  await page.getByTestId('find-product').click();
  await page.getByTestId('open-item').click();
  await page.getByTestId('item-name').fill(name);
  await page.getByTestId('item-price').fill(price);
  await page.getByTestId('item-add').click();
}

/** Waits until a model answers. */
async function ready() {
  await page
    .getByTestId('notice')
    .filter({ hasText: /Choose a photo|Hold a product|Ready when/ })
    .waitFor();
}

/** Waits until the element is visible with this text. */
async function reads(id, text) {
  await page.getByTestId(id).filter({ hasText: text, visible: true }).waitFor();
}

const options = { timeout: 3 * PATIENCE };

test('without a camera a photo is recognised', options, async () => {
  await context.grantPermissions(['camera']);
  await page.goto(web.url);
  await reads('camera-message', /No camera found/);
  await page.getByTestId('photo-input').setInputFiles(photo);
  await decides('match');
  assert.equal(await page.getByTestId('add').getAttribute('data-label'), basename(dirname(photo)));
  await page.getByRole('button', { name: 'Back to the camera' }).click();
  await reads('notice', /Choose a photo/);
});

test('where nothing is recognised the page says what to do about the picture', options, async () => {
  await page.goto(web.url);
  await ready();
  const dark = { name: 'dark.png', mimeType: 'image/png', buffer: blackPng(400, 400) };
  await page.getByTestId('photo-input').setInputFiles(dark);
  await decides('unknown');
  await reads('hint', 'Too dark: bring more light');
  await page.getByTestId('photo-input').setInputFiles(photo);
  await decides('match');
  assert.ok(await page.getByTestId('hint').isHidden());
});

test('the same of what the camera sees', options, async () => {
  await page.goto(web.url);
  const jpeg = await page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 320;
    canvas.getContext('2d').fillRect(0, 0, 320, 320);
    return canvas.toDataURL('image/jpeg');
  });
  const still = join(folder, 'dark.jpg');
  writeFileSync(still, Buffer.from(jpeg.slice(jpeg.indexOf(',') + 1), 'base64'));
  const filmed = await launchBrowser(
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film(join(folder, 'dark.mjpeg'), [still])}`,
  );
  try {
    page = await (await filmed.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(web.url);
    await decides('unknown');
    await reads('hint', 'Too dark: bring more light');
  } finally {
    await filmed.close();
  }
});

test('a camera that is denied is explained', options, async () => {
  const guarded = await launchBrowser('--use-fake-device-for-media-stream');
  try {
    const permitted = await guarded.newContext({ permissions: [] });
    permitted.setDefaultTimeout(PATIENCE);
    page = await permitted.newPage();
    await page.goto(web.url);
    await reads('camera-message', /blocked for this page/);
    await permitted.grantPermissions(['camera']);
    await page.getByRole('button', { name: 'Try the camera again' }).click();
    await page.locator('[data-testid="camera"][data-state="live"]').waitFor();
  } finally {
    await guarded.close();
  }
});

test('a file that is no picture is refused with a reason', options, async () => {
  await page.goto(web.url);
  await ready();
  const words = { name: 'apple.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('these are words') };
  await page.getByTestId('photo-input').setInputFiles(words);
  await reads('notice', /"apple\.jpg".*JPEG, PNG or WebP/);
});

test('a download tells how far it is', options, async () => {
  const rest = [];
  web.misbehave = (path, response) => {
    if (!/\.(plan|safetensors)$/.test(path)) return false;
    const bytes = readFileSync(join(models, path.slice('/assets/ml-models/'.length)));
    response.writeHead(200, { 'Content-Length': bytes.length }).write(bytes.subarray(0, bytes.length / 2));
    rest.push(() => response.end(bytes.subarray(bytes.length / 2)));
    return true;
  };
  await page.goto(web.url);
  await openDevice();
  await reads('model-state', 'Downloading…');
  await page.waitForFunction(() => {
    const { value } = document.querySelector('[data-testid="progress"]');
    return value > 0.4 && value < 0.7;
  });
  assert.ok(await page.getByTestId('refresh').isDisabled());
  // Whatever else the page has to do meanwhile, state and progress change together.
  await page.evaluate(() => {
    const state = document.querySelector('[data-testid="model-state"]');
    globalThis.seen = [];
    new MutationObserver(() =>
      globalThis.seen.push([state.dataset.state, document.querySelector('[data-testid="progress"]') !== null]),
    ).observe(state, { attributes: true });
  });
  rest.forEach((send) => send());
  await reads('model-state', 'Ready');
  const seen = await page.evaluate(() => globalThis.seen);
  assert.deepEqual(seen.at(-1), ['ready', false]);
  assert.ok(seen.every(([state, shown]) => shown === (state === 'downloading')));
});

test('a damaged release is told, and the old model stays', options, async () => {
  await page.goto(web.url);
  await ready();
  web.misbehave = (path, response) =>
    path.endsWith('/latest/metadata.json') && Boolean(response.end('<!doctype html><title>Shop</title>'));
  await openDevice();
  await page.getByTestId('refresh').click();
  await reads('sync-message', /damaged or incomplete.*INVALID_MANIFEST/);
  await reads('model-state', 'Ready');
  await reads('model-products', '4');
});

test('channel and models come from the address', options, async () => {
  web.mounts['/elsewhere/'] = models;
  await page.goto(`${web.url}/?channel=T_1&models=/elsewhere/`);
  await ready();
  await page.goto(`${web.url}/?channel=T_2&models=/elsewhere/`);
  await reads('notice', 'Camera recognition not yet set up. Add products with images first.');
  await openDevice();
  await reads('model-channel', 'T_2');
});

test('the service worker keeps the whole app, and no model', options, async () => {
  await page.goto(web.url);
  await ready();
  const kept = await page.evaluate(async () => {
    const { scope } = await navigator.serviceWorker.ready;
    const cache = await caches.open(`jicho-app ${scope}`);
    return (await cache.keys()).map(({ url }) => new URL(url).pathname);
  });
  assert.ok(kept.includes('/'));
  const modules = kept.filter((path) => path.endsWith('.wasm'));
  const names = modules.map((path) => /\/jicho-(\w+)-/.exec(path)[1]).sort();
  assert.deepEqual(
    names,
    ['relaxed', 'vault'],
    'one of the small modules and the vault are needed, the others are not',
  );
  assert.ok(!kept.some((path) => path.startsWith('/assets/ml-models/')));
  await page.reload();
  const answer = await page.evaluate(async () => {
    const { status } = await fetch('/assets/ml-models/T_9/latest/metadata.json');
    return { status, controlled: navigator.serviceWorker.controller !== null };
  });
  assert.deepEqual(answer, { status: 404, controlled: true });
});

test('a model without a plan works offline, once its module was used', options, async () => {
  const bare = join(folder, 'bare');
  await jicho('train', join(folder, 'all'), '--channel', 'T_1', ...EASY, '--out', bare, '--plan', 'none');
  web.mounts['/assets/ml-models/'] = bare;
  await page.goto(web.url);
  await ready();
  await page.evaluate(() => navigator.serviceWorker.ready);
  // Only after a reload do the page's requests pass through the service worker.
  await page.reload();
  await ready();
  await page.waitForFunction(async () => {
    const { scope } = await navigator.serviceWorker.ready;
    const cache = await caches.open(`jicho-app ${scope}`);
    return (await cache.keys()).some(({ url }) => /jicho-tract-/.test(url));
  });
  web.misbehave = (_path, response) => Boolean(response.destroy());
  await page.reload();
  await ready();
  await reads('network-state', 'Offline');
});

test('no page has anything that axe finds serious, and controls are large enough to hit', options, async () => {
  await page.goto(web.url);
  await ready();
  await page.getByTestId('photo-input').setInputFiles(photo);
  await decides('match');
  await page.getByTestId('add').click();
  // The sample shop has no prices, so the till asks for one.
  await page.getByTestId('item-price').fill('2');
  await page.getByTestId('item-add').click();
  await page.getByTestId('line').waitFor({ state: 'attached' });
  await page.evaluate(readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8'));
  const sound = async (what) => {
    const { violations, small } = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
      const open = document.querySelector('dialog[open]') ?? document;
      const small = [...open.querySelectorAll('button, select, label.tool')]
        .filter((element) => element.checkVisibility())
        .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
        .filter(([, { width, height }]) => width < 44 || height < 44)
        .map(([html]) => html);
      return { violations: violations.map(({ id, nodes }) => [id, nodes[0].html]), small };
    });
    assert.deepEqual(violations, [], what);
    assert.deepEqual(small, [], what);
  };
  for (const theme of ['light', 'dark', 'contrast']) {
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
    await sound(`the till, ${theme}`);
  }
  const sheets = { device: 'refresh', 'find-product': 'search', pay: 'given' };
  for (const [opener, inside] of Object.entries(sheets)) {
    await page.getByTestId(opener).click();
    await page.getByTestId(inside).waitFor();
    await sound(opener);
    await page.keyboard.press('Escape');
  }
});

test('in Arabic everything stands from right to left, and nothing is wider than the screen', options, async () => {
  await page.goto(web.url);
  await ready();
  await openDevice();
  await page.getByTestId('language').selectOption('ar');
  await page.waitForFunction(() => document.documentElement.dir === 'rtl' && document.querySelector('jicho-till'));
  await page.getByTestId('photo-input').setInputFiles(photo);
  await decides('match');
  await page.getByTestId('add').click();
  await page.getByTestId('item-price').fill('٢٫٥');
  await page.getByTestId('item-add').click();
  await page.getByTestId('total').filter({ hasText: '2.5' }).waitFor();
  for (const viewport of [
    { width: 412, height: 880 },
    { width: 1180, height: 820 },
  ]) {
    await page.setViewportSize(viewport);
    if (process.env.JICHO_SHOTS)
      await page.screenshot({ path: join(process.env.JICHO_SHOTS, `till-ar-${viewport.width}.png`) });
    const { wide, basket } = await page.evaluate(() => ({
      wide: [...document.querySelectorAll('jicho-till *')]
        .filter((element) => element.checkVisibility() && !element.closest('svg'))
        .filter((element) => {
          const { left, right } = element.getBoundingClientRect();
          return left < -1 || right > innerWidth + 1;
        })
        .map((element) => element.outerHTML.slice(0, 100)),
      basket: document.querySelector('[data-testid="basket"]').getBoundingClientRect().left,
    }));
    assert.deepEqual(wide, []);
    assert.equal(basket, 0, 'the column stands on the left');
  }
});

test('it can be installed', options, async () => {
  await page.goto(web.url);
  const session = await context.newCDPSession(page);
  const { errors, data } = await session.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  assert.equal(JSON.parse(data).display, 'standalone');
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // A browser context of a test counts as incognito.
  assert.deepEqual(
    installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'),
    [],
  );
});

test('a new version of the app waits until it is wanted', options, async () => {
  const app = join(folder, 'app');
  cpSync(APP, app, { recursive: true });
  web.mounts['/'] = `${app}/`;
  await page.goto(web.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();

  const edit = (file, change) => writeFileSync(join(app, file), change(readFileSync(join(app, file), 'utf8')));
  edit('index.html', (html) => html.replace('<title>Jicho', '<title>Jicho, the next'));
  const integrity = createHash('sha256')
    .update(readFileSync(join(app, 'index.html')))
    .digest('base64');
  edit('sw.js', (script) => script.replace(/"\.\/":"sha256-[^"]*"/, `"./":"sha256-${integrity}"`));
  await page.reload();
  assert.equal(await page.title(), 'Jicho');
  // Not while a customer is served: taking the update reloads the page.
  await page.getByTestId('update').waitFor();
  await sellOpenItem('Bread', '2');
  await page.getByTestId('update').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Show the basket' }).click();
  await page.getByTestId('undo').click();
  const wasm = (path) => path.endsWith('.wasm');
  web.requests = [];
  await page.getByTestId('update').click();
  await page.waitForFunction(() => document.title === 'Jicho, the next');
  assert.ok(!web.requests.some(wasm), 'what did not change is fetched again');
});
