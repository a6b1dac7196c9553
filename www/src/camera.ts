/** The camera's state. */
export type CameraState = 'off' | 'starting' | 'live' | 'denied' | 'missing' | 'busy' | 'insecure';

const REASONS: Record<string, CameraState> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
};

/** The rear camera, shown in a video element while the page is visible. */
export class Camera {
  readonly #video: HTMLVideoElement;
  readonly #onState: (state: CameraState) => void;
  #stream: MediaStream | undefined;
  #state: CameraState = 'off';
  #wanted = false;

  constructor(video: HTMLVideoElement, onState: (state: CameraState) => void) {
    this.#video = video;
    this.#onState = onState;
    // Phones mute or end the track of a hidden page, and rarely restore it: so the camera is closed and opened again.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#close('off');
      else if (this.#wanted) void this.#open();
    });
  }

  get state(): CameraState {
    return this.#state;
  }

  /** From now on the camera is on whenever the page is visible. */
  start(): void {
    this.#wanted = true;
    if (!document.hidden) void this.#open();
  }

  stop(): void {
    this.#wanted = false;
    this.#close('off');
  }

  async #open(): Promise<void> {
    if (this.#state === 'starting' || this.#state === 'live') return;
    if (!navigator.mediaDevices) {
      this.#tell('insecure');
      return;
    }
    this.#tell('starting');
    let stream: MediaStream | undefined;
    try {
      const video = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (this.#stopped()) {
        end(stream);
        return;
      }
      this.#stream = stream;
      stream.getVideoTracks()[0]?.addEventListener('ended', () => this.#close('busy'));
      this.#video.srcObject = stream;
      await this.#video.play();
      if (!this.#stopped()) this.#tell('live');
    } catch (error) {
      if (!this.#stopped()) this.#close(REASONS[(error as Error).name] ?? 'busy');
    }
  }

  /** Whether the page was hidden, or the camera stopped, while the camera was starting. */
  #stopped(): boolean {
    return this.#state !== 'starting';
  }

  #close(state: CameraState): void {
    if (this.#stream) end(this.#stream);
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#tell(state);
  }

  #tell(state: CameraState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
