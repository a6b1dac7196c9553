// The page's states that the test of the till does not reach.
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
  await reads('result-label', basename(dirname(photo)));
  await reads('result-decision', 'Match');
  await page.getByRole('button', { name: 'Back to the camera' }).click();
  await reads('notice', /Choose a photo/);
});

test('where nothing is recognised the page says what to do about the picture', options, async () => {
  await page.goto(web.url);
  await reads('model-state', 'Ready');
  const dark = { name: 'dark.png', mimeType: 'image/png', buffer: blackPng(400, 400) };
  await page.getByTestId('photo-input').setInputFiles(dark);
  await reads('result-decision', 'Unknown');
  await reads('hint', 'Too dark: bring more light');
  await page.getByTestId('photo-input').setInputFiles(photo);
  await reads('result-decision', 'Match');
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
    await reads('result-decision', 'Unknown');
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
  await reads('model-state', 'Ready');
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
  await reads('model-state', 'Downloading…');
  await page.waitForFunction(() => {
    const { value } = document.querySelector('[data-testid="progress"]');
    return value > 0.4 && value < 0.7;
  });
  assert.ok(await page.getByTestId('refresh').isDisabled());
  // Whatever else the page has to do meanwhile, state and progress change together.
  await page.evaluate(() => {
    const [state, progress] = ['model-state', 'progress'].map((id) => document.querySelector(`[data-testid="${id}"]`));
    globalThis.seen = [];
    new MutationObserver(() => globalThis.seen.push([state.dataset.state, progress.offsetParent !== null])).observe(
      state,
      {
        attributes: true,
      },
    );
  });
  rest.forEach((send) => send());
  await reads('model-state', 'Ready');
  const seen = await page.evaluate(() => globalThis.seen);
  assert.deepEqual(seen.at(-1), ['ready', false]);
  assert.ok(seen.every(([state, shown]) => shown === (state === 'downloading')));
});

test('a damaged release is told, and the old model stays', options, async () => {
  await page.goto(web.url);
  await reads('model-state', 'Ready');
  web.misbehave = (path, response) =>
    path.endsWith('/latest/metadata.json') && Boolean(response.end('<!doctype html><title>Shop</title>'));
  await page.getByTestId('refresh').click();
  await reads('sync-message', /damaged or incomplete.*INVALID_MANIFEST/);
  await reads('model-state', 'Ready');
  await reads('model-products', '4');
});

test('channel and models come from the address', options, async () => {
  web.mounts['/elsewhere/'] = models;
  await page.goto(`${web.url}/?channel=T_1&models=/elsewhere/`);
  await reads('model-state', 'Ready');
  await page.goto(`${web.url}/?channel=T_2&models=/elsewhere/`);
  await reads('notice', 'Camera recognition not yet set up. Add products with images first.');
  await reads('model-channel', 'T_2');
});

test('the service worker keeps the whole app, and no model', options, async () => {
  await page.goto(web.url);
  await reads('model-state', 'Ready');
  const kept = await page.evaluate(async () => {
    const { scope } = await navigator.serviceWorker.ready;
    const cache = await caches.open(`jicho-app ${scope}`);
    return (await cache.keys()).map(({ url }) => new URL(url).pathname);
  });
  assert.ok(kept.includes('/'));
  const modules = kept.filter((path) => path.endsWith('.wasm'));
  assert.equal(modules.length, 1, 'one of the small modules is needed, the others are not');
  assert.match(modules[0], /\/jicho-relaxed-/);
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
  await reads('model-state', 'Ready');
  await page.evaluate(() => navigator.serviceWorker.ready);
  // Only after a reload do the page's requests pass through the service worker.
  await page.reload();
  await reads('model-state', 'Ready');
  await page.waitForFunction(async () => {
    const { scope } = await navigator.serviceWorker.ready;
    const cache = await caches.open(`jicho-app ${scope}`);
    return (await cache.keys()).some(({ url }) => /jicho-tract-/.test(url));
  });
  web.misbehave = (_path, response) => Boolean(response.destroy());
  await page.reload();
  await reads('model-state', 'Ready');
  await reads('network-state', 'Offline');
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
  const wasm = (path) => path.endsWith('.wasm');
  web.requests = [];
  await page.getByRole('button', { name: 'Use it now' }).click();
  await page.waitForFunction(() => document.title === 'Jicho, the next');
  assert.ok(!web.requests.some(wasm), 'what did not change is fetched again');
});
