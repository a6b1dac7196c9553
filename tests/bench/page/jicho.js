// Our engine without a channel: it runs the network only, as the peers' workers do.
// Each engine's worker repeats the message handling below: a shared file would be one more request for the peers.

let loading;
let network;
let input;

async function load({ model, variant, observe }) {
  const plan = fetch(`/plans/${model}.plan`).then((response) => response.arrayBuffer());
  if (observe) await import('/page/observe.js');
  const { default: init, Network } = await import(`/pkg/wasm/${variant}/jicho.js`);
  await init({ module_or_path: fetch(`/pkg/wasm/${variant}/jicho-${variant}.wasm`) });
  network = Network.load(new Uint8Array(await plan));
}

function take(values) {
  input = values;
}

function run() {
  return network.run(input);
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
