const MB = 1 << 20;

/** MB of wasm memory after an engine's first run, or null where it cannot be seen. */
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

/** The same of the npm package's worker, after open, sync and the first recognition. */
export async function measurePackageMemory(page, model) {
  await page.evaluate((name) => bench.take(name), model);
  return (await page.evaluate(() => bench.packageMemory())) / MB;
}
