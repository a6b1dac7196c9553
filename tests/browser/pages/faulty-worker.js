// The library's own worker, whose wasm module traps as a panic does: in the call to recognise, or, with `?later`, in a
// task that no caller awaits, when it is told to sync.
const trap = (() => {
  // (module (func (export "trap") unreachable))
  const bytes = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0,
    11,
  ];
  return new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports.trap;
})();

const faults = {
  '': { channel_recognize: trap },
  '?later': {
    channel_sync() {
      queueMicrotask(trap);
      return new Promise(() => {});
    },
  },
  '?promise': {
    channel_sync() {
      void Promise.resolve().then(trap);
      return new Promise(() => {});
    },
  },
};

const { instantiate } = WebAssembly;
// The page has compiled the module and posts it, so only instantiation is replaced.
WebAssembly.instantiate = async (module, imports) => {
  const { exports } = await instantiate.call(WebAssembly, module, imports);
  return { instance: { exports: { ...exports, ...faults[self.location.search] } }, module };
};

// Requests that come before the library listens must not be lost.
const early = [];
const keep = (event) => early.push(event);
self.addEventListener('message', keep);
await import('/pkg/dist/worker.js');
self.removeEventListener('message', keep);
for (const { data } of early) self.dispatchEvent(new MessageEvent('message', { data }));
