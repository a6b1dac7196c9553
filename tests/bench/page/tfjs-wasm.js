// tfjs with its wasm backend on one thread, using its fused operations. The layers are those of the ONNX file of models.py.
// Each engine's worker repeats the message handling below: a shared file would be one more request for the peers.

let loading;
let layers;
let input;

async function load({ model, observe }) {
  const description = fetch(`/models/${model}.tfjs.json`).then((response) => response.json());
  const blob = fetch(`/models/${model}.tfjs.bin`).then((response) => response.arrayBuffer());
  if (observe) await import('/page/observe.js');
  importScripts('/tfjs/tf.min.js', '/tfjs-wasm/tf-backend-wasm.min.js');
  tf.wasm.setWasmPaths('/tfjs-wasm/');
  // In an isolated page it would start threads.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  tf.wasm.setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const weights = new Float32Array(await blob);
  const tensor = ({ offset, shape }) => {
    const length = shape.reduce((a, b) => a * b);
    return tf.tensor(weights.subarray(offset, offset + length), shape);
  };
  layers = (await description).map((layer) => ({
    ...layer,
    weights: layer.weights && tensor(layer.weights),
    bias: layer.bias && tensor(layer.bias),
  }));
}

function take(values) {
  const size = Math.sqrt(values.length / 3);
  input = tf.tensor(values, [1, size, size, 3]);
}

async function run() {
  const logits = tf.tidy(() => {
    const tensors = { input };
    for (const layer of layers) tensors[layer.output] = compute(layer, ...layer.inputs.map((name) => tensors[name]));
    return tensors[layers.at(-1).output];
  });
  const values = await logits.data();
  logits.dispose();
  return values;
}

function compute({ op, weights: filter, bias, stride: strides, pad, activation }, x, y) {
  switch (op) {
    case 'conv':
      return tf.fused.conv2d({ x, filter, bias, strides, pad: padding(pad), activation });
    case 'depthwise':
      return tf.fused.depthwiseConv2d({ x, filter, bias, strides, pad: padding(pad), activation });
    case 'dense':
      return tf.fused.matMul({ a: x, b: filter, bias });
    case 'relu':
      return tf.relu(x);
    case 'hard-sigmoid':
      return tf.clipByValue(tf.add(tf.mul(x, 1 / 6), 0.5), 0, 1);
    case 'hard-swish':
      return tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6));
    case 'add':
      return tf.add(x, y);
    case 'multiply':
      return tf.mul(x, y);
    case 'average':
      return tf.mean(x, [1, 2], true);
    case 'flatten':
      return tf.reshape(x, [1, -1]);
    default:
      throw new Error(`no such layer: ${op}`);
  }
}

/** ONNX lists pads as top, left, bottom, right. */
function padding([top, left, bottom, right]) {
  if (top === bottom && left === right && top === left) return top;
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
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
