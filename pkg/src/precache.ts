export { type PrecacheOptions, type PrecacheResult, precache, precacheUrls } from './offline/precache.js';
