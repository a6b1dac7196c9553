export { type KeepOptions, keepFiles, type PrecacheMessage } from './offline/service-worker.js';
