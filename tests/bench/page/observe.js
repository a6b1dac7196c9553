// Imported before an engine: records the memories that its wasm modules create or export, to measure their size.

const memories = new Set();

globalThis.wasmMemory = () => {
  const bytes = [...memories].map(({ buffer }) => buffer.byteLength);
  return bytes.length ? bytes.reduce((a, b) => a + b) : null;
};

WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
  construct: (target, args) => {
    const memory = new target(...args);
    memories.add(memory);
    return memory;
  },
});

for (const name of ['instantiate', 'instantiateStreaming']) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const result = await original.apply(WebAssembly, args);
    keepExports(result.instance ?? result);
    return result;
  };
}

WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct: (target, args) => {
    const instance = new target(...args);
    keepExports(instance);
    return instance;
  },
});

function keepExports({ exports }) {
  for (const value of Object.values(exports)) {
    // `instanceof` does not work, because the class was replaced above.
    if (Object.prototype.toString.call(value) === '[object WebAssembly.Memory]') memories.add(value);
  }
}
