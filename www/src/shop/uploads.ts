import { type Added, addressOf, changeHeaders, refusalOf } from '../api/client';
import { Store } from '../app/store';

/** Photos that are sent at once. More would only wait for the service, which looks through a few at a time. */
const AT_ONCE = 2;

export type UploadState = 'waiting' | 'sending' | 'looking' | 'stored' | 'duplicate' | 'refused' | 'failed';

/** A photo on its way to the service, and what came of it. */
export interface Upload {
  readonly file: File;
  readonly product: string;
  state: UploadState;
  /** Share of its bytes that are sent, 0 to 1. */
  share: number;
  /** Why it was refused, in the service's words. */
  detail: string;
  /** What makes it hard to recognise: words such as `blur`. */
  findings: readonly string[];
  /** Whether an older photo of the product looks the same. */
  alike: boolean;
}

/** The photos that are being uploaded to a channel. */
export class Uploads extends Store {
  list: Upload[] = [];
  #channel = '';
  #sending = 0;
  /** Called after photos were stored and none is on its way any more. */
  onIdle: () => void = () => undefined;

  add(channel: string, product: string, files: Iterable<File>): void {
    this.#channel = channel;
    const photos = [...files].filter(
      ({ type, name }) => type.startsWith('image/') || /\.(jpe?g|png|webp)$/i.test(name),
    );
    this.list = [
      ...this.list,
      ...photos.map(
        (file): Upload => ({ file, product, state: 'waiting', share: 0, detail: '', findings: [], alike: false }),
      ),
    ];
    this.changed();
    this.#next();
  }

  /** Sends those again that the network has stopped. */
  retry(): void {
    for (const upload of this.list) if (upload.state === 'failed') upload.state = 'waiting';
    this.changed();
    this.#next();
  }

  get busy(): boolean {
    return this.list.some(({ state }) => ['waiting', 'sending', 'looking'].includes(state));
  }

  count(...states: UploadState[]): number {
    return this.list.filter(({ state }) => states.includes(state)).length;
  }

  clear(): void {
    this.list = this.list.filter(({ state }) => ['waiting', 'sending', 'looking'].includes(state));
    this.changed();
  }

  #next(): void {
    while (this.#sending < AT_ONCE) {
      const upload = this.list.find(({ state }) => state === 'waiting');
      if (!upload) break;
      this.#sending++;
      void this.#send(upload).finally(() => {
        this.#sending--;
        this.changed();
        this.#next();
        if (!this.busy) this.onIdle();
      });
    }
  }

  async #send(upload: Upload): Promise<void> {
    upload.state = 'sending';
    upload.share = 0;
    this.changed();
    const form = new FormData();
    form.append('product', upload.product);
    form.append('photo', upload.file, upload.file.name);
    const { status, body } = await post(
      addressOf(`channels/${encodeURIComponent(this.#channel)}/photos`),
      form,
      (share) => {
        upload.share = share;
        upload.state = share < 1 ? 'sending' : 'looking';
        this.changed();
      },
    );
    if (status === 0 || status === 429 || status >= 500) {
      upload.state = 'failed';
      return;
    }
    const added = Array.isArray(body) ? (body[0] as Added | undefined) : undefined;
    if (!added) {
      const { errors } = (body ?? {}) as { errors?: { detail: string }[] };
      upload.state = 'refused';
      upload.detail = errors?.[0]?.detail ?? refusalOf(status, body).message;
      return;
    }
    upload.state = added.outcome;
    upload.detail = added.refusal?.detail ?? '';
    upload.findings = added.photo?.findings ?? [];
    upload.alike = added.outcome === 'stored' && Boolean(added.looksLike);
  }
}

/** Sends a form and tells how much of it is sent, which `fetch` cannot. */
function post(
  address: string,
  form: FormData,
  onShare: (share: number) => void,
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', address);
    request.responseType = 'json';
    for (const [name, value] of Object.entries(changeHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onShare(total ? loaded / total : 0);
    request.onload = () => resolve({ status: request.status, body: request.response as unknown });
    request.onerror = () => resolve({ status: 0, body: null });
    request.send(form);
  });
}
