import { readdirSync, readFileSync } from 'node:fs';

/**
 * The milliseconds of CPU time that the worker threads of the browsers under test have used so far, or undefined if the system
 * does not count them. Unlike wall time, it does not grow while other programs use the core.
 */
export function workerClock() {
  const accounts = workerThreads().map((thread) => `${thread}/schedstat`);
  if (!accounts.length || !accounts.every(nanoseconds)) return undefined;
  return () => accounts.reduce((sum, account) => sum + nanoseconds(account), 0) / 1e6;
}

/** The first field of `schedstat` is the time on a CPU; 0 if there is no such file. */
function nanoseconds(account) {
  return Number(readOr(account, '0').split(' ')[0]);
}

/** Linux cuts the names of threads to 15 letters. */
function workerThreads() {
  return descendants().flatMap((process) =>
    listOr(`/proc/${process}/task`)
      .map((thread) => `/proc/${process}/task/${thread}`)
      .filter((thread) => readOr(`${thread}/comm`, '').startsWith('DedicatedWorker')),
  );
}

/** All descendants of this process. */
function descendants() {
  const parents = new Map(
    listOr('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((id) => [id, parentOf(id)]),
  );
  const isOurs = (id) => parents.has(id) && (parents.get(id) === `${process.pid}` || isOurs(parents.get(id)));
  return [...parents.keys()].filter(isOurs);
}

/** The process's name stands before it in parentheses, and may itself hold parentheses and spaces. */
function parentOf(id) {
  const stat = readOr(`/proc/${id}/stat`, '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
}

function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process has ended in the meantime, or this is not Linux.
    return otherwise;
  }
}

function listOr(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
