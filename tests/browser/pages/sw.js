// An app's service worker, as an app without a bundler writes it. Its scope covers the package, or the package's worker would
// be nobody's.
import { keepFiles } from '/pkg/dist/service-worker.js';

keepFiles({ files: { './pages/index.html': '1', './pages/probe.js': '1' } });
