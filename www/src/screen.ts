import type { ModelInfo, SyncProgress } from 'jicho';

import type { CameraState } from './camera';
import type { Shown } from './steady';
import { bytes, CAMERA, DECISIONS, dateTime, percent, price } from './words';

/** The state of the model. */
export type ModelState = 'opening' | 'absent' | 'downloading' | 'ready' | 'failed';

const MODEL_STATES: Record<ModelState, string> = {
  opening: 'Opening…',
  absent: 'Not set up',
  downloading: 'Downloading…',
  ready: 'Ready',
  failed: 'Failed',
};

/** How many alternatives are shown beside the first product. */
const OTHERS = 3;

/** The page. Only this class changes what it shows. */
export class Screen {
  readonly video = byId('video', HTMLVideoElement);
  readonly #photo = byId('photo', HTMLImageElement);
  readonly #file = byId('file', HTMLInputElement);

  /** Calls back when the user presses a button or chooses a file. */
  listen(on: { refresh(): void; photo(photo: File): void; camera(): void; tryCamera(): void }): void {
    tested('refresh').addEventListener('click', on.refresh);
    byId('back-to-camera', HTMLElement).addEventListener('click', on.camera);
    byId('camera-again', HTMLElement).addEventListener('click', on.tryCamera);
    this.#file.addEventListener('change', () => {
      const photo = this.#file.files?.[0];
      // Otherwise choosing the same file again would fire no event.
      this.#file.value = '';
      if (photo) on.photo(photo);
    });
  }

  camera(state: CameraState): void {
    tested('camera').dataset['state'] = state;
    this.#cover();
  }

  network(online: boolean): void {
    state(tested('network-state'), online ? 'online' : 'offline', online ? 'Online' : 'Offline');
  }

  /** Shows a photo instead of the camera, or the camera again. */
  photo(photo: File | null): void {
    URL.revokeObjectURL(this.#photo.src);
    this.#photo.hidden = !photo;
    byId('back-to-camera', HTMLElement).hidden = !photo;
    if (photo) this.#photo.src = URL.createObjectURL(photo);
    else this.#photo.removeAttribute('src');
    this.#cover();
  }

  model(model: ModelInfo | null, channel: string): void {
    tested('model-channel').textContent = channel;
    tested('model-version').textContent = model?.version ?? '–';
    tested('model-trained-at').textContent = model ? dateTime(model.trainedAt) : '–';
    tested('model-products').textContent = model?.productCount.toLocaleString() ?? '–';
    const kept = model?.stored ? 'on this device' : 'until the page closes';
    tested('model-size').textContent = model ? `${bytes(model.bytes)}, ${kept}` : '–';
  }

  /** Shows the model's state, and the download's progress in the state `downloading` only. */
  modelState(now: ModelState): void {
    state(tested('model-state'), now, MODEL_STATES[now]);
    byId('download', HTMLElement).hidden = now !== 'downloading';
  }

  /** Shows a message about the last refresh; an empty one hides it. */
  said(text: string, failed = false): void {
    const element = tested('sync-message');
    element.hidden = text === '';
    element.classList.toggle('failed', failed);
    element.textContent = text;
  }

  refreshing(busy: boolean): void {
    const button = tested('refresh') as HTMLButtonElement;
    button.disabled = busy;
    button.textContent = busy ? 'Looking for a new model…' : 'Refresh model';
  }

  progress({ loadedBytes, totalBytes }: SyncProgress): void {
    this.modelState('downloading');
    (tested('progress') as HTMLProgressElement).value = loadedBytes / totalBytes;
    byId('download-text', HTMLElement).textContent = `${bytes(loadedBytes)} of ${bytes(totalBytes)}`;
  }

  /** Shows a line of text instead of an answer. */
  notice(text: string): void {
    byId('notice', HTMLElement).textContent = text;
    byId('notice', HTMLElement).hidden = false;
    byId('seen', HTMLElement).hidden = true;
    tested('answer').dataset['decision'] = 'none';
  }

  answer(shown: Shown, facts: ModelInfo['facts']): void {
    const [first, ...others] = shown.predictions;
    const known = shown.decision !== 'unknown';
    byId('notice', HTMLElement).hidden = true;
    byId('seen', HTMLElement).hidden = false;
    tested('answer').dataset['decision'] = shown.decision;
    state(tested('result-decision'), shown.decision, DECISIONS[shown.decision]);

    const label = known ? (first?.label ?? '') : '';
    const name = known ? nameOf(label, facts) : 'Not one of the products';
    const heading = tested('result-label');
    // Set only when it changes, or a screen reader would repeat it with every frame.
    if (heading.textContent !== name) heading.textContent = name;
    heading.dataset['label'] = label;
    fill('price', price(facts[label]));
    fill('hint', shown.hint);

    byId('sure', HTMLElement).hidden = !known || !first;
    const gauge = byId('gauge', HTMLElement);
    gauge.style.setProperty('--share', String(first?.confidence ?? 0));
    gauge.ariaValueNow = String(first?.confidence ?? 0);
    tested('result-confidence').textContent = percent(first?.confidence ?? 0);

    const rest = (known ? others : shown.predictions).slice(0, OTHERS).filter((p) => p.confidence >= 0.01);
    byId('others-title', HTMLElement).hidden = rest.length === 0;
    byId('others-title', HTMLElement).textContent = known ? 'Or' : 'Closest';
    tested('result-alternatives').replaceChildren(
      ...rest.map((p) => line(nameOf(p.label, facts), percent(p.confidence), p.confidence)),
    );
    const extras = attributes(shown);
    byId('facts', HTMLElement).hidden = extras.length === 0 || !known;
    byId('facts', HTMLElement).replaceChildren(...extras.map(([key, value]) => chip(key, value)));
  }

  update(takeOver: () => void): void {
    byId('update', HTMLElement).hidden = false;
    byId('update-now', HTMLElement).addEventListener('click', takeOver, { once: true });
  }

  #cover(): void {
    const camera = (tested('camera').dataset['state'] ?? 'off') as CameraState;
    byId('cover', HTMLElement).hidden = !this.#photo.hidden || CAMERA[camera] === '';
    tested('camera-message').textContent = CAMERA[camera];
    byId('camera-again', HTMLElement).hidden = camera === 'starting' || camera === 'insecure';
  }
}

function attributes(shown: Shown): [string, string][] {
  const found = Object.entries(shown.attributes).map(([name, { value }]): [string, string] => {
    return [name, Array.isArray(value) ? value.join(' ') : value.toLocaleString()];
  });
  return shown.score === null ? found : [['score', Math.round(shown.score).toLocaleString()], ...found];
}

function nameOf(label: string, facts: ModelInfo['facts']): string {
  const name = facts[label]?.['name'];
  return typeof name === 'string' ? name : label;
}

function line(name: string, share: string, confidence: number): HTMLElement {
  const item = document.createElement('li');
  item.style.setProperty('--share', String(confidence));
  item.append(text('span', name), text('span', share));
  return item;
}

function chip(key: string, value: string): HTMLElement {
  const item = document.createElement('li');
  item.append(text('span', key), ' ', text('b', value));
  return item;
}

function text(tag: string, content: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = content;
  return element;
}

function fill(id: string, content: string): void {
  const element = byId(id, HTMLElement);
  element.hidden = content === '';
  if (element.textContent !== content) element.textContent = content;
}

function state(element: HTMLElement, value: string, words: string): void {
  element.dataset['state'] = value;
  if (element.textContent !== words) element.textContent = words;
}

function tested(id: string): HTMLElement {
  return found(document.querySelector<HTMLElement>(`[data-testid="${id}"]`), id);
}

function byId<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  return found(element instanceof kind ? element : null, id);
}

function found<T>(element: T | null, id: string): T {
  if (!element) throw new Error(`the page has no ${id}`);
  return element;
}
