import { type CheckResult, Jicho, JichoError, type ModelInfo, type Recognition, type SyncProgress } from 'jicho';

import { Camera } from './camera';
import { Device } from './device';
import { keepApp, keepTract } from './keep-app';
import { Screen } from './screen';
import { Steady } from './steady';
import { Teach } from './teach';
import { watch } from './watch';
import { explain, hint, NOT_SET_UP, OUTCOMES } from './words';

const query = new URLSearchParams(location.search);
const channel = query.get('channel') ?? 'T_1';
const models = query.get('models') ?? '/assets/ml-models/';

const screen = new Screen();
const steady = new Steady();
const camera = new Camera(screen.video, (state) => {
  screen.camera(state);
  look();
});

let eye: Jicho | undefined;
let photo: File | null = null;
let refreshing = false;
/** Aborts the recognition of the video or the photo that runs now. */
let looking: AbortController | undefined;
/** The last answer. */
let latest: Recognition | undefined;
/** Why there is no model. */
let absence = '';

screen.listen({
  refresh: () => void refresh(),
  photo: (chosen) => choose(chosen),
  camera: () => choose(null),
  tryCamera: () => camera.start(),
});
const device = new Device(() => eye);
const teach = new Teach({
  eye: () => eye,
  source: () => photo ?? (camera.state === 'live' ? screen.video : null),
  answer: () => latest,
  // While the panel is open, the answer that may be corrected stays.
  toggled: (open) => (open ? looking?.abort() : look()),
});
addEventListener('online', () => screen.network(true));
addEventListener('offline', () => screen.network(false));
screen.network(navigator.onLine);
screen.model(null, channel);
const appKept = keepApp((takeOver) => screen.update(takeOver)).catch((error: unknown) => console.warn(error));
camera.start();
void refresh();

/** Opens the channel unless it is open, and checks for a newer model. From then on the library checks by itself. */
async function refresh(): Promise<void> {
  if (refreshing) return;
  refreshing = true;
  screen.refreshing(true);
  screen.said('');
  try {
    eye ??= await Jicho.open({
      channel,
      models,
      onModel: changed,
      onCheck: checked,
      onProgress: progress,
      onTaught: () => teach.changed(),
    });
    await eye.sync();
  } catch (error) {
    // A failed sync is shown by `checked`.
    if (!eye) failed(error);
  } finally {
    refreshing = false;
    screen.refreshing(false);
    show(eye?.model ?? null);
  }
}

function changed(model: ModelInfo | null): void {
  // The message about the check that brought the former model no longer holds.
  if (!model) screen.said('');
  show(model);
}

function progress(download: SyncProgress): void {
  screen.progress(download);
}

/** Shows the result of a check, whether the user or the library asked for it. */
function checked({ outcome, error, automatic }: CheckResult): void {
  if (outcome === 'failed') failed(error);
  else {
    screen.network(outcome !== 'offline');
    // Only a user who asked wants to know that nothing is new.
    if (eye?.model && (!automatic || outcome === 'updated')) screen.said(OUTCOMES[outcome]);
    absence = outcome === 'absent' ? NOT_SET_UP : 'No model on this device yet. Connect to the network, then refresh.';
  }
  show(eye?.model ?? null);
  void device.tell();
  void keepEngine().catch((error: unknown) => console.warn(error));
}

/** Has the service worker keep the module that the current release needs, so that it recognises offline, too. */
async function keepEngine(): Promise<void> {
  const { engine } = (await eye?.diagnose()) ?? {};
  if (engine?.build !== 'tract') return;
  await appKept;
  await keepTract();
}

function failed(error: unknown): void {
  absence = explain(error);
  screen.said(absence, true);
  screen.network(!(error instanceof JichoError && error.code === 'NETWORK'));
}

function show(model: ModelInfo | null): void {
  screen.model(model, channel);
  teach.changed();
  if (model) screen.modelState('ready');
  else if (!refreshing) screen.modelState(eye ? 'absent' : 'failed');
  look();
}

function choose(chosen: File | null): void {
  photo = chosen;
  screen.photo(chosen);
  if (chosen) camera.stop();
  else camera.start();
  look();
}

/** Recognises what is shown now: the photo, or else what the camera sees. */
function look(): void {
  if (teach.open && eye?.model) return;
  looking?.abort();
  latest = undefined;
  looking = undefined;
  steady.clear();
  if (!eye?.model) {
    screen.notice(refreshing ? 'Getting the model…' : absence);
    return;
  }
  const { signal } = (looking = new AbortController());
  if (photo) {
    screen.notice('Looking at the photo…');
    const answered = eye.recognize(photo, { signal }).then((answer) => tell(answer));
    answered.catch((error: unknown) => signal.aborted || screen.notice(explain(error)));
  } else if (camera.state === 'live') {
    screen.notice('Hold a product in front of the camera.');
    watch(eye, screen.video, tellSteadily, signal).catch((error: unknown) => screen.notice(explain(error)));
  } else {
    screen.notice(camera.state === 'starting' ? 'Ready when the camera is.' : 'Choose a photo to have it recognised.');
  }
}

function tellSteadily(answer: Recognition): void {
  latest = answer;
  const shown = steady.add(answer);
  if (shown) screen.answer(shown, eye?.model?.facts ?? {});
}

function tell(answer: Recognition): void {
  latest = answer;
  screen.answer({ ...answer, hint: hint(answer) }, eye?.model?.facts ?? {});
}
