import { InvalidArgumentError } from '../api/errors.js';

/** What becomes of a missing value in a template string. */
const MISSING = ['undefined', 'null', 'NaN', '[object Object]'];

/**
 * A URL that an option gives, relative to the page or absolute.
 *
 * @throws InvalidArgumentError
 */
export function absolute(name: string, url: string | URL): URL {
  if (url === undefined || url === null || url === '')
    throw new InvalidArgumentError(`the option "${name}" is missing: give an address`);
  if (typeof url !== 'string' && Object.prototype.toString.call(url) !== '[object URL]') {
    throw new InvalidArgumentError(`the option "${name}" must be a string or a URL`);
  }
  let place: URL;
  try {
    place = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (error) {
    throw new InvalidArgumentError(`the option "${name}" is no URL: ${String(url)}`, { cause: error });
  }
  const parts = [place.hostname, ...place.pathname.split('/')].map(decoded);
  const missing = MISSING.find((value) => parts.includes(value));
  if (missing)
    throw new InvalidArgumentError(
      `the option "${name}" has "${missing}" in its address ${place.href}: a variable is not set`,
    );
  return place;
}

/**
 * The same, of a folder: its address ends in `/`, and contains no secret.
 *
 * @throws InvalidArgumentError
 */
export function folder(name: string, url: string | URL): string {
  const place = absolute(name, url);
  if (place.search || place.hash || /\.(?:json|onnx|wasm|m?js|html?)$/i.test(place.pathname)) {
    throw new InvalidArgumentError(`"${name}" must be a folder, not ${place.href}`);
  }
  if (place.username || place.password) {
    throw new InvalidArgumentError(
      `"${name}" must not hold a name or password, which no browser sends: use the option "token"`,
    );
  }
  if (!place.pathname.endsWith('/')) place.pathname += '/';
  return place.href;
}

/**
 * The folder in which each channel has a folder of its own.
 *
 * @throws InvalidArgumentError
 */
export function modelsFolder(url: string | URL): string {
  const models = folder('models', url);
  if (/\/(?:latest|blobs)\/$/.test(models)) {
    throw new InvalidArgumentError(
      `"models" must be the folder that holds the channels' folders, not one within: ${models}`,
    );
  }
  return models;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
