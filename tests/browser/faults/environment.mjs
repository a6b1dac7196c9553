// The environment of trials that run one after another: a host, another origin, and the shared browser.
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';

import { fileAt, host } from '../harness/host.mjs';

export async function makeEnvironment(browser, releases) {
  const other = await host();
  const web = await host({ '/photos/': releases.folder }, [other.url]);
  other.misbehave = (path, response) => elsewhere(web, path, response);
  const events = new EventEmitter();
  return {
    browser,
    releases,
    web,
    other,
    events,
    heard: (event) => once(events, event),
    close: () => Promise.all([web.close(), other.close()]),
  };
}

/** Serves the host's files on another origin: as they are, with a changed byte, or without a CORS header. */
function elsewhere(web, path, response) {
  const [, how, rest] = /^\/(right|wrong|closed)(\/.*)$/.exec(path) ?? [];
  const file = how && fileAt(web.mounts, rest);
  if (!file) return false;
  const bytes = readFileSync(file);
  if (how === 'wrong') bytes[0] ^= 1;
  const allowed = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
  response.writeHead(200, { 'Content-Length': bytes.length, ...(how !== 'closed' && allowed) }).end(bytes);
  return true;
}
