// The package's worker, which also reports the size of its wasm memory. Static imports run in order.
import '/page/observe.js';
import '/pkg/dist/worker.js';

const channel = new BroadcastChannel('memory');
channel.onmessage = () => channel.postMessage({ bytes: globalThis.wasmMemory() });
