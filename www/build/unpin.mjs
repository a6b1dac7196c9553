// The package is packed anew by every build, so its lock entry must not hold the bytes of one: `npm ci` would refuse
// the next. `npm install` writes the hash each time; this takes it out again.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
delete lock.packages['node_modules/jicho'].integrity;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
