import { median, quantile } from '../harness/statistics.mjs';

const SIZES = [256, 1024, 2048, 4096, 102_400];
const LISTED = 10_000;
/** Bytes encrypted per round: enough of small records that the clock's resolution does not matter. */
const BYTES = 1 << 20;

/** Measures encrypting envelopes and listing many records, with the vault and with WebCrypto. */
export async function measureVault(page, { rounds }) {
  const call = (name, ...args) =>
    page.evaluate(async ([name, args]) => (await import('/page/vault.js'))[name](...args), [name, args]);
  await call('prepare', LISTED);
  const results = [];
  for (const bytes of SIZES) {
    for (const what of ['seal', 'open']) {
      const times = Math.max(10, Math.min(1000, Math.round(BYTES / bytes)));
      results.push({
        what,
        bytes,
        ...(await alternate(['crate', 'vault', 'webcrypto'], rounds, (who) =>
          call('envelopes', who, what, bytes, times),
        )),
      });
    }
  }
  // One listing takes as long as encrypting many envelopes.
  const listings = Math.max(3, Math.round(rounds / 5));
  results.push({
    what: `list ${LISTED}`,
    bytes: 256,
    ...(await alternate(['vault', 'webcrypto'], listings, (who) => call('list', who, LISTED))),
  });
  return results;
}

/** The medians of all measurements, and the ratios to WebCrypto round by round. */
async function alternate(all, rounds, measure) {
  for (const who of all) await measure(who);
  const samples = Object.fromEntries(all.map((who) => [who, []]));
  for (let round = 0; round < rounds; round++) {
    for (const who of round % 2 ? all.toReversed() : all) samples[who].push(await measure(who));
  }
  const ratios = (who) => samples[who].map((ms, round) => ms / samples.webcrypto[round]);
  const spread = (values) => ({ median: median(values), p5: quantile(values, 0.05), p95: quantile(values, 0.95) });
  return {
    ms: Object.fromEntries(all.map((who) => [who, median(samples[who])])),
    ratios: Object.fromEntries(all.filter((who) => who !== 'webcrypto').map((who) => [who, spread(ratios(who))])),
  };
}
