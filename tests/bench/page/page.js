// The functions that the benchmark's parts call in a page. Engines have the names that the results use.

const WORKERS = {
  jicho: { type: 'module', layout: 'nhwc' },
  'onnxruntime-web': { type: 'module', layout: 'nchw' },
  'tfjs-wasm': { type: 'classic', layout: 'nhwc' },
};

const workers = new Map();
let listing;
let picture;

/** Fetches a model's picture in advance, so that the download is not measured. */
async function take(model) {
  listing = await (await fetch('/models/models.json')).json();
  const { size } = listing.models.find(({ name }) => name === model);
  const rgba = await (await fetch(`/models/${model}.rgba`)).arrayBuffer();
  picture = new ImageData(new Uint8ClampedArray(rgba), size, size);
}

/** Starts an engine in a worker of its own, loads a model and runs it once on the picture. */
function start(engine, job) {
  const { type, layout } = WORKERS[engine];
  const worker = new Worker(`/page/${engine}.js`, { type });
  workers.set(engine, worker);
  worker.postMessage({ load: job });
  // The picture is prepared while the worker loads, as in an app whose first picture comes before its engine.
  return ask(engine, { input: normalised(layout), runs: 1 });
}

/** Runs the engine again, `runs` times. */
function run(engine, runs) {
  return ask(engine, { runs });
}

function stop(engine) {
  workers.get(engine).terminate();
  workers.delete(engine);
}

/**
 * Milliseconds from the open page to the first answer: logits from a peer, probabilities from the package.
 */
async function firstAnswer(engine, job) {
  const begun = performance.now();
  const { output, steps, answered } = await (engine === 'jicho' ? askPackage() : start(engine, job));
  return { ms: (answered ?? performance.now()) - begun, output, steps };
}

let eye;

/** The package as an app uses it: if the device has a model already, the app does not wait for a newer one. */
async function askPackage(options) {
  const steps = {};
  const step = async (name, promise) => {
    const begun = performance.now();
    const value = await promise;
    steps[name] = performance.now() - begun;
    return value;
  };
  const { Jicho } = await step('import', import('/pkg/dist/index.js'));
  let answers;
  const ready = new Promise((resolve) => (answers = resolve));
  eye = await step('open', Jicho.open({ channel: 'bench', models: '/releases/', onModel: answers, ...options }));
  const synced = eye.state === 'ready' ? undefined : eye.sync();
  // An app recognises as soon as a model is announced, without waiting until it is stored.
  if (synced) await step('sync', Promise.race([ready, synced]));
  const { predictions } = await step('recognize', eye.recognize(picture));
  const answered = performance.now();
  await synced;
  // The labels are numbers, in the order of the network's output.
  const output = predictions.sort((a, b) => a.label - b.label).map(({ confidence }) => confidence);
  return { output, steps, answered };
}

/** Keeps recognising for a while, as an app does after its first answer. */
async function goOn(engine, runs) {
  if (engine !== 'jicho') return run(engine, runs);
  for (let i = 0; i < runs; i++) await eye.recognize(picture);
}

/** Bytes of wasm memory in the package's worker after its first answer. */
async function packageMemory() {
  await askPackage({ worker: () => new Worker('/page/observed-worker.js', { type: 'module' }) });
  const channel = new BroadcastChannel('memory');
  const answer = new Promise((resolve) => (channel.onmessage = ({ data }) => resolve(data.bytes)));
  channel.postMessage('how much?');
  return answer;
}

let eyes;
let frame;

/** Opens the package with and without quality, each in a worker of its own, and makes a camera's frame. */
async function openEyes() {
  const { Jicho } = await import('/pkg/dist/index.js');
  const open = async (quality) => {
    const opened = await Jicho.open({ channel: 'bench', models: '/releases/', checkEveryMinutes: 0, quality });
    await opened.sync();
    return opened;
  };
  eyes = { with: await open(true), without: await open(false) };
  const context = new OffscreenCanvas(1280, 720).getContext('2d');
  context.drawImage(await createImageBitmap(picture), 0, 0, 1280, 720);
  frame = context.getImageData(0, 0, 1280, 720);
}

/** Milliseconds to process the frame `runs` times. */
async function look(call, runs) {
  const begun = performance.now();
  for (let i = 0; i < runs; i++) await (call === 'alone' ? eyes.with.assess(frame) : eyes[call].recognize(frame));
  return performance.now() - begun;
}

function ask(engine, message) {
  const worker = workers.get(engine);
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${engine}: ${why}`));
    worker.onmessage = ({ data }) => (data.error ? fail(data.error) : resolve(data));
    worker.onerror = (event) => fail(event.message || 'its worker cannot be started');
    worker.postMessage(message);
  });
}

/** The picture's pixels as the networks' input. */
function normalised(layout) {
  const { data, width, height } = picture;
  const count = width * height;
  const [pixelStep, channelStep] = layout === 'nhwc' ? [3, 1] : [1, count];
  const input = new Float32Array(3 * count);
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * listing.std[channel]);
    const shift = -listing.mean[channel] / listing.std[channel];
    for (let i = 0, at = channel * channelStep; i < count; i++, at += pixelStep) {
      input[at] = data[4 * i + channel] * scale + shift;
    }
  }
  return input;
}

globalThis.bench = { take, start, run, stop, firstAnswer, goOn, packageMemory, openEyes, look };
