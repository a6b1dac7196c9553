// An app's service worker, as an app without a bundler writes it. Its scope must cover the package's worker.
import { keepFiles } from '/pkg/dist/service-worker.js';

keepFiles({ files: { './pages/index.html': null, './pages/probe.js': null } });
