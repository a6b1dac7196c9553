// The package's worker, which tells how large its wasm memory is. Static imports run in order.
import '/page/observe.js';
import '/pkg/dist/worker.js';

const channel = new BroadcastChannel('memory');
channel.onmessage = () => channel.postMessage({ bytes: globalThis.wasmMemory() });
