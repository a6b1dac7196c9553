export { ERROR_CODES, JichoError, type JichoErrorCode } from './api/errors.js';
export type * from './vault/types.js';
export { Vault } from './vault/vault.js';
