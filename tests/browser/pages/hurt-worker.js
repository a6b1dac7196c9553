// The library's own worker, in a browser that lacks what the address's query names.
import { hurt } from './hurts.js';

hurt(location.search.slice(1).split(','));

// What is asked before the library listens must not be lost.
const early = [];
const keep = (event) => early.push(event);
self.addEventListener('message', keep);
await import('/pkg/dist/worker.js');
self.removeEventListener('message', keep);
for (const { data } of early) self.dispatchEvent(new MessageEvent('message', { data }));
