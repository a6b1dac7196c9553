/** The script of the worker that `Jicho.open` and `OnnxModel.load` start, or an app's own worker script imports. */
import { answerRequests } from './worker/channel-requests.js';
import { isDedicatedWorker } from './worker/scope.js';

// Importing it in a page or on a server does nothing.
if (isDedicatedWorker()) answerRequests();
