export { keepFiles, type KeepOptions, type PrecacheMessage } from './offline/service-worker.js';
