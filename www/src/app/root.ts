/** The app's own address, whatever page of it is open: `<html data-root>` says how far up it is. */
export const root = new URL(document.documentElement.dataset['root'] ?? './', location.href);

const query = new URLSearchParams(location.search);

/** The channel of this device: from the address, else as it was chosen before, else the demo's. */
export const channel = query.get('channel') ?? localStorage.getItem('jicho channel') ?? 'T_1';
if (query.has('channel')) localStorage.setItem('jicho channel', channel);

/** Where the channel's models are. */
export const models = new URL(query.get('models') ?? '/assets/ml-models/', location.href).href;
