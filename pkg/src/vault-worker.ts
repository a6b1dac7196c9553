/** The script of the worker that `Vault.open` starts, or an app's own worker script imports. */
import { answerRequests } from './vault/requests.js';
import { isDedicatedWorker } from './worker/scope.js';

// Importing it in a page or on a server does nothing.
if (isDedicatedWorker()) answerRequests();
