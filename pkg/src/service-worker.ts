export { type KeepOptions, keepFiles, type PrecacheMessage, type PrecacheReply } from './offline/service-worker.js';
