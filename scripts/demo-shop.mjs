// Makes a shop through the API of a fresh service: a channel, its products with prices, their photos, a trained model.
// Usage: node demo-shop.mjs URL DATA PHOTOS
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const [url, data, photos] = process.argv.slice(2);
const channel = 'T_1';
const headers = {};

async function call(method, path, body) {
  const isForm = body instanceof FormData;
  const json = body === undefined || isForm ? {} : { 'content-type': 'application/json' };
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { ...headers, ...json },
    body: body === undefined || isForm ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** The secret of the link of the first start, as soon as the service has written it. */
async function firstLink() {
  const file = join(data, 'first-link');
  for (let tries = 0; !existsSync(file); tries += 1) {
    if (tries === 300) throw new Error(`${file} did not appear: is the service running?`);
    await pause(100);
  }
  return readFile(file, 'utf8');
}

/** Signs in by the link, and makes a key for what follows. */
async function signIn() {
  const response = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link: await firstLink() }),
  });
  if (!response.ok) throw new Error(`the first link does not hold: ${await response.text()}`);
  headers.cookie = response.headers.get('set-cookie').split(';')[0];
  headers['x-csrf-token'] = (await response.json()).csrfToken;
  const key = await call('POST', '/keys', { name: 'demo', role: 'admin' });
  delete headers.cookie;
  delete headers['x-csrf-token'];
  headers.authorization = `Bearer ${key.secret}`;
}

async function addPhotos(product) {
  const form = new FormData();
  form.append('product', product);
  for (const file of (await readdir(join(photos, product))).sort()) {
    form.append('photo', new Blob([await readFile(join(photos, product, file))]), file);
  }
  await call('POST', `/channels/${channel}/photos`, form);
}

/** Follows a job to its end by its events. */
async function follow(job) {
  const response = await fetch(`${url}/api/v1/jobs/${job}/events`, { headers });
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) {
      const line = event.split('\n').find((part) => part.startsWith('data:'));
      if (line === undefined) continue;
      const { state, stage, percent, message } = JSON.parse(line.slice(5));
      console.error(`${String(percent).padStart(3)} %  ${stage ?? state}${message ? `  ${message}` : ''}`);
    }
  }
}

await signIn();
await call('POST', '/channels', { id: channel, name: 'Duka', settings: { currency: 'KES' } });
const products = (await readdir(photos)).filter((name) => !name.includes('.')).sort();
for (const [index, id] of products.entries()) {
  const name = id.replaceAll('-', ' ').replace(/^./, (first) => first.toUpperCase());
  await call('POST', `/channels/${channel}/products`, { id, name, price: String(20 + ((index * 35) % 400)) });
  await addPhotos(id);
}
const job = await call('POST', `/channels/${channel}/train`);
await follow(job.id);
const ended = await call('GET', `/jobs/${job.id}`);
if (ended.state !== 'done') throw new Error(`the training ended as ${ended.state}: ${JSON.stringify(ended)}`);
const status = await call('GET', `/channels/${channel}/status`);
console.error(`${status.version}: ${status.products} products, accuracy ${(100 * status.accuracy).toFixed(1)} %`);
const owner = await call('POST', '/links', { purpose: 'sign-in', role: 'admin' });
const till = await call('POST', '/links', { purpose: 'pair', channels: [channel] });
console.error(`the owner's page: ${owner.url}\nthe till:         ${till.url}`);
