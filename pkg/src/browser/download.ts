import { HttpStatusError, NetworkError } from '../api/errors.js';

/** The answer to a file that must be there. */
export async function download(url: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (error) {
    throw new NetworkError(`${url} cannot be fetched: ${String(error)}`, { cause: error });
  }
  if (!response.ok) throw new HttpStatusError(`${url}: HTTP status ${response.status}`);
  return response;
}
