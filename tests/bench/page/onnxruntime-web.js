// onnxruntime-web on one thread, in the build that its package recommends for wasm only.
// Each engine's worker repeats the message handling below: a shared file would be one more request for the peers.

let loading;
let session;
let input;

async function load({ model, observe }) {
  const bytes = fetch(`/models/${model}.onnx`).then((response) => response.arrayBuffer());
  if (observe) await import('/page/observe.js');
  const ort = await import('/onnxruntime-web/ort.wasm.min.mjs');
  ort.env.wasm.numThreads = 1;
  session = await ort.InferenceSession.create(new Uint8Array(await bytes), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  return ort;
}

function take(values, ort) {
  const size = Math.sqrt(values.length / 3);
  input = new ort.Tensor('float32', values, [1, 3, size, size]);
}

async function run() {
  const { logits } = await session.run({ input });
  return logits.data;
}

async function answer({ input: values, runs }) {
  const library = await loading;
  if (values) take(values, library);
  const times = [];
  let output;
  for (let i = 0; i < runs; i++) {
    const begun = performance.now();
    output = await run();
    times.push(performance.now() - begun);
  }
  return { times, output: Array.from(output), memory: globalThis.wasmMemory?.() };
}

globalThis.onmessage = ({ data }) => {
  if (data.load) loading = load(data.load);
  else answer(data).then(postMessage, (error) => postMessage({ error: error.stack ?? error.message ?? `${error}` }));
};
