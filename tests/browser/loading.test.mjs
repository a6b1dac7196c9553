// The package's own files where they are hard to load: hosts, policies, other origins, other threads. The host has no models,
// so a sync that ends in `absent` has had worker and module.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { fileAt, host } from './harness/host.mjs';

const options = { timeout: 2 * PATIENCE };
const MODULE = '/pkg/wasm/relaxed/jicho-relaxed.wasm';

let web;
let other;
let browser;
let page;
/** The policy of pages and scripts; null: the host's own. */
let policy;
/** Answers instead of the host, by path. */
let answers;

before(async () => {
  other = await host();
  web = await host({}, [other.url]);
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), web?.close(), other?.close()]));

beforeEach(async () => {
  policy = null;
  answers = {};
  web.requests.length = 0;
  web.misbehave = (path, response) => {
    if (policy !== null) response.setHeader('Content-Security-Policy', policy);
    const answer = answers[path];
    if (!answer) return false;
    response.writeHead(answer.status ?? 200, { 'Content-Type': answer.type }).end(answer.body);
    return true;
  };
  other.misbehave = (_, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.removeHeader('Content-Security-Policy');
    return false;
  };
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
});
afterEach(() => page.context().close());

/** What opening and a sync come to in a page; `from` is where its package is. */
async function sync(options = {}, from = '/pkg/dist/index.js') {
  await page.goto(`${web.url}/pages/index.html`);
  return page.evaluate(
    async ([options, from]) => {
      const { Jicho } = await import(from);
      try {
        const eye = await Jicho.open({ channel: 'T_1', models: '/models/', checkEveryMinutes: 0, ...options });
        const { outcome } = await eye.sync();
        eye.dispose();
        return outcome;
      } catch ({ code, message }) {
        return { code, message };
      }
    },
    [options, from],
  );
}

async function fails(code, message, options) {
  const answer = await sync(options);
  assert.equal(answer.code, code, JSON.stringify(answer));
  assert.match(answer.message, message);
}

const HTML = { type: 'text/html', body: '<!doctype html><title>App</title>' };
const file = (path, type) => ({ type, body: readFileSync(fileAt(web.mounts, path)) });

for (const worker of [true, false]) {
  describe(worker ? 'in a worker' : 'in the page', options, () => {
    test('a module of another type works, and is fetched once', async () => {
      const warnings = [];
      page.on('console', (message) => /wasm|WebAssembly/i.test(message.text()) && warnings.push(message.text()));
      answers[MODULE] = file(MODULE, 'application/octet-stream');
      assert.equal(await sync({ worker }), 'absent');
      assert.equal(web.requests.filter((path) => path === MODULE).length, 1);
      assert.deepEqual(warnings, []);
    });

    test('an HTML page in place of the module is named', async () => {
      answers[MODULE] = HTML;
      await fails('NETWORK', /jicho-relaxed\.wasm is an HTML page.*pass the option "wasm"/, { worker });
      assert.equal(web.requests.filter((path) => path === MODULE).length, 1);
    });

    test('a module that is missing is named, with the option that places it', async () => {
      answers[MODULE] = { status: 404, type: 'text/plain' };
      await fails('HTTP_STATUS', /jicho-relaxed\.wasm: HTTP status 404; .*pass the option "wasm"/, { worker });
    });

    test('a module that is cut off is named', async () => {
      answers[MODULE] = { type: 'application/wasm', body: file(MODULE).body.subarray(0, 1000) };
      await fails('UNSUPPORTED', /jicho-relaxed\.wasm cannot be started: .*it must be whole/, { worker });
    });

    test('a policy that forbids wasm is named', async () => {
      policy = "script-src 'self'; worker-src 'self'";
      await fails('UNSUPPORTED', /must allow script-src 'wasm-unsafe-eval'/, { worker });
    });
  });
}

describe("the worker's script", options, () => {
  const SCRIPT = '/pkg/dist/worker.js';

  for (const [name, answer, message] of [
    [
      'is missing',
      { status: 404, type: 'text/plain' },
      /worker\.js cannot be loaded: HTTP status 404.*pass the option "worker"/,
    ],
    ['is an HTML page', HTML, /worker\.js cannot be loaded: the host answers with an HTML page/],
    [
      'has a wrong type',
      { type: 'text/plain', body: '' },
      /the host sends it as text\/plain: it must be text\/javascript/,
    ],
  ]) {
    test(`${name}: the error says so`, async () => {
      answers[SCRIPT] = answer;
      await fails('NETWORK', message);
    });
  }

  test('is forbidden by a policy: the error says so', async () => {
    policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'";
    await fails('NETWORK', /allow worker-src 'self'/);
  });

  test("is the app's own and missing: the error says whose it is", async () => {
    await page.goto(`${web.url}/pages/index.html`);
    const message = await page.evaluate(async () => {
      const { Jicho } = await import('/pkg/dist/index.js');
      const worker = () => new Worker('/none.js', { type: 'module' });
      return Jicho.open({ channel: 'T_1', models: '/models/', worker }).catch((error) => error.message);
    });
    assert.match(message, /the worker that the option "worker" starts cannot be loaded/);
  });
});

test("an app's worker is listed for use offline with the scripts that it loads", options, async () => {
  answers['/own.js'] = { type: 'text/javascript', body: "import '/pkg/dist/worker.js';" };
  await page.goto(`${web.url}/pages/index.html`);
  const urls = await page.evaluate(async () => {
    const { precacheUrls } = await import('/pkg/dist/precache.js');
    return precacheUrls({ worker: () => new Worker('/own.js', { type: 'module' }) });
  });
  assert.deepEqual(urls.slice(0, 2), [`${web.url}/own.js`, `${web.url}/pkg/dist/worker.js`]);
});

describe('a page that requires Trusted Types', options, () => {
  const required = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; require-trusted-types-for 'script'";

  for (const allowed of ['', '; trusted-types jicho']) {
    test(`works${allowed && ' with the policy that is allowed'}`, async () => {
      policy = required + allowed;
      assert.equal(await sync(), 'absent');
      const urls = await page.evaluate(async () => (await import('/pkg/dist/precache.js')).precacheUrls());
      assert.ok(urls.some((url) => url.endsWith('/pkg/dist/worker.js')));
    });
  }

  test('is told which policy to allow', async () => {
    policy = `${required}; trusted-types app`;
    await fails('UNSUPPORTED', /add jicho to trusted-types/);
  });
});

describe('a package on another origin', options, () => {
  const at = () => `${other.url}/pkg/dist/index.js`;
  const allowing = (worker) =>
    `script-src 'self' 'wasm-unsafe-eval' ${other.url}; worker-src ${worker}; connect-src 'self' ${other.url}`;

  test('runs in a worker of this one', async () => {
    policy = allowing(`blob: ${other.url}`);
    assert.equal(await sync({}, at()), 'absent');
  });

  test('is told what the policy must allow', async () => {
    policy = allowing("'self'");
    const { code, message } = await sync({}, at());
    assert.ok(['NETWORK', 'UNSUPPORTED'].includes(code));
    assert.match(message, /worker-src blob:/);
  });
});

describe('other threads', options, () => {
  const run = `async (options) => {
    try {
      const eye = await Jicho.open({ channel: 'T_1', models: '/models/', checkEveryMinutes: 0, ...options });
      const { outcome } = await eye.sync();
      eye.dispose();
      return outcome;
    } catch ({ code, message }) {
      return { code, message };
    }
  }`;

  test('a shared worker can run it in its own thread, and is told so', async () => {
    const body = `
      import { Jicho } from '/pkg/dist/index.js';
      const run = ${run};
      globalThis.onconnect = ({ ports: [port] }) => {
        port.onmessage = async ({ data }) => port.postMessage(await run(data));
      };`;
    answers['/shared.js'] = { type: 'text/javascript', body };
    await page.goto(`${web.url}/pages/index.html`);
    const [first, second] = await page.evaluate(async () => {
      const { port } = new SharedWorker('/shared.js', { type: 'module' });
      const ask = (options) =>
        new Promise((resolve) => {
          port.onmessage = ({ data }) => resolve(data);
          port.postMessage(options);
        });
      return [await ask({}), await ask({ worker: false })];
    });
    assert.equal(first.code, 'UNSUPPORTED');
    assert.match(first.message, /pass worker: false/);
    assert.equal(second, 'absent');
  });

  test('a service worker cannot run it, and is told so', async () => {
    const body = `
      import { Jicho } from '/pkg/dist/index.js';
      const run = ${run};
      addEventListener('message', (event) =>
        event.waitUntil(run(event.data).then((answer) => event.ports[0].postMessage(answer))),
      );`;
    answers['/sw.js'] = { type: 'text/javascript', body };
    await page.goto(`${web.url}/pages/index.html`);
    const told = await page.evaluate(async () => {
      await navigator.serviceWorker.register('/sw.js', { type: 'module' });
      const { active } = await navigator.serviceWorker.ready;
      const ask = (options) =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => resolve(data);
          active.postMessage(options, [port2]);
        });
      return [await ask({}), await ask({ worker: false })];
    });
    for (const { code, message } of told) {
      assert.equal(code, 'UNSUPPORTED');
      assert.match(message, /open it in a page or a dedicated worker/);
    }
  });
});

test("README's policy is enough, for all that the package does", options, async () => {
  const readme = readFileSync(fileURLToPath(new URL('../../pkg/README.md', import.meta.url)), 'utf8');
  const [, recipe] = /^```csp\n(.*)\n```$/m.exec(readme);
  assert.ok(recipe.includes('https://models.example'));
  // The icon is the page's own.
  policy = `${recipe.replace('https://models.example', other.url)}; img-src data:`;
  answers['/sw.js'] = {
    type: 'text/javascript',
    body: "import { keepFiles } from '/pkg/dist/service-worker.js'; keepFiles();",
  };
  const violations = [];
  page.on('console', (message) => /Content Security Policy/i.test(message.text()) && violations.push(message.text()));
  for (const worker of [true, false]) {
    assert.equal(await sync({ worker, models: `${other.url}/models/` }), 'absent');
    const rest = await page.evaluate(async (worker) => {
      const { Vault } = await import('/pkg/dist/vault.js');
      const vault = await Vault.open({
        name: `policy-${worker}`,
        unlock: { passphrase: 'correct horse battery' },
        worker,
      });
      await vault.close();
      const { precache } = await import('/pkg/dist/precache.js');
      await navigator.serviceWorker.register('/sw.js', { type: 'module' });
      return precache();
    }, worker);
    assert.deepEqual(rest.notKept, []);
  }
  assert.deepEqual(violations, []);
});
