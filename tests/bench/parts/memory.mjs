const MB = 1 << 20;

/** Megabytes of wasm memory after an engine's first run, or null if it cannot be observed. */
export async function measureMemory(page, model, { engines, variant }) {
  await page.evaluate((name) => bench.take(name), model);
  const result = {};
  for (const engine of engines) {
    const job = { model, variant, observe: true };
    const { memory } = await page.evaluate(([name, task]) => bench.start(name, task), [engine, job]);
    await page.evaluate((name) => bench.stop(name), engine);
    result[engine] = memory ? memory / MB : null;
  }
  return result;
}

/** Megabytes of wasm memory of the npm package's worker after opening, a sync and the first recognition. */
export async function measurePackageMemory(page, model) {
  await page.evaluate((name) => bench.take(name), model);
  return (await page.evaluate(() => bench.packageMemory())) / MB;
}
