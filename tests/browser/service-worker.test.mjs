// What an app's service worker keeps by `jicho/service-worker`: hosts that redirect, nodes of a CDN that are late, other
// people's files. The apps here are small and made up; each has its own folder of the host.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { host } from './harness/host.mjs';

const options = { timeout: 2 * PATIENCE };

let web;
let other;
let browser;
let context;
let page;
/** What the host has: by path a text, or an address that it redirects to. */
let site;

before(async () => {
  other = await host();
  web = await host({}, []);
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), web?.close(), other?.close()]));

beforeEach(async () => {
  site = {};
  web.misbehave = (path, response) => {
    const found = site[path];
    if (found === undefined) return false;
    if (typeof found === 'string')
      response.setHeader('Content-Type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    if (typeof found === 'number') response.writeHead(found).end('no');
    else if (typeof found === 'object') response.writeHead(302, { Location: found.to }).end();
    else response.setHeader('Cache-Control', 'no-cache').end(found);
    return true;
  };
  context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
});
afterEach(() => context.close());

const html = (title, script = '') =>
  `<!doctype html><html lang="en"><title>${title}</title><link rel="icon" href="data:,">${script}`;
const integrity = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

/** Puts a service worker there that keeps the files. */
function worker(path, files, rest = {}) {
  site[path] =
    `import { keepFiles } from '/pkg/dist/service-worker.js';\nkeepFiles(${JSON.stringify({ files, ...rest })});`;
}

/** Registers a service worker and waits for what becomes of its installation: `activated` or `redundant`. */
function register(script, scope) {
  return page.evaluate(
    async ([script, scope]) => {
      const { serviceWorker } = navigator;
      const { installing } = await serviceWorker.register(script, { type: 'module', updateViaCache: 'none', scope });
      return globalThis.settled(installing, ['activated', 'redundant']);
    },
    [script, scope],
  );
}

/** Has the browser look for a new version: what becomes of it, or null if there is none. */
function update() {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const found = await registration.update();
    return found.installing ? globalThis.settled(found.installing, ['installed', 'redundant']) : null;
  });
}

/** Has the waiting version take over. */
function takeOver() {
  return page.evaluate(async () => {
    const { waiting } = await navigator.serviceWorker.getRegistration();
    const changed = globalThis.settled(waiting, ['activated']);
    waiting.postMessage('take-over');
    await changed;
  });
}

async function open(path) {
  await page.goto(web.url + path);
  await page.evaluate(() => {
    globalThis.settled = (worker, states) =>
      new Promise((resolve) => {
        const look = () => states.includes(worker.state) && resolve(worker.state);
        worker.addEventListener('statechange', look);
        look();
      });
  });
  return page.title();
}

/** The title at an address while the host cannot be reached. */
async function offline(path) {
  await context.setOffline(true);
  try {
    await page.goto(web.url + path);
    return await page.title();
  } catch (error) {
    return /ERR_\w+/.exec(error.message)?.[0] ?? error.message;
  } finally {
    await context.setOffline(false);
  }
}

const cacheNames = () => page.evaluate(async () => (await caches.keys()).sort());

test('a page that the host redirects elsewhere is not kept, and opens as before', options, async () => {
  worker('/a/sw.js', { './': 'v1' });
  site['/a/'] = { to: '/a/login.html' };
  site['/a/login.html'] = html('Log in');
  assert.equal(await open('/a/'), 'Log in');
  assert.equal(await register('/a/sw.js'), 'redundant');
  assert.equal(await open('/a/'), 'Log in');
});

test('a page that the host redirects to its other name opens, offline too', options, async () => {
  worker('/b/sw.js', { './index.html': 'v1' });
  site['/b/'] = html('App');
  site['/b/index.html'] = { to: '/b/' };
  await open('/b/');
  assert.equal(await register('/b/sw.js'), 'activated');
  assert.equal(await open('/b/index.html'), 'App');
  assert.equal(await offline('/b/index.html'), 'App');
  assert.equal(await offline('/b/'), 'App');
});

test('a redirected page whose content is verified is kept, whatever its name', options, async () => {
  const app = html('App');
  worker('/c/sw.js', { './': integrity(app) });
  site['/c/'] = { to: '/c/en.html' };
  site['/c/en.html'] = app;
  await open('/c/');
  assert.equal(await register('/c/sw.js'), 'activated');
  assert.equal(await offline('/c/'), 'App');
});

test('a late node of a CDN fails the installation, and the version before stays', options, async () => {
  const [first, second] = [html('First'), html('Second')];
  worker('/d/sw.js', { './': integrity(first) });
  site['/d/'] = first;
  await open('/d/');
  assert.equal(await register('/d/sw.js'), 'activated');

  worker('/d/sw.js', { './': integrity(second) });
  assert.equal(await update(), 'redundant');
  assert.equal(await open('/d/'), 'First');
  assert.equal(await offline('/d/'), 'First');

  site['/d/'] = second;
  await open('/d/');
  assert.equal(await update(), 'installed');
  assert.equal(await open('/d/'), 'First', 'a page uses the version before');
  await takeOver();
  assert.equal(await open('/d/'), 'Second');
});

test('a late node pins nothing where there are only version names', options, async () => {
  worker('/e/sw.js', { './': 'v1' });
  site['/e/'] = html('First');
  await open('/e/');
  await register('/e/sw.js');
  worker('/e/sw.js', { './': 'v2' });
  assert.equal(await update(), 'installed');
  await takeOver();
  site['/e/'] = html('Second');
  assert.equal(await open('/e/'), 'Second');
  assert.equal(await offline('/e/'), 'Second');
});

test('an installation that fails keeps nothing of its files', options, async () => {
  worker('/f/sw.js', { './': 'v1' });
  site['/f/'] = html('First');
  await open('/f/');
  await register('/f/sw.js');
  worker('/f/sw.js', { './': 'v2', './gone.js': null });
  site['/f/'] = html('Second');
  assert.equal(await update(), 'redundant');
  const keys = await page.evaluate(async () => {
    const cache = await caches.open((await caches.keys()).find((name) => name.includes('/f/')));
    return (await cache.keys()).map(({ url }) => new URL(url).search);
  });
  assert.deepEqual(keys, ['?v1']);
});

test("the app's routes open offline by its page, files do not", options, async () => {
  const app = html('App');
  worker('/g/sw.js', { './': integrity(app) });
  site['/g/'] = site['/g/till/3'] = app;
  site['/g/help'] = html('Help of the host');
  await open('/g/');
  await register('/g/sw.js');
  assert.equal(await open('/g/help'), 'Help of the host', 'online the host answers');
  for (const route of ['/g/till/3', '/g/till/3?from=list', '/g/?source=pwa', '/g/#/till/3', '/g/index.html']) {
    assert.equal(await offline(route), 'App', route);
  }
  assert.match(await offline('/g/report.pdf'), /^ERR_/);

  worker('/g/none/sw.js', { './': integrity(app) }, { page: null });
  site['/g/none/'] = app;
  await open('/g/none/');
  await register('/g/none/sw.js');
  assert.equal(await offline('/g/none/'), 'App');
  assert.match(await offline('/g/none/till'), /^ERR_/);
});

test('a script of another origin loads as without a service worker, whose policy forbids it', options, async () => {
  other.misbehave = (path, response) =>
    path === '/widget.js' &&
    Boolean(response.setHeader('Content-Type', 'text/javascript').end('globalThis.widget = "there"'));
  worker('/h/sw.js', { './': 'v1' });
  const policy = `default-src 'self'; script-src 'self' ${other.url}`;
  const misbehave = web.misbehave;
  web.misbehave = (path, response) => {
    response.setHeader('Content-Security-Policy', policy);
    return misbehave(path, response);
  };
  site['/h/'] = html('App', `<script src="${other.url}/widget.js"></script>`);
  await open('/h/');
  await register('/h/sw.js');
  await open('/h/');
  const seen = await page.evaluate(() => [navigator.serviceWorker.controller !== null, globalThis.widget]);
  assert.deepEqual(seen, [true, 'there']);
});

test("apps of one origin leave each other's caches alone", options, async () => {
  for (const app of ['i', 'j']) {
    worker(`/${app}/sw.js`, { './': 'v1' });
    site[`/${app}/`] = html(app);
    await open(`/${app}/`);
    if (app === 'i')
      await page.evaluate(async () => void (await (await caches.open('jicho')).put('/theirs', new Response('x'))));
    await register(`/${app}/sw.js`);
  }
  assert.deepEqual(await cacheNames(), ['jicho', `jicho ${web.url}/i/`, `jicho ${web.url}/j/`]);
  assert.equal(await page.evaluate(async () => (await (await caches.open('jicho')).keys()).length), 1);
  assert.equal(await offline('/i/'), 'i');
  assert.equal(await offline('/j/'), 'j');
});

/** Asks the service worker to keep these URLs: its answer. */
function ask(urls) {
  return page.evaluate(async (urls) => {
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => data.type === 'jicho-precached' && resolve(data);
    });
    active.postMessage({ type: 'jicho-precache', urls }, [port2]);
    return answer;
  }, urls);
}

test('the page is told what is kept and what is not, and why', options, async () => {
  worker('/k/sw.js', { './': 'v1' });
  site['/k/'] = html('App');
  site['/k/worker.js'] = '// worker';
  site['/k/module.js'] = { to: '/k/login.html' };
  site['/k/login.html'] = html('Log in');
  await open('/k/');
  await register('/k/sw.js');
  const at = (path) => `${web.url}/k/${path}`;
  const foreign = `${other.url}/worker.js`;
  const { kept, notKept } = await ask([at('worker.js'), at('gone.wasm'), at('model.plan'), at('module.js'), foreign]);
  assert.deepEqual(kept, [at('worker.js')]);
  assert.deepEqual(Object.fromEntries(notKept.map(({ url, reason }) => [url, reason])), {
    [at('gone.wasm')]: 'HTTP status 404',
    [at('model.plan')]: 'it is no script and no wasm module',
    [at('module.js')]: `the host redirects it to ${at('login.html')}`,
    [foreign]: 'it is of another origin, whose files a service worker cannot stand in for',
  });
  await context.setOffline(true);
  assert.equal(await page.evaluate(async () => (await fetch('/k/worker.js')).text()), '// worker');
  await context.setOffline(false);
});

test('a script that is new under its old name comes with the new version, and not before', options, async () => {
  const [first, second] = [html('First'), html('Second')];
  const script = () => page.evaluate(async () => (await fetch('/l/worker.js')).text());
  worker('/l/sw.js', { './': integrity(first) });
  site['/l/'] = first;
  site['/l/worker.js'] = '// first';
  await open('/l/');
  await register('/l/sw.js');
  await ask([`${web.url}/l/worker.js`]);

  worker('/l/sw.js', { './': integrity(second) });
  site['/l/'] = second;
  site['/l/worker.js'] = '// second';
  assert.equal(await update(), 'installed');
  assert.deepEqual([await open('/l/'), await script()], ['First', '// first']);
  await takeOver();
  assert.deepEqual([await open('/l/'), await script()], ['Second', '// second']);
  await context.setOffline(true);
  assert.equal(await script(), '// second');
});

test('where storage fails the network answers', options, async () => {
  worker('/m/sw.js', { './': null });
  site['/m/sw.js'] += `
    const { open } = CacheStorage.prototype;
    let broken = false;
    CacheStorage.prototype.open = function (name) {
      return broken ? Promise.reject(new Error('the disk fails')) : open.call(this, name);
    };
    addEventListener('message', ({ data, ports }) => {
      if (data === 'break') ports[0].postMessage((broken = true));
    });`;
  site['/m/'] = html('First');
  site['/m/worker.js'] = '// worker';
  await open('/m/');
  await register('/m/sw.js');
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    const told = new Promise((resolve) => (port1.onmessage = resolve));
    active.postMessage('break', [port2]);
    await told;
  });
  site['/m/'] = html('Second');
  assert.equal(await open('/m/'), 'Second');
  assert.equal(await page.evaluate(async () => (await fetch('/m/worker.js')).text()), '// worker');
});

/** What `precache()` comes to: its answer, or its error. */
const precache = () =>
  page.evaluate(async () => {
    const { precache } = await import('/pkg/dist/precache.js');
    return precache().catch(({ code, message }) => ({ code, message }));
  });

test('precache() keeps the package and tells so', options, async () => {
  worker('/sw.js', {});
  await page.goto(`${web.url}/pages/index.html`);
  await page.evaluate(() => void navigator.serviceWorker.register('/sw.js', { type: 'module' }));
  const { kept, notKept } = await precache();
  assert.deepEqual(notKept, []);
  assert.ok(kept.includes(`${web.url}/pkg/dist/worker.js`) && kept.some((url) => url.endsWith('.wasm')));
});

test('precache() says that there is no service worker, or none that keeps files', options, async () => {
  await page.goto(`${web.url}/pages/index.html`);
  const none = await precache();
  assert.deepEqual([none.code, /registered no service worker/.test(none.message)], ['UNSUPPORTED', true]);

  site['/sw.js'] = '// an app may have a service worker of another kind';
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/sw.js');
    await navigator.serviceWorker.ready;
  });
  await page.clock.install();
  let answer;
  const asked = precache().then((come) => (answer = come));
  // The limit begins when the page has posted its message, so the clock is turned until it has passed.
  while (!answer) await page.clock.runFor(1000);
  await asked;
  const { code, message } = answer;
  assert.equal(code, 'UNSUPPORTED');
  assert.match(message, /must call keepFiles/);
});
