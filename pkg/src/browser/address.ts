import { InvalidArgumentError } from '../api/errors.js';

/** A URL that an option gives, relative to the page or absolute. */
export function absolute(name: string, url: string | URL): URL {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (error) {
    throw new InvalidArgumentError(`the option "${name}" is no URL: ${String(url)}`, { cause: error });
  }
}

/** The same, of a folder: its address ends in `/`, and tells no secret. */
export function folder(name: string, url: string | URL): string {
  const place = absolute(name, url);
  if (place.search || place.hash) throw new InvalidArgumentError(`"${name}" must be a folder, not ${place.href}`);
  if (place.username || place.password) {
    throw new InvalidArgumentError(
      `"${name}" must not hold a name or password, which no browser sends: use the option "token"`,
    );
  }
  if (!place.pathname.endsWith('/')) place.pathname += '/';
  return place.href;
}
