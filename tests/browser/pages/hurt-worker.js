// The library's own worker, or the one that the address's fragment names, in a browser that lacks what its query names.
import { hurt } from './hurts.js';

hurt(location.search.slice(1).split(','));

// Requests that come before the library listens must not be lost.
const early = [];
const keep = (event) => early.push(event);
self.addEventListener('message', keep);
await import(`/pkg/dist/${location.hash.slice(1) || 'worker'}.js`);
self.removeEventListener('message', keep);
for (const { data } of early) self.dispatchEvent(new MessageEvent('message', { data }));
