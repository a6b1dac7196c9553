const QUALITY_CALLS = { with: 'recognize', without: 'recognize, quality: false', alone: 'assess' };

/** The results as Markdown tables. */
export function text({ machine, run, cold, memory, quality, vault, native, options }) {
  const parts = [head(machine)];
  if (run) parts.push(runTable(run));
  if (cold && options.parts.includes('cold')) parts.push(coldTable(cold));
  if (cold) parts.push(bytesTable(cold));
  if (memory) parts.push(memoryTable(memory));
  if (quality) parts.push(qualityTable(quality));
  if (vault) parts.push(vaultTable(vault));
  if (native) parts.push(nativeTable(native));
  return `\n${parts.join('\n\n')}\n`;
}

function head({ date, processor, cores, system, load, versions }) {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date}, ${processor}, ${cores} cores, ${system}, load ${load.toFixed(1)}\n${programs.join(', ')}`;
}

function runTable(run) {
  const rows = [];
  for (const [model, { engines, ratios, differences }] of Object.entries(run)) {
    for (const [engine, { cpu_ms: cpu, wall_ms: wall }] of Object.entries(engines)) {
      rows.push([
        engine === Object.keys(engines)[0] ? model : '',
        engine,
        fixed(cpu?.median, 2),
        fixed(cpu?.p95, 2),
        fixed(wall.median, 2),
        fixed(wall.p95, 2),
        ratios[engine] ? spread(ratios[engine]) : '',
        differences[engine].toExponential(1),
      ]);
    }
  }
  const ofWall = Object.values(run).some(({ clock }) => clock === 'wall');
  const note = ofWall ? '\nThis system does not tell the CPU time of threads: the ratios are of wall time.' : '';
  const columns = ['model', 'engine', 'CPU ms', 'p95', 'wall ms', 'p95', 'ours ÷ theirs', 'differs'];
  return section(
    `One recognition, warm, one thread. Ratios are medians over the rounds, with 5 % and 95 %; "differs" is the largest
difference of a logit to Python's onnxruntime, in shares of the largest logit.${note}`,
    columns,
    rows,
  );
}

function coldTable(cold) {
  const rows = Object.entries(cold).map(([engine, { cold: first, second, difference }]) => [
    engine,
    fixed(first.median, 0),
    fixed(first.p95, 0),
    ratioTo(cold, engine, (other) => other.cold.median),
    fixed(second?.median, 0),
    difference.toExponential(1),
  ]);
  return section(
    `From an open page to the first answer of MobileNetV2-1.0-224, in a browser that was never here, and in one that
starts again with what it kept. "differs" is the largest difference of a probability to Python's onnxruntime.`,
    ['engine', 'cold ms', 'p95', 'ours ÷ theirs', 'second ms', 'differs'],
    rows,
  ).concat(stepsLine(cold.jicho));
}

function stepsLine(ours) {
  if (!ours) return '';
  const steps = Object.entries(ours.steps).map(([name, ms]) => `${name} ${fixed(ms, 0)}`);
  return `\nMedian ms of the steps of ours: ${steps.join(', ')}`;
}

function bytesTable(cold) {
  const rows = Object.entries(cold).map(([engine, { fetched }]) => [
    engine,
    `${fetched.bytes}`,
    ratioTo(cold, engine, (other) => other.fetched.bytes),
    fetched.code.map(({ path, bytes }) => `${withoutMount(path)} ${bytes}`).join(', '),
  ]);
  const models = Object.entries(cold).map(([engine, { fetched }]) => {
    return `${engine}: ${fetched.model.map(shortened).join(', ')}`;
  });
  return section(
    'Program fetched before that answer, bytes of gzip -9.',
    ['engine', 'bytes', 'ours ÷ theirs', 'files'],
    rows,
  ).concat(`\nNot counted, as the model: ${models.join('; ')}`);
}

function memoryTable({ engines, inPackage }) {
  const rows = Object.entries(engines).map(([engine, mb]) => [engine, fixed(mb, 1)]);
  if (inPackage !== null) rows.push(["jicho, the npm package's worker", fixed(inPackage, 1)]);
  return section('wasm memory after the first run of MobileNetV2-1.0-224.', ['engine', 'MB'], rows);
}

function qualityTable({ clock, ms, added, share }) {
  const rows = Object.entries(ms).map(([call, { median, p95, least }]) => [
    QUALITY_CALLS[call],
    fixed(median, 2),
    fixed(p95, 2),
    fixed(least, 2),
  ]);
  const title = `A 1280×720 frame in the npm package's worker, MobileNetV2-1.0-224, ${clock === 'cpu' ? 'CPU' : 'wall'} time.`;
  const note = `\nQuality adds ${spread(added)} ms, ${fixed(100 * share, 0)} % of a recognition.`;
  return section(title, ['call', 'ms', 'p95', 'least'], rows).concat(note);
}

function vaultTable(vault) {
  const rows = vault.map(({ what, bytes, ms, ratios }) => [
    what,
    `${bytes}`,
    fixed(ms.crate, 3),
    fixed(ms.vault, 3),
    fixed(ms.webcrypto, 3),
    ratios.crate ? spread(ratios.crate) : '',
    spread(ratios.vault),
  ]);
  return section(
    'The sealed store beside WebCrypto doing the same in the same page, ms of wall time: the aes-gcm crate alone, and what the vault does.',
    ['what', 'bytes', 'crate', 'vault', 'WebCrypto', 'crate ÷ theirs', 'vault ÷ theirs'],
    rows,
  );
}

function nativeTable({ cpu_ms: cpu, ratio }) {
  const rows = Object.entries(cpu).map(([name, ms]) => [name, fixed(ms, 2), name === 'jicho' ? '' : fixed(ratio, 3)]);
  return section(
    'Outside the browser: CPU time of one embedding of MobileNetV2-1.0-224, one thread.',
    ['engine', 'CPU ms', 'ours ÷ theirs'],
    rows,
  );
}

function ratioTo(results, engine, value) {
  return results.jicho && engine !== 'jicho' ? fixed(value(results.jicho) / value(results[engine]), 3) : '';
}

/** The package's name is the first folder of the path. */
function withoutMount(path) {
  return path.split('/').slice(2).join('/');
}

/** Shortens the 64 hexadecimal digits that name a blob. */
function shortened(path) {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.replace(/^([0-9a-f]{7})[0-9a-f]{57}/, '$1…');
}

function spread({ median, p5, p95 }) {
  return `${fixed(median, 3)} (${fixed(p5, 2)}–${fixed(p95, 2)})`;
}

function fixed(value, digits) {
  return value === null || value === undefined ? '–' : value.toFixed(digits);
}

/** Aligns columns of numbers to the right, and all others to the left. */
function section(title, columns, rows) {
  const all = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  const isNumeric = columns.map((_, i) => rows.every((row) => /^[–\d.e+-]*$/.test(row[i])));
  const padded = (cell, i) => (isNumeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]));
  const line = (row) => row.map(padded).join('  ').trimEnd();
  return [title, ...all.map(line)].join('\n');
}
