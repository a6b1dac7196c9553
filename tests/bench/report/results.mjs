/** Engines that compute the same network differ by rounding only: any two by at most twice this fraction of the largest logit. */
const LOGIT_TOLERANCE = 5e-4;

/** Probabilities of such engines differ by at most this. */
const PROBABILITY_TOLERANCE = 1e-4;

/** What `--json` writes. Ratios are our value divided by the peer's. Parts that were not measured are missing. */
export function results({ machine, run, cold, memory, quality, vault, native, options }) {
  const out = { machine };
  if (run) out.models = mapValues(run, modelResult);
  if (cold) {
    if (options.parts.includes('cold')) {
      out.cold_start_ms = mapValues(cold, (engine) => engine.cold.median);
      out.cold_start_p95_ms = mapValues(cold, (engine) => engine.cold.p95);
      if (cold.jicho) out.cold_start_steps_ms = cold.jicho.steps;
      out.second_start_ms = mapValues(cold, (engine) => engine.second.median);
    }
    out.gzip_bytes = mapValues(cold, (engine) => engine.fetched.bytes);
  }
  if (memory) {
    out.wasm_memory_mb = memory.engines;
    out.package_memory_mb = memory.inPackage;
  }
  if (quality) out.quality = quality;
  if (vault) out.vault = vault;
  if (native) {
    out.native_ratio_to_onnxruntime = native.ratio;
    out.native_cpu_ms = native.cpu_ms;
  }
  return out;
}

function modelResult({ clock, engines, ratios, differences }) {
  return {
    clock,
    cpu_ratio: mapValues(ratios, ({ median }) => median),
    engines: mapValues(engines, (times, name) => ({ ...times, largest_difference: differences[name] })),
  };
}

/** A sentence for every engine whose output differs by more than rounding. */
export function disagreements({ run = {}, cold = {} }) {
  const wrong = [];
  for (const [model, { differences }] of Object.entries(run)) {
    for (const [engine, difference] of Object.entries(differences)) {
      if (difference <= LOGIT_TOLERANCE) continue;
      wrong.push(`${model}: ${engine} differs from Python's onnxruntime by ${difference} of the largest logit`);
    }
  }
  for (const [engine, { difference }] of Object.entries(cold)) {
    if (difference <= PROBABILITY_TOLERANCE) continue;
    wrong.push(`the first answer of ${engine} differs from Python's onnxruntime by a probability of ${difference}`);
  }
  return wrong;
}

export function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
